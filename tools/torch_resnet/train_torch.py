"""The child that trains the network in PyTorch, in the Python that has it, in a folder that has `data.npz`, with `benchmark_projects` on PYTHONPATH.

    python train_torch.py --weights initial.npz --out FOLDER --epochs 10 --seed 0

It begins with the weights that `train_keras.py` wrote, and writes `model.pt2` and `training.json`; with no epochs it writes the program of these weights.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import recipe
import torch
from network import ResNet8


def main() -> None:
    """Train, and write the files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--epochs", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    given = parser.parse_args()
    torch.manual_seed(given.seed)
    network = ResNet8()
    with np.load(given.weights) as weights:
        network.take(weights)
    began, losses = time.monotonic(), []
    if given.epochs:
        with np.load("data.npz") as data:
            losses = trained(network, data["x_train"], data["y_train"], given.epochs, given.seed)
    told = {"losses": losses, "seconds": round(time.monotonic() - began, 1)}
    (given.out / "training.json").write_text(json.dumps(told), encoding="utf-8")
    export(network, given.out / "model.pt2")


def trained(network: ResNet8, x: np.ndarray, y: np.ndarray, epochs: int, seed: int) -> list[float]:
    """Train the network; returns the mean loss of each epoch."""
    network.train().to(memory_format=torch.channels_last)
    adam = torch.optim.Adam(network.parameters(), recipe.RATE, eps=recipe.EPSILON_OF_ADAM)
    step, steps, losses = 0, recipe.steps_of(len(x), epochs), []
    for images, classes in recipe.epochs_of(x, y, epochs=epochs, seed=seed):
        found = []
        for rows in np.split(np.arange(len(images)), len(images) // recipe.BATCH):
            adam.param_groups[0]["lr"] = recipe.rate(step, steps)
            batch = torch.from_numpy(images[rows]).permute(0, 3, 1, 2)
            answers = network(batch)
            loss = torch.nn.functional.cross_entropy(answers, torch.from_numpy(classes[rows])) + network.penalty()
            adam.zero_grad()
            loss.backward()
            adam.step()
            found.append(loss.item())
            step += 1
        losses.append(float(np.mean(found)))
    return losses


def export(network: ResNet8, path: Path) -> None:
    """The program of the network in evaluation mode with a softmax, as Keras's has one, and with a free batch."""
    whole = torch.nn.Sequential(network, torch.nn.Softmax(1)).eval().to(memory_format=torch.contiguous_format)
    program = torch.export.export(whole, (torch.zeros(2, 3, 32, 32),), dynamic_shapes=({0: torch.export.Dim("batch")},))
    torch.export.save(program, path)


if __name__ == "__main__":
    main()
