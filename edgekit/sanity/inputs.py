"""Inputs without information, and splits whose inputs differ in range."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from edgekit.documents.report import Finding
from edgekit.ingest.dataset import Split
from edgekit.ingest.seen import DataSeen, InputSeen, SplitSeen
from edgekit.sanity.amounts import some

APART = 4.0
"""Two splits have different ranges if the spread of one is at least so many times that of the other."""
SHIFTED = 1.0
"""They also differ if the gap between their middle halves is at least this share of the wider spread."""
FEWEST, LEAST_VALUES = 10, 200
"""The fewest samples, and the fewest values in them, from which a range is judged."""
FEW = 32
"""A sample of at most so many single values is taken for a row of features, each meant to carry information."""


def inputs(seen: DataSeen, names: Sequence[str] = ()) -> list[Finding]:
    """Constant inputs, features and channels that never vary, and inputs whose range differs between splits."""
    count = max((len(one.inputs) for one in seen.splits.values()), default=0)
    found: list[Finding] = []
    for index in range(count):
        each = {split: one.inputs[index] for split, one in seen.splits.items() if index < len(one.inputs)}
        name = f"input {names[index]!r}" if count > 1 and index < len(names) else "the input"
        constant = _constant(each, name)
        found += constant or [*_constant_items(each, name), *_different_ranges(each, seen.splits, name)]
    return found


def _constant(each: Mapping[Split, InputSeen], name: str) -> list[Finding]:
    flat = [split for split, one in each.items() if one.low == one.high]
    if not flat:
        return []
    value = each[flat[0]].low
    return [
        Finding(
            name="constant_input",
            what=f"{name} is {value:g} in every value of {some(flat)}",
            advice="look at how the data was made: a model learns and shows nothing of an input that is always the same",
        )
    ]


def _constant_items(each: Mapping[Split, InputSeen], name: str) -> list[Finding]:
    """Channels that never vary. Single features only if they are few or vary in another split: an image's margin may be constant."""
    everywhere = set.intersection(*(set(one.still) for one in each.values()))
    sample = next(iter(each.values())).sample or (1,)  # a sample may be one number
    told = everywhere if len(sample) > 1 or sample[0] <= FEW else set()
    found = []
    if told and len(told) < sample[-1]:
        found.append(
            Finding(
                name="still_features",
                what=f"{_items(told)} of {name} ({len(told)} of {sample[-1]} in its last axis) have one value in every sample",
                advice="look at where they come from (a sensor that was off, a column that was lost), or leave them out of the model",
            )
        )
    if "train" in each and "test" in each and len(sample) == 1:
        elsewhere = set(each["train"].still) - set(each["test"].still)
        if elsewhere and len(elsewhere) >= 0.1 * sample[0]:
            found.append(
                Finding(
                    name="still_features",
                    what=f"{_items(elsewhere)} of {name} have one value in all training samples and vary in test",
                    advice="look at how the two were made: the model could learn nothing of them",
                )
            )
    return found


def _items(indices: set[int]) -> str:
    numbers = some([str(index) for index in sorted(indices)])
    return f"item{'s' if len(indices) > 1 else ''} {numbers}"


def _different_ranges(each: Mapping[Split, InputSeen], splits: Mapping[Split, SplitSeen], name: str) -> list[Finding]:
    found = []
    if "train" not in each:
        return []
    for split in ("validation", "test"):
        if split not in each:
            continue
        mine, train = each[split], each["train"]
        values = splits[split].samples * math.prod(mine.sample)
        if splits[split].samples >= FEWEST and values >= LEAST_VALUES and _differ(train, mine):
            found.append(
                Finding(
                    name="split_ranges",
                    what=f"{name} has {_range(train)} in train and {_range(mine)} in {split}",
                    advice="prepare both alike: scale, centre and decode them by one function",
                )
            )
    return found


def _differ(first: InputSeen, second: InputSeen) -> bool:
    """Compares the middle nine tenths of the values, or all values if those are all the same in one split."""
    inner = [seen.quantiles[2] - seen.quantiles[0] for seen in (first, second)]
    narrow, wide = sorted(inner if min(inner) > 0 else [seen.high - seen.low for seen in (first, second)])
    between = abs(first.quantiles[1] - second.quantiles[1])
    gap = max(first.quantiles[0] - second.quantiles[2], second.quantiles[0] - first.quantiles[2])
    return wide > APART * narrow or (gap > 0 and between > SHIFTED * wide)


def _range(seen: InputSeen) -> str:
    return f"values from {seen.low:g} to {seen.high:g} (mean {seen.mean:.3g}, standard deviation {seen.std:.3g})"
