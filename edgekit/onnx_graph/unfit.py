"""A network whose sizes do not go together: if onnxruntime does not run it either, the file or the data is at fault, and no operator is refused."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from edgekit.errors import DataError, ModelError
from edgekit.onnx_file.held import HeldInput
from edgekit.onnx_graph.ports import Port
from edgekit.onnx_graph.runtime import open_session, run_session

SHOWN = 5
"""So many places stand in a message."""


def require_runs(
    path: Path, ports: Sequence[Port], places: Sequence[str], held: Sequence[HeldInput] = (), *, by_data: bool
) -> None:
    """Raise `DataError` where the sizes come from the data (`by_data`), else `ModelError`, if onnxruntime has no numbers for inputs of zeros.

    `ports` are the inputs with their sizes, `places` say where sizes do not go together, `held` are inputs that have a value of their own.
    """
    session = open_session(path.as_posix(), str(path))
    zeros = {port.name: np.zeros(port.shape, port.dtype) for port in ports}
    names = [one.name for one in session.get_outputs()]
    try:
        made = run_session(session, ports, zeros, names, str(path), held)
    except ModelError:
        made = []
    if made and all(np.size(one) for one in made):
        return
    given = [f"{port.name}: {' x '.join(map(str, port.shape))}" for port in ports]
    given += [f"{one.name} held at {one.words}" for one in held]
    received = f"{'; '.join(given)}. {'; '.join(places[:SHOWN])}"
    values = ", and hold inputs at the values that it was trained with" if held else ""
    if by_data:
        raise DataError(
            "the network does not run on samples of the data's sizes, nor does it in onnxruntime", where=str(path), received=received,
            allowed="sizes that every layer can bear, for the sizes that the file leaves free",
            next_step=f"give data of the sizes that the network was trained on{values}",
        )  # fmt: skip
    raise ModelError(
        "the network does not run on inputs of its own sizes, nor does it in onnxruntime", where=str(path), received=received,
        allowed="a network whose layers take what those before them make",
        next_step=f"export the model again, with batch 1 or a free batch, and run it with onnxruntime before{values}",
    )  # fmt: skip
