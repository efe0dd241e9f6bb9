"""The table of docs/benchmarks.md: a row for each way and file, and whether both ways end alike, by the means over the seeds."""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from torch_resnet.building import CARRIED, CHAINS, KERAS, TORCH

Figures = Mapping[str, Any]
ALLOWED_POINTS, ALLOWED_SHARE = 0.3, 0.02
"""What the means of accuracy and of raw bytes may differ by."""
SIDES = {KERAS: "Keras", TORCH: "PyTorch", CARRIED: "Keras, its weights put into PyTorch's module"}
FLOAT, TRAINING = "float32", "training"
TITLES = {FLOAT: "float32", "int8": "int8", "quantization_aware": "quantization-aware training, int8"}
HEADS = ("file", "trained in", "accuracy on test, mean", "lowest to highest", "by seed", "raw, B, mean", "lowest to highest")  # fmt: skip


@dataclasses.dataclass(frozen=True, kw_only=True)
class Verdict:
    """PyTorch's means beside those of Keras: points of accuracy with their standard error by the pairs of one seed, and the share of the bytes."""

    points: float
    error: float | None
    share: float

    @property
    def holds(self) -> bool:
        """Whether both are within what is allowed."""
        return abs(self.points) <= ALLOWED_POINTS + 1e-9 and abs(self.share) <= ALLOWED_SHARE

    def __str__(self) -> str:
        error = "" if self.error is None else f" (standard error {self.error:.2f})"
        return f"{self.points:+.2f} points{error} and {self.share:+.2%} of the bytes: {'held' if self.holds else '**missed**'}"


def verdict(keras: Sequence[Figures], torch: Sequence[Figures]) -> Verdict:
    """PyTorch's files beside those of Keras, each list in the order of the seeds."""
    pairs = [100 * (ours["score"] - theirs["score"]) for theirs, ours in zip(keras, torch, strict=True)]
    bytes_of = [statistics.fmean(one["flash"] for one in files) for files in (keras, torch)]
    error = statistics.stdev(pairs) / math.sqrt(len(pairs)) if len(pairs) > 1 else None
    return Verdict(points=statistics.fmean(pairs), error=error, share=bytes_of[1] / bytes_of[0] - 1)


def table(cells: Mapping[str, Mapping[str, Figures]]) -> str:
    """The table and its remarks; `cells` are the figures of each way, by chain and seed as `row` names them."""
    lines = [f"| {' | '.join(HEADS)} |", "|---|---|---:|---|---|---:|---|"]
    for chain in (FLOAT, *CHAINS):
        for side in SIDES:
            found = files(cells.get(side, {}), chain)
            lines += [_line(TITLES[chain], SIDES[side], found)] if found else []
    return "\n".join([*lines, "", *(f"- {line}" for line in remarks(cells))])


def row(chain: str, seed: int) -> str:
    """The name of a cell."""
    return f"{chain} {seed}"


def files(cells: Mapping[str, Figures], chain: str) -> list[Figures]:
    """The cells of a chain in the order of the seeds; those of the float file are told by what the int8 file lost of it."""
    from_chain = "int8" if chain == FLOAT else chain
    numbered = {int(name.rpartition(" ")[2]): one for name, one in cells.items() if name.startswith(f"{from_chain} ")}
    found = [numbered[seed] for seed in sorted(numbered)]
    if chain != FLOAT:
        return found
    return [{"score": one["score"] + one["drop"] / 100} for one in found if one.get("drop") is not None]


def _line(title: str, side: str, found: Sequence[Figures]) -> str:
    failed = next((one["failed"] for one in found if "failed" in one), None)
    if failed is not None:
        return f"| {title} | {side} | no file: {' '.join(str(failed).split())} |" + " |" * (len(HEADS) - 3)
    scores = [one["score"] for one in found]
    sizes = [one["flash"] for one in found if "flash" in one]
    cells = [title, side, f"{statistics.fmean(scores):.2%}", _range(scores, ".2%"), ", ".join(f"{100 * one:.2f}" for one in scores)]  # fmt: skip
    cells += [f"{statistics.fmean(sizes):,.0f}", _range(sizes, ",.0f")] if sizes else ["", ""]
    return f"| {' | '.join(cells)} |"


def _range(values: Sequence[float], form: str) -> str:
    low, high = format(min(values), form), format(max(values), form)
    return low if low == high else f"{low} to {high}"


def remarks(cells: Mapping[str, Mapping[str, Figures]]) -> list[str]:
    """Whether each kind of file ends alike, whether carried weights give the same file, and how far the losses of the first epoch are apart."""
    found = [f"Wanted: at most {ALLOWED_POINTS} points of accuracy and {ALLOWED_SHARE:.0%} of the raw bytes between the means of PyTorch and Keras."]  # fmt: skip
    for chain in CHAINS:
        keras, torch = (files(cells.get(side, {}), chain) for side in (KERAS, TORCH))
        if keras and len(keras) == len(torch) and not any("failed" in one for one in (*keras, *torch)):
            found.append(f"{TITLES[chain]}: {verdict(keras, torch)}.")
        else:
            found.append(f"{TITLES[chain]}: not both made.")
    return [*found, *_carried(cells), *_losses(cells)]


def _carried(cells: Mapping[str, Mapping[str, Figures]]) -> list[str]:
    """One sentence on each file of the carried weights beside the same seed's of Keras."""
    found = []
    for name, one in cells.get(CARRIED, {}).items():
        theirs = cells.get(KERAS, {}).get(name, {})
        if "score" in one and "score" in theirs:
            is_same = bool(one.get("hashes")) and one.get("hashes") == theirs.get("hashes")
            told = "the same file, bit for bit" if is_same else str(verdict([theirs], [one]))
            found.append(f"Carried weights, {TITLES[name.rpartition(' ')[0]]}, seed {name.rpartition(' ')[2]}: {told}.")
    return found


def _losses(cells: Mapping[str, Mapping[str, Figures]]) -> list[str]:
    """The losses of the first and the last epoch, in Keras and in PyTorch."""
    both = [[one["losses"] for one in files(cells.get(side, {}), TRAINING)] for side in (KERAS, TORCH)]
    if not (both[0] and both[1]):
        return []
    first, last = (
        ", ".join(f"{theirs[epoch]:.4f} and {ours[epoch]:.4f}" for theirs, ours in zip(*both, strict=False))
        for epoch in (0, -1)
    )
    return [
        f"Mean loss of the first epoch in Keras and in PyTorch, by seed: {first}; of the last of {len(both[0][0])}: {last}."
    ]
