"""Data of a file that lie behind its FlatBuffer, brought inside: weights and options of converters that write beyond 2 GB.

`Buffer.offset` and `Operator.large_custom_options_offset` count from the file's beginning; 1 is a converter's placeholder
for none (schema.fbs). Weights in other files stay where they are: nothing here can read them.
"""

from __future__ import annotations

from edgekit.errors import ModelError
from edgekit.tflite.flat.tree import Table

_PLACEHOLDER = 1


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
    """The file, and the end of the last place that was taken from it."""

    def __init__(self, content: bytes, where: str) -> None:
        self._content, self._where, self.end = content, where, 0

    def bytes_at(self, offset: int, size: int) -> bytes:
        if offset + size > len(self._content):
            raise ModelError(
                "the .tflite file is damaged",
                where=self._where,
                received=f"{size} bytes at {offset} of a file of {len(self._content)}",
                next_step="convert the model, or download the file, again",
            )
        self.end = max(self.end, offset + size)
        return self._content[offset : offset + size]


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
