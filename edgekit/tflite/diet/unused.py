"""Buffers and operator codes that nobody refers to, or that are there twice.

Buffer 0 is the empty one by the schema; whatever is computed refers to it. Buffers with equal data become one.
"""

from __future__ import annotations

from edgekit.tflite.flat.tree import Table, table

NO_BUFFER = 0


def without_unused(root: Table) -> Table:
    """The model with each buffer's data and each operator code once, in the order of their first use."""
    return _codes(_buffers(root))


def _buffers(root: Table) -> Table:
    buffers = root.tables("buffers")
    kept: list[Table] = [table("Buffer")]
    places: dict[bytes, int] = {b"": NO_BUFFER}

    def place(number: int) -> int:
        data = buffers[number].fields.get("data", b"") if number < len(buffers) else b""
        if data not in places:
            places[data] = len(kept)
            kept.append(buffers[number])
        return places[data]

    def of_graph(graph: Table) -> Table:
        tensors = graph.tables("tensors")
        return graph.with_fields(tensors=tuple(one.with_fields(buffer=place(one.number("buffer"))) for one in tensors))

    return root.with_fields(
        subgraphs=tuple(of_graph(graph) for graph in root.tables("subgraphs")),
        metadata=tuple(note.with_fields(buffer=place(note.number("buffer"))) for note in root.tables("metadata"))
        or None,
        metadata_buffer=tuple(place(number) for number in root.numbers("metadata_buffer")) or None,
        buffers=tuple(kept),
    )


def _codes(root: Table) -> Table:
    codes = root.tables("operator_codes")
    kept: dict[tuple[tuple[str, bytes], ...], int] = {}

    def place(number: int) -> int:
        return kept.setdefault(tuple(sorted(codes[number].fields.items())), len(kept))

    def of_graph(graph: Table) -> Table:
        operators = graph.tables("operators")
        placed = tuple(one.with_fields(opcode_index=place(one.number("opcode_index"))) for one in operators)
        return graph.with_fields(operators=placed)

    graphs = tuple(of_graph(graph) for graph in root.tables("subgraphs"))
    return root.with_fields(
        subgraphs=graphs, operator_codes=tuple(table("OperatorCode", **dict(fields)) for fields in kept)
    )
