"""The outputs of the first inference: their SHA-256, and files of them for the host to compare."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Sequence

from .inputs import digest
from .interpreter import Port
from .problem import Problem, one_line

if TYPE_CHECKING:
    import numpy as np


def described(results: Sequence[tuple[Port, np.ndarray]], folder: str | None) -> list[dict[str, Any]]:
    """The outputs' part of the document; if there is a `folder`, each is written there as `output-0.npy`, ...."""
    for port, array in results:
        if array.dtype.hasobject:
            raise Problem("model", f"output {port.name!r} is no numbers", "take a model whose outputs are numbers")
    return [
        {
            "name": port.name,
            "dtype": array.dtype.name,
            "shape": list(array.shape),
            "sha256": digest(array),
            "file": None if folder is None else _written(array, folder, f"output-{place}.npy"),
        }
        for place, (port, array) in enumerate(results)
    ]


def _written(array: np.ndarray, folder: str, name: str) -> str:
    """Write the file completely or not at all."""
    import numpy as np

    path = os.path.join(folder, name)
    part = path + ".part"
    try:
        os.makedirs(folder, exist_ok=True)
        try:
            with open(part, "wb") as file:
                np.save(file, array, allow_pickle=False)
            os.replace(part, path)
        except BaseException:
            if os.path.lexists(part):
                os.unlink(part)
            raise
    except (OSError, ValueError) as problem:
        what = f"the outputs cannot be written: {one_line(problem)}"
        raise Problem("output", what, "give --outputs a folder with room that may be written to") from None
    return name
