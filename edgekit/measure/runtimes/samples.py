"""Converts samples for a model's inputs and its outputs back: dtype, quantization, order, shape.

A data set's arrays are used as they are: cast to the model's dtype without scaling, or quantized with the scale and
zero point of the input. Preprocessing is never guessed here.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from edgekit.errors import DataError
from edgekit.ingest.dataset import mapped
from edgekit.measure.runtimes.interface import Port, Shape

if TYPE_CHECKING:
    import numpy as np


class Samples:
    """Rows of memory-mapped arrays, one array an input of the model, in the model's order.

    `prepared` says that the arrays already have the model's dtype.
    """

    def __init__(
        self, arrays: Sequence[np.ndarray], rows: np.ndarray, ports: Sequence[Port], *, prepared: bool = False
    ) -> None:
        self._arrays = tuple(arrays)
        self._rows = rows
        self._ports = tuple(ports)
        self._prepared = prepared
        self._contiguous = len(rows) > 0 and int(rows[-1]) - int(rows[0]) + 1 == len(rows)

    def __len__(self) -> int:
        return len(self._rows)

    def shapes(self, batch: int) -> list[Shape]:
        """The input shapes of a session that takes `batch` of these samples: free dimensions get the data's sizes."""
        found = []
        for port, array in zip(self._ports, self._arrays, strict=True):
            sizes = zip(port.shape[1:], port.free[1:], array.shape[1:], strict=False)
            same_rank = len(port.shape) == array.ndim
            rest = tuple(given if free and same_rank else size for size, free, given in sizes)
            found.append((batch, *(rest if same_rank else port.shape[1:])))
        return found

    def block(self, start: int, stop: int) -> list[np.ndarray]:
        """Samples `start` to `stop` in the form that the model takes."""
        if self._contiguous:
            first = int(self._rows[0])
            taken = [array[first + start : first + stop] for array in self._arrays]
        else:
            taken = [array[self._rows[start:stop]] for array in self._arrays]
        if self._prepared:
            return taken
        shapes = self.shapes(stop - start)
        return [
            to_model(array, port).reshape(shape) for array, port, shape in zip(taken, self._ports, shapes, strict=True)
        ]

    def prepare(self, count: int) -> Samples:
        """The first samples (repeated to `count`) converted once and kept in memory."""
        import numpy as np

        held = min(len(self), count)
        arrays = [np.resize(array, (count, *array.shape[1:])) for array in self.block(0, held)]
        return Samples(arrays, np.arange(count), self._ports, prepared=True)


def to_model(array: np.ndarray, port: Port) -> np.ndarray:
    """Real values in the dtype of an input, contiguous.

    A quantized input gets `round(x / scale) + zero_point`, ties to even, clipped to its range: what the QUANTIZE
    operator does (XNNPACK; TFLite's reference kernel differs only in exact ties).
    """
    import numpy as np

    dtype = np.dtype(port.dtype)
    if port.scale is None or dtype.kind not in "iu":
        return np.ascontiguousarray(array, dtype=dtype)
    real = array.astype(np.float32)
    np.multiply(real, np.float32(1.0 / port.scale), out=real)
    np.rint(real, out=real)
    np.add(real, np.float32(port.zero_point or 0), out=real)
    limits = np.iinfo(dtype)
    np.clip(real, limits.min, limits.max, out=real)
    return real.astype(dtype)


def to_float(array: np.ndarray, port: Port) -> np.ndarray:
    """An output as float32, dequantized if it has a scale and zero point."""
    import numpy as np

    if port.scale is None or np.dtype(port.dtype).kind not in "iu":
        return array.astype(np.float32, copy=False)
    real: np.ndarray = (array.astype(np.float32) - np.float32(port.zero_point or 0)) * np.float32(port.scale)
    return real


def order(ports: Sequence[Port], wanted: Sequence[int | str] | None, *, side: str) -> tuple[int, ...]:
    """Positions of the ports in the `wanted` order, which has tensor indices or SignatureDef names.

    The converter may reorder the inputs and outputs of a Keras model, and only the names in its SignatureDef
    tell the original order. Unchanged if `wanted` is None or there is only one port.
    Raises `DataError` if a wanted one does not exist.
    """
    if wanted is None or len(wanted) == len(ports) == 1:
        return tuple(range(len(ports)))
    found = tuple(_position(ports, name) for name in wanted)
    if None in found or sorted(found) != list(range(len(ports))):  # type: ignore[type-var]
        raise DataError(
            f"the model's {side}s are not those that were asked for",
            received=", ".join(map(str, wanted)),
            allowed=", ".join(port.signature or str(port.index) for port in ports),
        )
    return found  # type: ignore[return-value]


def _position(ports: Sequence[Port], wanted: int | str) -> int | None:
    """The position of a tensor index or a name; a wrapper's prefix ('quant_classes' for 'classes') is ignored."""
    if isinstance(wanted, int):
        return next((place for place, port in enumerate(ports) if port.index == wanted), None)
    exact = [place for place, port in enumerate(ports) if port.signature == wanted]
    wrapped = [place for place, port in enumerate(ports) if (port.signature or "").endswith(f"_{wanted}")]
    found = exact or wrapped
    return found[0] if len(found) == 1 else None


def feeding(arrays: Sequence[np.ndarray], ports: Sequence[Port], wanted: Sequence[int | str] | None) -> tuple[int, ...]:
    """For each input of the model the array that feeds it: by `wanted`, which names an input for each array, else as `match`.

    Raises `DataError` as `order` and `match` do.
    """
    if wanted is None or len(arrays) != len(ports):
        return match(arrays, ports)
    positions = order(ports, wanted, side="input")
    named = [positions.index(place) for place in range(len(ports))]
    return tuple(named[found] for found in match([arrays[source] for source in named], ports))


def arrays_of(paths: Sequence[str | Path]) -> list[np.ndarray]:
    """The arrays of `.npy` files, memory-mapped."""
    return [mapped(Path(path)) for path in paths]


def match(arrays: Sequence[np.ndarray], ports: Sequence[Port]) -> tuple[int, ...]:
    """For each input of the model the array that feeds it: by position if the shapes fit, else by shape alone.

    Raises `DataError` if the number differs, nothing fits, or more than one way would fit.
    """
    if len(arrays) != len(ports):
        raise DataError(
            "the data has another number of inputs than the model",
            received=f"{len(arrays)} inputs",
            allowed=f"{len(ports)} inputs",
        )
    if all(_fits(array, port) for array, port in zip(arrays, ports, strict=True)):
        return tuple(range(len(ports)))
    ways = [
        way
        for way in itertools.islice(itertools.permutations(range(len(arrays))), 5040)
        if all(_fits(arrays[source], port) for source, port in zip(way, ports, strict=True))
    ]
    if len(ways) == 1:
        return ways[0]
    raise DataError(
        "the data's shapes are not those of the model's inputs",
        received=", ".join(str(array.shape[1:]) for array in arrays) + " a sample",
        allowed=", ".join(str(_open_shape(port)) for port in ports) + " a sample",
        next_step="arrays must be as the model takes them, inputs in the model's order",
    )


def _fits(array: np.ndarray, port: Port) -> bool:
    wanted = _open_shape(port)
    given = array.shape[1:]
    if len(wanted) == len(given):
        return all(size is None or size == have for size, have in zip(wanted, given, strict=True))
    squeezed = tuple(size for size in wanted if size != 1)
    return None not in wanted and squeezed == tuple(size for size in given if size != 1)


def _open_shape(port: Port) -> tuple[int | None, ...]:
    return tuple(None if free else size for size, free in zip(port.shape[1:], port.free[1:], strict=True))


def random_inputs(ports: Sequence[Port], seed: int) -> list[np.ndarray]:
    """One inference's inputs over the whole range of their dtype; zeros for token numbers or flags."""
    import numpy as np

    generator = np.random.default_rng(seed)
    made = []
    for port in ports:
        dtype = np.dtype(port.dtype)
        if dtype.kind == "f":
            made.append(generator.random(port.shape).astype(dtype))
        elif port.scale is not None and dtype.kind in "iu":
            limits = np.iinfo(dtype)
            made.append(generator.integers(limits.min, limits.max, port.shape, dtype=dtype, endpoint=True))
        else:
            made.append(np.zeros(port.shape, dtype))
    return made
