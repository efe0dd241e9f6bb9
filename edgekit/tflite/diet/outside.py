"""Data of a file that lie behind its FlatBuffer, brought inside: weights and options of converters that write beyond 2 GB.

`Buffer.offset` and `Operator.large_custom_options_offset` count from the file's beginning; 1 is a converter's placeholder
for none (schema.fbs). Weights in other files stay where they are: nothing here can read them.
"""

from __future__ import annotations

from edgekit.errors import ModelError
from edgekit.tflite.flat.tree import Table

_PLACEHOLDER = 1
_TIMES = 2
"""How often the bytes of a file may be taken: once in a sound one, whose places do not overlap."""


def in_other_files(root: Table) -> bool:
    """Whether the model keeps weights in files of their own."""
    tensors = (tensor for graph in root.tables("subgraphs") for tensor in graph.tables("tensors"))
    return any(tensor.number("external_buffer") for tensor in tensors)


def brought_inside(root: Table, content: bytes, where: str) -> tuple[Table, int]:
    """The model with all of its data in tables, and where what lay outside ends in the file (0 where nothing did).

    Raises `ModelError` where a place is beyond the file.
    """
    taken = _Taken(content, where)
    graphs = tuple(
        graph.with_fields(operators=tuple(_operator(one, taken) for one in graph.tables("operators")))
        for graph in root.tables("subgraphs")
    )
    buffers = tuple(_buffer(one, taken) for one in root.tables("buffers"))
    return root.with_fields(subgraphs=graphs, buffers=buffers), taken.end


class _Taken:
    """The file, what was taken from it, and where that ends; places that overlap without end are refused before they fill the memory."""

    def __init__(self, content: bytes, where: str) -> None:
        self._content, self._where, self.end = content, where, 0
        self._taken: dict[tuple[int, int], bytes] = {}
        self._left = _TIMES * len(content)

    def bytes_at(self, offset: int, size: int) -> bytes:
        if offset + size > len(self._content):
            raise self._damaged(f"{size} bytes at {offset} of a file of {len(self._content)}")
        self.end = max(self.end, offset + size)
        if (offset, size) not in self._taken:
            self._left -= size
            if self._left < 0:
                raise self._damaged("the same bytes are used over and over")
            self._taken[offset, size] = self._content[offset : offset + size]
        return self._taken[offset, size]

    def _damaged(self, received: str) -> ModelError:
        return ModelError(
            "the .tflite file is damaged",
            where=self._where,
            received=received,
            next_step="convert the model, or download the file, again",
        )


def _buffer(buffer: Table, taken: _Taken) -> Table:
    offset = buffer.number("offset")
    data = buffer.fields.get("data")
    if offset > _PLACEHOLDER:
        data = taken.bytes_at(offset, buffer.number("size"))
    return buffer.with_fields(data=data, offset=None, size=None)


def _operator(operator: Table, taken: _Taken) -> Table:
    offset = operator.number("large_custom_options_offset")
    options = operator.fields.get("custom_options")
    if offset > _PLACEHOLDER:
        options = taken.bytes_at(offset, operator.number("large_custom_options_size"))
    return operator.with_fields(
        custom_options=options, large_custom_options_offset=None, large_custom_options_size=None
    )
