"""Trains network.py on the digits of examples/digits and writes digits.pt2 and digits.npz.

    python make_model.py         # needs torch; half a minute

The pictures have their channels first, as PyTorch has them.
"""

import numpy as np
import torch
from network import HERE, Network

DIGITS = HERE.parent / "digits" / "digits.npz"
EPOCHS, BATCH = 30, 32


def train(network: torch.nn.Module, images: torch.Tensor, labels: torch.Tensor) -> None:
    """Adam on the cross entropy of the logits."""
    optimizer = torch.optim.Adam(network.parameters(), 3e-3)
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(images)).split(BATCH):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(network(images[rows]), labels[rows]).backward()
            optimizer.step()


def main() -> None:
    torch.manual_seed(0)
    with np.load(DIGITS) as data:
        arrays = {name: array.transpose(0, 3, 1, 2) if name[0] == "x" else array for name, array in data.items()}
    network = Network()
    train(network, torch.from_numpy(arrays["x_train"]).float(), torch.from_numpy(arrays["y_train"]).long())
    example = torch.from_numpy(arrays["x_train"][:1]).float()
    program = torch.export.export(network.eval(), (example,))
    for node in program.graph.nodes:  # it would tell the folders of whoever exported it
        node.meta.pop("stack_trace", None)
    torch.export.save(program, HERE / "digits.pt2")
    np.savez_compressed(HERE / "digits.npz", **arrays)


if __name__ == "__main__":
    main()
