"""A split given by the user as a stream of (inputs, targets). Its kind is recognised by the methods it has.

It may be a `tf.data.Dataset`, a Keras `PyDataset`, a torch `Dataset` or `DataLoader`, a generator or a function that makes
one, a list of pairs, or arrays. Whether an element is a batch or one sample is decided later, by the model's shapes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from edgekit.errors import DataError, EdgekitError
from edgekit.ingest.arrays import chunks
from edgekit.ingest.values import array_of, is_array, is_frame

ALLOWED = (
    "a mapping of x_train, y_train, x_test, y_test; a mapping of train, validation, test to (x, y) or to a stream "
    "of batches; or a tuple (train, test) or (train, validation, test) of them"
)
MOST_BYTES = 16 * 2**30
"""The most bytes read of a stream that does not say how long it is; a longer one is taken to be endless."""


def called(part: Any, where: str) -> Any:
    """The result of a generator function, or of any function without arguments; everything else unchanged."""
    if not callable(part) or any(
        hasattr(part, name) for name in ("element_spec", "__iter__", "__getitem__", "to_numpy")
    ):
        return part
    try:
        return part()
    except EdgekitError:
        raise
    except TypeError as problem:
        raise DataError(
            "a function that cannot be called without arguments", where=where, received=str(problem)[:200],
            next_step="give one without arguments, as in lambda: my_function(1, 2)",
        ) from None  # fmt: skip


def is_pairs(part: Any) -> bool:
    """Whether a list holds (x, y) pairs, samples or batches; a list of two items is taken for x and y themselves."""
    return isinstance(part, list) and len(part) > 2 and all(isinstance(one, tuple) and len(one) == 2 for one in part)


def elements(part: Any, where: str) -> Iterator[Any]:
    """The elements of a split, one after the other; raises `DataError` if the value cannot be a split."""
    if hasattr(part, "element_spec") or is_pairs(part):
        yield from part
    elif isinstance(part, tuple | list):
        if len(part) != 2:
            raise _no_split(part, where, f"{len(part)} parts")
        yield from _of_arrays(part, where)
    elif isinstance(part, Mapping) or is_frame(part) or is_array(part):
        raise _no_split(part, where, type(part).__name__)
    elif _is_numbered(part):  # keras PyDataset, tf_keras Sequence, a Dataset of torch
        yield from (part[index] for index in range(length(part, where) or 0))
    elif hasattr(part, "__iter__"):
        yield from part
    else:
        raise DataError(
            "a split that is neither arrays nor a stream", where=where, received=type(part).__name__, allowed=ALLOWED
        )


def _no_split(part: Any, where: str, received: str) -> DataError:
    step = None
    if is_array(part):
        step = "give ((x_train, y_train), (x_test, y_test)): each split has inputs and targets"
    elif isinstance(part, Mapping):
        step = 'give (x, y), where x may be a mapping by input name: {"train": ({"image": ..., "sound": ...}, y), ...}'
    return DataError("a split that is not (x, y)", where=where, received=received, allowed=ALLOWED, next_step=step)


def _is_numbered(part: Any) -> bool:
    return hasattr(part, "__getitem__") and hasattr(part, "__len__")


def length(part: Any, where: str) -> int | None:
    """How many elements a stream has, None if it does not say; raises `DataError` if it says that it is endless."""
    if hasattr(part, "cardinality"):
        count = int(part.cardinality())
        if count == -1:  # tf.data.INFINITE_CARDINALITY
            raise DataError("an endless tf.data.Dataset", where=where, next_step="remove .repeat(), or add .take(n)")
        return count if count > 0 else None
    if isinstance(part, tuple | list) and not is_pairs(part):
        return None
    try:
        return len(part) if hasattr(part, "__len__") else None
    except (TypeError, NotImplementedError) as problem:
        if not _is_numbered(part):
            return None
        raise DataError(
            "a data set without a length", where=where, received=f"{type(part).__name__}: {problem}"[:200],
            next_step="give it a __len__: how many batches it has",
        ) from None  # fmt: skip


def is_bounded(part: Any, where: str) -> bool:
    """Whether a split is known to end."""
    return isinstance(part, tuple | list) or length(part, where) is not None


def require_end(written: int, where: str) -> None:
    """Raise `DataError` if a stream that does not say its length has written too many bytes."""
    if written > MOST_BYTES:
        raise DataError(
            "a stream that may have no end", where=where, received=f"more than {MOST_BYTES / 2**30:g} GiB, and no length",
            allowed=f"{MOST_BYTES / 2**30:g} GiB of a generator; more of what has a length",
            next_step="end it: itertools.islice(generator, batches), dataset.take(batches), or a PyDataset with __len__",
        )  # fmt: skip


def pair(element: Any, where: str) -> tuple[Any, Any]:
    """Inputs and targets of an element; an element with sample weights is refused, for the weights would be lost."""
    if isinstance(element, Mapping):
        names = ", ".join(map(str, element))[:200]
        raise DataError(
            "a batch that is not (inputs, targets)", where=where, received=f"a mapping of {names}", allowed="(inputs, targets)",
            next_step="say which is which; for a tf.data.Dataset: .map(lambda e: (e[\"image\"], e[\"label\"]))",
        )  # fmt: skip
    if not isinstance(element, tuple | list) or len(element) not in (2, 3):
        raise DataError("a batch that is not (inputs, targets)", where=where, received=type(element).__name__)
    if len(element) == 3 and element[2] is not None:
        raise DataError(
            "batches with weights of samples, which are not used",
            where=where,
            received="(x, y, sample_weight)",
            allowed="(x, y)",
            next_step="leave the weights out; for a tf.data.Dataset: .map(lambda x, y, weight: (x, y))",
        )
    return element[0], element[1]


def _of_arrays(part: Any, where: str) -> Iterator[Any]:
    """(x, y) in parts if each is one array; unchanged if they are several arrays, lists or frames."""
    x, y = part
    if not (is_array(x) and is_array(y)) or is_frame(x) or is_frame(y):
        yield x, y
        return
    x, y = (array_of(one, f"{where}: {name}") for one, name in ((x, "x"), (y, "y")))
    if np.ndim(x) == 0 or np.ndim(y) == 0 or len(x) != len(y):
        received = " and ".join("a single value" if np.ndim(one) == 0 else str(len(one)) for one in (x, y))
        raise DataError("inputs and targets of different length", where=where, received=received)
    start = 0
    for rows in chunks(x):
        yield rows, y[start : start + len(rows)]
        start += len(rows)
