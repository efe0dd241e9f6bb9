"""What a user's `module:function` returns as data: arrays, or streams of batches that are written as they come.

A stream is a `tf.data.Dataset`, a Keras `PyDataset` or `Sequence`, or any other iterable of batches; they are
told apart by what they can do, so that no TensorFlow is imported for the sake of a type.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from edgekit.child import Progress
from edgekit.errors import DataError
from edgekit.ingest.arrays import ArrayWriter, chunks
from edgekit.ingest.npz import NAME

ALLOWED = (
    "a mapping of x_train, y_train, x_test, y_test; a mapping of train, validation, test to (x, y) or to a stream "
    "of batches; or a tuple (train, test) or (train, validation, test) of them"
)
SPLITS = {"train": "train", "val": "val", "validation": "val", "test": "test"}


def write_result(
    result: Any, target: Path, names: tuple[str, ...], output_names: tuple[str, ...], where: str, progress: Progress
) -> None:
    """Write what a data function returned as `x_train_0.npy`, ...

    `names` and `output_names` are the model's inputs and outputs, for batches that are mappings; raises `DataError`.
    """
    for split, part in _splits(result, where).items():
        _write_split(part, target, split, (names, output_names), f"{where}: {split}", progress)


def _splits(result: Any, where: str) -> dict[str, Any]:
    if isinstance(result, Mapping):
        if result and all(key in SPLITS for key in result):
            return {SPLITS[key]: part for key, part in result.items() if part is not None}
        matches = {key: NAME.match(str(key)) for key in result}
        if result and all(matches.values()):
            return _by_split({key: match for key, match in matches.items() if match}, result)
    elif isinstance(result, tuple | list) and len(result) in (2, 3):
        return dict(zip(("train", "val", "test") if len(result) == 3 else ("train", "test"), result, strict=True))
    keys = f" with keys {', '.join(map(str, result))[:200]}" if isinstance(result, Mapping) else ""
    raise DataError(
        "the function returned something else than data",
        where=where,
        received=f"{type(result).__name__}{keys}",
        allowed=ALLOWED,
    )


def _by_split(matches: dict[str, Any], result: Mapping[str, Any]) -> dict[str, Any]:
    splits: dict[str, Any] = {}
    for split in ("train", "val", "test"):
        parts = {
            kind: [
                result[key]
                for _, key in sorted(
                    (int(m["index"] or 0), key)
                    for key, m in matches.items()
                    if (m["kind"], m["split"]) == (kind, split)
                )
            ]
            for kind in "xy"
        }
        if parts["x"] or parts["y"]:
            splits[split] = (tuple(parts["x"]), tuple(parts["y"]))
    return splits


def _write_split(
    part: Any, target: Path, split: str, names: tuple[tuple[str, ...], tuple[str, ...]], where: str, progress: Progress
) -> None:
    writers: dict[tuple[str, int], ArrayWriter] = {}
    total = _length(part, where)
    for done, batch in enumerate(_batches(part, where), start=1):
        _check_batch(batch, where)
        for kind, side, arrays, known in zip("xy", ("input", "target"), batch[:2], names, strict=True):
            for index, array in enumerate(_ordered(arrays, known, side, where)):
                key = (kind, index)
                if key not in writers:
                    writers[key] = ArrayWriter(target / f"{kind}_{split}_{index}.npy", f"{where}: {kind}_{index}")
                writers[key].append(_array(array))
        progress(f"reading {split}", min(done, total) if total else done, total or done + 1)
    if not writers:
        raise DataError("no batches", where=where, next_step="give at least one batch of samples")
    for writer in writers.values():
        writer.close()


def _check_batch(batch: Any, where: str) -> None:
    """A batch is a pair; weights of samples would be lost, so they are refused."""
    if not isinstance(batch, tuple | list) or len(batch) not in (2, 3):
        raise DataError("a batch that is not (inputs, targets)", where=where, received=type(batch).__name__)
    if len(batch) == 3 and batch[2] is not None:
        raise DataError(
            "batches with weights of samples, which are not used",
            where=where,
            received="(x, y, sample_weight)",
            allowed="(x, y)",
            next_step="leave the weights out; for a tf.data.Dataset: .map(lambda x, y, weight: (x, y))",
        )


def _is_stream(part: Any) -> bool:
    return hasattr(part, "element_spec") or (
        hasattr(part, "__getitem__")
        and hasattr(part, "__len__")
        and not isinstance(part, tuple | list | Mapping | np.ndarray)
    )


def _batches(part: Any, where: str) -> Iterator[Any]:
    if hasattr(part, "element_spec"):  # tf.data.Dataset
        yield from part
    elif isinstance(part, tuple | list):
        if len(part) != 2:
            raise DataError("a split that is not (x, y)", where=where, received=f"{len(part)} parts", allowed=ALLOWED)
        yield from _array_batches(part, where)
    elif isinstance(part, Mapping | np.ndarray):
        raise DataError("a split that is not (x, y)", where=where, received=type(part).__name__, allowed=ALLOWED)
    elif _is_stream(part):  # keras PyDataset, tf_keras Sequence
        yield from (part[index] for index in range(len(part)))
    elif hasattr(part, "__iter__"):
        yield from part
    else:
        raise DataError(
            "a split that is neither arrays nor a stream", where=where, received=type(part).__name__, allowed=ALLOWED
        )


def _array_batches(part: Any, where: str) -> Iterator[Any]:
    """(x, y) in parts, each of them one array or several; lengths are checked when all is written."""
    x, y = part
    if isinstance(x, tuple | list | Mapping) or isinstance(y, tuple | list | Mapping):
        yield x, y
        return
    x, y = _array(x), _array(y)
    if len(x) != len(y):
        raise DataError("inputs and targets of different length", where=where, received=f"{len(x)} and {len(y)}")
    yield from zip(chunks(x), _like(y, x), strict=True)


def _like(y: np.ndarray, x: np.ndarray) -> Iterator[np.ndarray]:
    start = 0
    for part in chunks(x):
        yield y[start : start + len(part)]
        start += len(part)


def _length(part: Any, where: str) -> int | None:
    if hasattr(part, "cardinality"):
        count = int(part.cardinality())
        if count == -1:  # tf.data.INFINITE_CARDINALITY
            raise DataError("an endless tf.data.Dataset", where=where, next_step="remove .repeat(), or add .take(n)")
        return count if count > 0 else None
    return len(part) if _is_stream(part) else None


def _ordered(arrays: Any, names: tuple[str, ...], side: str, where: str) -> list[Any]:
    """Inputs or targets of a batch in the order of the model's inputs or outputs."""
    if not isinstance(arrays, Mapping):
        return list(arrays) if isinstance(arrays, tuple | list) else [arrays]
    if names and set(names) == set(arrays):
        return [arrays[name] for name in names]
    if len(arrays) == 1 and len(names) < 2:
        return list(arrays.values())
    model_side = "inputs" if side == "input" else "outputs"
    raise DataError(
        f"{side}s by other names than the model's {model_side}",
        where=where,
        received=", ".join(map(str, arrays)) or "an empty mapping",
        allowed=", ".join(names) or f"a tuple, in the order of the model's {model_side}",
        next_step=f"name the {side}s as the model names its {model_side}, or give a tuple in that order",
    )


def _array(value: Any) -> np.ndarray:
    return value.numpy() if hasattr(value, "numpy") else np.asarray(value)
