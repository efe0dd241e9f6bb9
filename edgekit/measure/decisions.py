"""What a file decides on a split, sample by sample and class by class, compared with the baseline.

It counts measured outputs and judges nothing. A decision is what the metric's rules say: the largest of several outputs,
or a single one above the threshold.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from edgekit.documents.decisions import Changed, ClassShare, Decisions, Errors
from edgekit.ingest.dataset import Dataset, Split, mapped
from edgekit.ingest.split import class_numbers
from edgekit.measure.thumbnails import Pictures, pictures_of
from edgekit.verdict.metric_spec import MetricSpec

if TYPE_CHECKING:
    import numpy as np

MOST_CLASSES = 50
MOST_CHANGED = 24
MOST_VALUES = 8
BINS = 24
NUMBERS = ("mae", "mse")
UNDECIDED = -1
"""The decision of a sample with an output that is not a number."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Decided:
    """Class numbers of each sample's decisions (samples, decisions); `before` is None without a baseline."""

    truth: np.ndarray
    after: np.ndarray
    before: np.ndarray | None
    count: int


def decisions_on(
    dataset: Dataset, split: Split, spec: MetricSpec, before: Sequence[str], after: Sequence[str]
) -> Decisions | None:
    """The decisions of a file whose outputs are the `.npy` files `after`, and of the baseline whose outputs are `before`.

    `before` may be empty. None where there are no outputs, or the targets are neither classes nor numbers of the
    outputs' shape.
    """
    if not after or spec.output >= len(after):
        return None
    rows = dataset.rows(split)
    targets = dataset.targets(split)
    truth = targets[spec.output if len(targets) > 1 else 0][rows]
    outputs = mapped(Path(after[spec.output]))
    base = mapped(Path(before[spec.output])) if len(before) > spec.output else None
    base = base if base is not None and base.shape == outputs.shape else None
    if len(truth) != len(outputs):
        return None
    pictures = pictures_of(dataset, split)
    decided = None if spec.name in NUMBERS else _decided(truth, outputs, base, spec.threshold)
    if decided is not None:
        return _classes(decided, _labels(dataset.labels, decided.count), split, rows, pictures)
    return _numbers(truth, outputs, base, split, rows, pictures) if truth.size == outputs.size else None


def _decided(truth: np.ndarray, outputs: np.ndarray, base: np.ndarray | None, threshold: float) -> _Decided | None:
    """The decisions; None if the targets do not give one class for each decision."""
    is_single = outputs.ndim == 1 or outputs.shape[-1] == 1
    labels = _class_of(truth, outputs, is_single=is_single)
    count = 2 if is_single else outputs.shape[-1]
    if labels is None or labels.min(initial=0) < 0 or labels.max(initial=0) >= count:
        return None

    def decide(given: np.ndarray) -> np.ndarray:
        return _decide(given, threshold, is_single=is_single).reshape(len(truth), -1)

    return _Decided(
        truth=labels.reshape(len(truth), -1),
        after=decide(outputs),
        before=None if base is None else decide(base),
        count=count,
    )


def _class_of(truth: np.ndarray, outputs: np.ndarray, *, is_single: bool) -> np.ndarray | None:
    """The class number of each decision, from class numbers or one-hot rows; the shape is the outputs' without the class axis."""
    import numpy as np

    shape = outputs.reshape(len(outputs), -1).shape if is_single else outputs.shape[:-1]
    found = class_numbers(truth) if outputs.ndim <= 2 and not is_single else None
    if found is None and truth.size == np.prod(shape) and not (np.asarray(truth) % 1).any():
        found = np.asarray(truth, dtype=np.int64)
    return None if found is None or found.size != np.prod(shape) else found


def _decide(outputs: np.ndarray, threshold: float, *, is_single: bool) -> np.ndarray:
    import numpy as np

    unknown = np.isnan(outputs) if is_single else np.isnan(outputs).any(axis=-1)
    decided = (outputs > threshold).astype(np.int64) if is_single else outputs.argmax(axis=-1)
    return np.asarray(np.where(unknown, UNDECIDED, decided))


def _labels(names: Sequence[str], count: int) -> tuple[str, ...]:
    return tuple(names) if len(names) == count else tuple(map(str, range(count)))


def _classes(found: _Decided, labels: tuple[str, ...], split: str, rows: np.ndarray, pictures: Pictures) -> Decisions:
    import numpy as np

    shares = [share for number in range(found.count) if (share := _share(found, number, labels[number])) is not None]
    changed, lost, gained = _moved(found)
    few = found.count <= MOST_CLASSES
    confusion = np.zeros((found.count, found.count), np.int64)
    known = found.after != UNDECIDED
    np.add.at(confusion, (found.truth[known], found.after[known]), 1)
    return Decisions(
        kind="classes",
        split=split,
        samples=len(rows),
        labels=labels if few else (),
        confusion=tuple(tuple(map(int, row)) for row in confusion) if few else (),
        classes=tuple(shares if few else sorted(shares, key=lambda one: -(one.points_lost or 0.0))[:MOST_CLASSES]),
        changed=_named(found, labels, np.concatenate([lost, gained, changed])[:MOST_CHANGED], rows, pictures),
        changed_samples=len(changed) + len(lost) + len(gained),
        lost=len(lost),
        gained=len(gained),
    )


def _share(found: _Decided, number: int, label: str) -> ClassShare | None:
    """A class's share of right decisions; None if the split has no sample of it."""
    mine = found.truth == number
    if not mine.any():
        return None
    after = float((found.after[mine] == number).mean())
    before = None if found.before is None else float((found.before[mine] == number).mean())
    lost = None if before is None else round(100 * (before - after), 4)
    return ClassShare(label=label, samples=int(mine.sum()), after=after, before=before, points_lost=lost)


def _moved(found: _Decided) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The samples decided differently than before: with as many right decisions, with fewer (worst first), with more."""
    import numpy as np

    if found.before is None:
        nothing = np.zeros(0, np.int64)
        return nothing, nothing, nothing
    differs = (found.before != found.after).any(axis=1)
    gain = (found.after == found.truth).sum(axis=1) - (found.before == found.truth).sum(axis=1)
    lost, gained = np.flatnonzero(differs & (gain < 0)), np.flatnonzero(differs & (gain > 0))
    by_loss = lost[np.argsort(gain[lost], kind="stable")]
    return np.flatnonzero(differs & (gain == 0)), by_loss, gained


def _named(
    found: _Decided, labels: tuple[str, ...], chosen: np.ndarray, rows: np.ndarray, pictures: Pictures
) -> tuple[Changed, ...]:
    if found.before is None or not len(chosen):
        return ()
    shown = pictures.of(rows[chosen])
    made = []
    for place, index in enumerate(chosen):
        truth, before, after = found.truth[index], found.before[index], found.after[index]
        if len(truth) == 1:
            told = [_label(labels, int(one[0])) for one in (truth, before, after)]
        else:
            told = ["", *(f"{(one == truth).mean():.1%} right" for one in (before, after))]
        made.append(_changed_sample(int(rows[index]), told[0] or None, told[1], told[2], shown[place]))
    return tuple(made)


def _label(labels: tuple[str, ...], number: int) -> str:
    return "no decision" if number == UNDECIDED else labels[number]


def _changed_sample(
    sample: int, truth: str | float | None, before: str | float, after: str | float, shown: str | tuple[float, ...]
) -> Changed:
    if isinstance(shown, str):
        return Changed(sample=sample, truth=truth, before=before, after=after, picture=shown)
    return Changed(sample=sample, truth=truth, before=before, after=after, values=shown)


def _numbers(
    truth: np.ndarray, outputs: np.ndarray, base: np.ndarray | None, split: str, rows: np.ndarray, pictures: Pictures
) -> Decisions | None:
    import numpy as np

    wanted = np.asarray(truth, np.float64).reshape(len(truth), -1)
    after = np.asarray(outputs, np.float64).reshape(wanted.shape)
    before = None if base is None else np.asarray(base, np.float64).reshape(wanted.shape)
    if not (np.isfinite(after).all() and (before is None or np.isfinite(before).all())):
        return None
    moved = np.zeros(len(wanted)) if before is None else np.abs(after - before).mean(axis=1)
    furthest = [int(index) for index in np.argsort(-moved, kind="stable")[:MOST_CHANGED] if moved[index] > 0]
    shown = pictures.of(rows[furthest]) if furthest else []
    told = (
        [] if before is None else [_truth_and_outputs(wanted[index], before[index], after[index]) for index in furthest]
    )
    return Decisions(
        kind="numbers",
        split=split,
        samples=len(rows),
        errors=_errors(wanted, before, after),
        changed=tuple(
            _changed_sample(int(rows[index]), *words, look)
            for index, words, look in zip(furthest, told, shown, strict=True)
        ),
        changed_samples=int((moved > 0).sum()),
    )


def _truth_and_outputs(wanted: np.ndarray, before: np.ndarray, after: np.ndarray) -> tuple[float | None, float, float]:
    """A sample's target, and its outputs before and after; if it has several numbers, None and the mean absolute errors."""
    if len(wanted) == 1:
        return float(wanted[0]), float(before[0]), float(after[0])
    return None, float(abs(before - wanted).mean()), float(abs(after - wanted).mean())


def _errors(wanted: np.ndarray, before: np.ndarray | None, after: np.ndarray) -> Errors:
    import numpy as np

    def errors(given: np.ndarray) -> np.ndarray:
        return np.asarray((given - wanted)[:, 0] if is_single else np.abs(given - wanted).mean(axis=1))

    is_single = wanted.shape[1] == 1
    found = [errors(after)] + ([] if before is None else [errors(before)])
    low, high = np.percentile(np.concatenate(found), [0.5, 99.5])
    low, high = (low, high) if high > low else (low - 0.5, high + 0.5)
    edges = np.linspace(low, high, BINS + 1)
    counts = [np.histogram(np.clip(one, low, high), edges)[0] for one in found]
    return Errors(
        what="output less target" if is_single else "mean absolute error",
        edges=tuple(float(f"{edge:.6g}") for edge in edges),
        after=tuple(map(int, counts[0])),
        before=tuple(map(int, counts[1])) if len(counts) > 1 else (),
    )
