"""A test vector: samples in the form the model takes, as stored values, and the answers of the interpreter that stands in for the board."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from edgekit.values import Value

if TYPE_CHECKING:
    import numpy as np

C_TYPES = {
    "int8": "int8_t", "uint8": "uint8_t", "int16": "int16_t", "int32": "int32_t", "int64": "int64_t",
    "float32": "float", "bool": "bool",
}  # fmt: skip
"""The C type of each dtype."""


class TestVector(Value):
    """One flat array for each input and output, with the samples one after the other: nested tuples would be too large.

    `source` says what gave the answers.
    """

    __test__ = False  # not a test: keeps pytest from collecting it

    source: str
    inputs: tuple[np.ndarray, ...]
    outputs: tuple[np.ndarray, ...]

    @property
    def samples(self) -> int:
        """The number of samples."""
        return len(self.inputs[0])

    def arrays(self) -> list[tuple[str, np.ndarray]]:
        """Every array with its name in C."""
        named = [(f"edgekit_test_input_{place}", array) for place, array in enumerate(self.inputs)]
        return named + [(f"edgekit_test_output_{place}", array) for place, array in enumerate(self.outputs)]


def read_vector(source: str, inputs: Sequence[str], outputs: Sequence[str]) -> TestVector | None:
    """The vector in `.npy` files; None if a dtype has no C type that the model's tensors have too."""
    import numpy as np

    def flat(path: str) -> np.ndarray:
        array = np.load(Path(path))
        return np.ascontiguousarray(array).reshape(len(array), -1)

    found = TestVector(source=source, inputs=tuple(map(flat, inputs)), outputs=tuple(map(flat, outputs)))
    usable = all(array.dtype.name in C_TYPES and array.size for _, array in found.arrays())
    return found if usable and found.inputs and found.outputs else None
