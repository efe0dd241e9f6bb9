"""The model's inputs: arrays from `.npy` files, or seeded random ones over the range of each input's dtype."""

from __future__ import annotations

import hashlib
import os
import stat
from typing import TYPE_CHECKING, Any, Sequence

from .interpreter import Port
from .problem import Problem, one_line

if TYPE_CHECKING:
    import numpy as np


def arrays(ports: Sequence[Port], files: Sequence[str], seed: int) -> list[np.ndarray]:
    """One array for each input, of its dtype; a free dimension takes the file's size."""
    for port in ports:
        if not port.dtype.startswith(("float", "int", "uint", "bool", "complex")):
            what = f"input {port.name!r} is of dtype {port.dtype}, which the runner cannot feed"
            raise Problem("model", what, "take a model whose inputs are numbers")
    if not files:
        return random(ports, seed)
    if len(files) != len(ports):
        what = f"the model has {len(ports)} inputs, and {len(files)} files were given"
        raise Problem("input", what, "give --input once for each: " + ", ".join(map(_wanted, ports)))
    return [_from_file(path, port) for path, port in zip(files, ports)]


def random(ports: Sequence[Port], seed: int) -> list[np.ndarray]:
    """Floats from 0 to 1, quantized integers over their whole range; zeros for token numbers or flags.

    The same arrays as the host's `edgekit.measure.runtimes.samples.random_inputs` makes from the same seed.
    """
    import numpy as np

    generator = np.random.default_rng(seed)
    made: list[np.ndarray] = []
    for port in ports:
        dtype = np.dtype(port.dtype)
        if dtype.kind == "f":
            made.append(generator.random(port.shape).astype(dtype))
        elif port.quantized and dtype.kind in "iu":
            limits = np.iinfo(dtype)
            made.append(generator.integers(limits.min, limits.max, port.shape, dtype=dtype, endpoint=True))
        else:
            made.append(np.zeros(port.shape, dtype))
    return made


def described(
    ports: Sequence[Port], made: Sequence[np.ndarray], files: Sequence[str], seed: int
) -> list[dict[str, Any]]:
    """The inputs' part of the document."""
    sources = files or [f"random, seed {seed}"] * len(ports)
    return [
        {
            "name": port.name,
            "dtype": port.dtype,
            "shape": list(array.shape),
            "sha256": digest(array),
            "source": source[:1000],
        }
        for port, array, source in zip(ports, made, sources)
    ]


def digest(array: np.ndarray) -> str:
    """SHA-256 of an array's bytes, in C order."""
    import numpy as np

    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def _from_file(path: str, port: Port) -> np.ndarray:
    import numpy as np

    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # reading a pipe would wait for ever
            raise Problem("input", f"{path} is not a file", "give a .npy file, as np.save writes")
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError, SyntaxError) as problem:
        raise Problem("input", f"{path}: {one_line(problem)}", "give a .npy file, as np.save writes") from None
    if not isinstance(array, np.ndarray):
        raise Problem("input", f"{path}: not one array", "give a .npy file, as np.save writes")
    if array.dtype.newbyteorder("=") != np.dtype(port.dtype) or not _fits(array.shape, port):
        what = f"{path}: holds {array.dtype.name} {list(array.shape)}"
        raise Problem("input", what, f"input {port.name!r} takes {_wanted(port)}")
    return np.array(array, dtype=port.dtype, order="C", copy=True, ndmin=0)


def _fits(shape: tuple[int, ...], port: Port) -> bool:
    same = len(shape) == len(port.shape)
    return same and all(have > 0 if free else have == want for have, want, free in zip(shape, port.shape, port.free))


def _wanted(port: Port) -> str:
    return "{} [{}]".format(
        port.dtype, ", ".join("any" if free else str(size) for size, free in zip(port.shape, port.free))
    )
