"""A file with its coded weights written out: the same model for interpreters that cannot decode them.

Each tensor that TFLM_DECODE would decode holds its data, and the operator is gone. The streams and what lies beside them
stay as tensors that nobody reads, without data. It knows the format of the file, and not what any interpreter does with it.
"""

from __future__ import annotations

from collections.abc import Mapping

from edgekit.errors import ModelError
from edgekit.tflite.coding.header import DECODE
from edgekit.tflite.flat.tree import Table, read_tree, table
from edgekit.tflite.flat.write import write_tree
from edgekit.tflite.model import Operator, TfliteModel
from edgekit.tflite.weights import weights

NO_BUFFER = 0


def has_coded(model: TfliteModel) -> bool:
    """Whether a file has tensors that TFLM_DECODE decodes."""
    return any(_decodes(operator) for operator in model.operators)


def expanded(model: TfliteModel) -> bytes:
    """The file without TFLM_DECODE; unchanged if it has none.

    Raises `ModelError` if a TFLM_DECODE decodes a coding that is not known, or the file has what the schema does not have.
    """
    if not has_coded(model):
        return model.content
    tree = read_tree(model.content, model.path)
    if tree.strangers:
        raise _refused(model, f"{', '.join(tree.strangers[:3])}, which the schema known here does not have")
    written = _written(model)
    graphs, buffers = [], [*tree.root.tables("buffers")]
    first_tensor = first_operator = 0
    for graph in tree.root.tables("subgraphs"):
        tensors, operators = graph.tables("tensors"), graph.tables("operators")
        own = model.operators[first_operator : first_operator + len(operators)]
        graphs.append(_with_data(graph, own, {at - first_tensor: data for at, data in written.items()}, buffers))
        first_tensor += len(tensors)
        first_operator += len(operators)
    return write_tree(tree.root.with_fields(subgraphs=tuple(graphs), buffers=tuple(buffers)))


def _decodes(operator: Operator) -> bool:
    return operator.custom and operator.name == DECODE


def _written(model: TfliteModel) -> dict[int, bytes]:
    """The data of each tensor that is decoded, and no data for the streams and what lies beside them."""
    found: dict[int, bytes] = {}
    for operator in filter(_decodes, model.operators):
        if len(operator.inputs) != 2 * len(operator.outputs):
            raise _refused(model, f"{len(operator.inputs)} constants for {len(operator.outputs)} tensors")
        for output in operator.outputs:
            tensor = model.tensors[output]
            if tensor.coding is None:
                raise _refused(model, f"tensor {output} {tensor.name!r}, whose coding is not known")
            found[output] = weights(model, output).tobytes()
    return found


def _with_data(graph: Table, operators: tuple[Operator, ...], data: Mapping[int, bytes], buffers: list[Table]) -> Table:
    """A subgraph whose decoded tensors hold their data, without the operators that decoded them; `buffers` grows."""
    rows = zip(graph.tables("operators"), operators, strict=True)
    kept = tuple(row for row, operator in rows if not _decodes(operator))
    read = {index for row in kept for index in row.numbers("inputs")} | {*graph.numbers("outputs")}
    dropped = {index for row in graph.tables("operators") for index in row.numbers("inputs")} - read
    tensors = []
    for place, tensor in enumerate(graph.tables("tensors")):
        if place in data:
            buffers.append(table("Buffer", data=data[place]))
            tensor = tensor.with_fields(buffer=len(buffers) - 1)
        elif place in dropped:
            tensor = tensor.with_fields(buffer=NO_BUFFER, quantization=None)
        tensors.append(tensor)
    return graph.with_fields(tensors=tuple(tensors), operators=kept)


def _refused(model: TfliteModel, received: str) -> ModelError:
    return ModelError("the coded weights cannot be written out", where=model.path, received=received)
