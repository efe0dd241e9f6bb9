"""What coded weights make of int8 files on tflite-micro: bytes, equality of the outputs, and time beside the plain file.

python tools/measure_coding.py FILE.tflite ... [--zeros 0 0.5 0.75 0.9] [--samples 20]

The smallest weights of each large kernel are set to zero after the fact, so the sizes and the equality are real and an
accuracy is not. Both files are after the diet. The time is the shortest of all samples on this machine with tflite-micro's
reference kernels.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from pathlib import Path

import numpy as np
from tflite_micro.python.tflite_micro import runtime

from edgekit.techniques.sites import MINIMUM_WEIGHTS
from edgekit.tflite.coding.choose import coded_kernels, sites_of
from edgekit.tflite.coding.insert import with_decoders
from edgekit.tflite.coding.kinds import NAMES
from edgekit.tflite.diet.whole import dieted
from edgekit.tflite.model import TfliteModel
from edgekit.tflite.patched import patched
from edgekit.tflite.reader import parse_tflite, read_tflite

ARENA_BYTES = 1 << 20
HEAD = "| file | zeros | raw, B | diet, B | coded, B | kernels | outputs equal | us, diet | us, coded |"


def sparse(model: TfliteModel, share: float) -> TfliteModel:
    """The model with the smallest weights of each large kernel at zero, after its diet."""
    kernels = {}
    for site in sites_of(model):
        if site.array.size >= MINIMUM_WEIGHTS and site.tensor.shape[0] > 1:  # a depthwise kernel has 1 there
            flat = site.array.reshape(-1).copy()
            flat[np.argsort(abs(flat.astype(int)), kind="stable")[: round(share * flat.size)]] = 0
            kernels[site.tensor.index] = flat.reshape(site.array.shape)
    content = dieted(patched(model.content, model, kernels), where=model.path).content
    return parse_tflite(content, where=model.path)


def answers(model: TfliteModel, samples: int) -> tuple[list[np.ndarray], float]:
    """The outputs for random inputs, and the shortest time of one in microseconds."""
    interpreter = runtime.Interpreter.from_bytes(model.content, arena_size=ARENA_BYTES)
    shape, found, shortest = model.input_tensors[0].shape, [], float("inf")
    for seed in range(samples):
        interpreter.set_input(np.random.default_rng(seed).integers(-128, 128, shape).astype(np.int8), 0)
        begun = time.perf_counter()
        interpreter.invoke()
        shortest = min(shortest, time.perf_counter() - begun)
        found.append(np.array(interpreter.get_output(0)))
    return found, shortest * 1e6


def row(path: Path, share: float, samples: int) -> str:
    """One line of the table."""
    model = read_tflite(path)
    plain = sparse(model, share)
    content = with_decoders(plain.content, coded_kernels(plain), where=str(path))
    wanted, before = answers(plain, samples)
    cells = [path.stem, f"{share:.0%}", f"{model.size_bytes:,}", f"{plain.size_bytes:,}"]
    if content is None:
        return f"| {' | '.join([*cells, 'nothing gains', '', '', f'{before:,.0f}', ''])} |"
    coded = parse_tflite(content, where=str(path))
    got, after = answers(coded, samples)
    equal = sum(bool((one == other).all()) for one, other in zip(wanted, got, strict=True))
    kinds = Counter(NAMES[type(tensor.coding)] for tensor in coded.tensors if tensor.coding)
    told = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
    cells += [f"{coded.size_bytes:,}", told, f"{equal} of {samples}", f"{before:,.0f}", f"{after:,.0f}"]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Measure coded weights of int8 .tflite files on tflite-micro.")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--zeros", nargs="+", type=float, default=[0.0, 0.5, 0.75, 0.9], metavar="SHARE")
    parser.add_argument("--samples", type=int, default=20)
    given = parser.parse_args()
    print(HEAD)
    print("|" + " --- |" * (HEAD.count("|") - 1))
    for path in given.files:
        for share in given.zeros:
            print(row(path, share, given.samples), flush=True)


if __name__ == "__main__":
    main()
