"""A file in which every tensor has a name: Vela tells its steps and its reasons by the names of tensors."""

from __future__ import annotations

from edgekit.errors import ModelError
from edgekit.tflite.flat.tree import read_tree
from edgekit.tflite.flat.write import write_tree


def named(content: bytes, *, where: str) -> bytes:
    """The file with names like `1:23`, graph and tensor, where there are none; as it is if all have one or it cannot be rewritten."""
    try:
        tree = read_tree(content, where)
    except ModelError:
        return content
    graphs = tree.root.tables("subgraphs")
    if tree.strangers or all(tensor.fields.get("name") for graph in graphs for tensor in graph.tables("tensors")):
        return content
    made = []
    for number, graph in enumerate(graphs):
        tensors = enumerate(graph.tables("tensors"))
        of_graph = (
            tensor if tensor.fields.get("name") else tensor.with_fields(name=f"{number}:{place}".encode())
            for place, tensor in tensors
        )
        made.append(graph.with_fields(tensors=tuple(of_graph)))
    return write_tree(tree.root.with_fields(subgraphs=tuple(made)))
