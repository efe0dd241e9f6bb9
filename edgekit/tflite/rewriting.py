"""A file's graphs with constants stored otherwise: what all such rewritings share.

The tree is taken apart and written again by the schema; which constants change, and into what, is told by the caller.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from edgekit.errors import ModelError
from edgekit.tflite.diet.outside import brought_inside, in_other_files
from edgekit.tflite.diet.unused import NO_BUFFER, without_unused
from edgekit.tflite.flat.tree import Table, read_tree, table
from edgekit.tflite.flat.write import write_tree
from edgekit.tflite.model import ABSENT
from edgekit.tflite.schema import BUILTIN_OPERATORS, PLACEHOLDER_CODE, TENSOR_TYPES

if TYPE_CHECKING:
    import numpy as np


class Rewriting:
    """One file being rewritten: its buffers and operator codes grow, its graphs are replaced."""

    def __init__(self, content: bytes, where: str) -> None:
        tree = read_tree(content, where)
        if tree.strangers or in_other_files(tree.root):
            received = ", ".join(dict.fromkeys(tree.strangers)) or "weights in other files"
            raise ModelError("the file cannot be written again", where=where, received=received)
        self.root, _ = brought_inside(tree.root, content, where)
        self.buffers = [*self.root.tables("buffers")]
        self.codes = [*self.root.tables("operator_codes")]

    def name_of(self, operator: Table) -> str:
        """The operator's name in the schema."""
        code = self.codes[operator.number("opcode_index")]
        number = max(code.number("builtin_code"), code.number("deprecated_builtin_code"))
        return BUILTIN_OPERATORS[number] if number < len(BUILTIN_OPERATORS) else ""

    def code(self, name: str, version: int) -> int:
        """The number of an operator code, which is new."""
        number = BUILTIN_OPERATORS.index(name)
        old = min(number, PLACEHOLDER_CODE)
        self.codes.append(
            table("OperatorCode", deprecated_builtin_code=old, builtin_code=number, version=version)
        )  # fmt: skip
        return len(self.codes) - 1

    def buffer(self, data: bytes) -> int:
        """The number of a new buffer."""
        self.buffers.append(table("Buffer", data=data))
        return len(self.buffers) - 1

    def floats(self, tensor: Table) -> np.ndarray | None:
        """The values of a constant of float32, in its shape; None for anything else."""
        import numpy as np

        number = tensor.number("buffer")
        data = self.buffers[number].fields.get("data", b"") if NO_BUFFER < number < len(self.buffers) else b""
        is_plain = tensor.number("type") == TENSOR_TYPES.index("float32") and "sparsity" not in tensor.fields
        shape = tensor.numbers("shape")
        if not data or not is_plain or len(data) != 4 * int(np.prod(shape, dtype=np.int64)):
            return None
        return np.frombuffer(data, "<f4").reshape(shape)

    def content(self, change: Callable[[Table], Table]) -> bytes:
        """The file with each graph replaced by what `change` makes of it, and without what nobody refers to any more."""
        graphs = tuple(change(graph) for graph in self.root.tables("subgraphs"))
        root = self.root.with_fields(
            subgraphs=graphs, buffers=tuple(self.buffers), operator_codes=tuple(self.codes)
        )  # fmt: skip
        return write_tree(without_unused(root))


def at(operator: Table, place: int) -> int:
    """The tensor that an operator takes at a place of its inputs; `ABSENT` where there is none."""
    inputs = operator.numbers("inputs")
    return int(inputs[place]) if place < len(inputs) else ABSENT
