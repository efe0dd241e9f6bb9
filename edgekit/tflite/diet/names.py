"""Names that no runtime needs: those of tensors and graphs, but for the ends of the graphs that an application calls.

Android's interpreter and the signature runner find inputs and outputs by name; nothing finds any other tensor by it.
"""

from __future__ import annotations

from edgekit.tflite.flat.tree import Table

VALIDATION = b"VALIDATION:"
"""How the name of a graph begins that LiteRT does not hand to delegates (its acceleration validation)."""


def without_names(root: Table) -> Table:
    """The model without the names of inner tensors, and without those of its graphs."""
    called = {0} | {signature.number("subgraph_index") for signature in root.tables("signature_defs")}
    graphs = tuple(_without(graph, keep_ends=place in called) for place, graph in enumerate(root.tables("subgraphs")))
    return root.with_fields(subgraphs=graphs)


def _without(graph: Table, *, keep_ends: bool) -> Table:
    ends = {*graph.numbers("inputs"), *graph.numbers("outputs")} if keep_ends else set()
    tensors = tuple(
        tensor if place in ends else tensor.with_fields(name=None)
        for place, tensor in enumerate(graph.tables("tensors"))
    )
    keeps_own = graph.fields.get("name", b"").startswith(VALIDATION)
    return graph.with_fields(tensors=tensors, **({} if keeps_own else {"name": None}))
