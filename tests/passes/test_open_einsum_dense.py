"""EinsumDense becomes Dense where its equation is a matrix product, and stays where it is another."""

from __future__ import annotations

from typing import Any

import pytest

from edgekit.keras_graph.flat_graph import model_of
from edgekit.techniques.sites import kernel_variables

pytestmark = pytest.mark.tf


@pytest.mark.parametrize(
    ("equation", "shape", "made", "bias", "kernel"),
    [
        ("ab,bc->ac", (4,), 8, "c", (4, 8)),
        ("abc,cd->abd", (3, 4), (None, 8), "d", (4, 8)),
        ("abc,dc->abd", (3, 4), (None, 8), None, (4, 8)),
        ("abc,cde->abde", (3, 4), (None, 2, 5), "de", (4, 10)),
        ("abcd,cde->abe", (3, 2, 5), (None, 8), "e", (10, 8)),
        ("abcd,cdef->abef", (3, 2, 5), (None, 4, 3), "ef", (10, 12)),
        ("abcd,edcf->abfe", (3, 2, 5), (None, 4, 3), "fe", (10, 12)),
        ("...x,xy->...y", (3, 2, 5), 7, "y", (5, 7)),
    ],
)
def test_a_matrix_product_becomes_dense(
    tools: Any, layers: Any, rewritten: Any, alike: Any, equation: str, shape: Any, made: Any, bias: Any, kernel: Any
) -> None:
    entry = tools.keras3.Input(shape)
    layer = layers.EinsumDense(equation, made, bias_axes=bias, activation="relu", name="mixed")
    own = tools.keras3.Model(entry, layer(entry))
    graph, told = rewritten(own, "open_einsum_dense")
    assert told[0].endswith(": mixed")
    dense = next(call for call in graph.calls if call.kind == "Dense")
    assert (dense.name, tuple(dense.operation.kernel.shape)) == ("mixed", kernel)
    alike(own, graph)


def test_what_is_no_such_product_stays(tools: Any, layers: Any, rewritten: Any) -> None:
    """A kernel for each position, a sum over the first axis, a bias for each position, two free sizes to be split again."""
    plain, free = tools.keras3.Input((3, 4)), tools.keras3.Input((None, None, 4))
    outputs = [
        layers.EinsumDense("abc,bcd->abd", (3, 8))(plain),
        layers.EinsumDense("abc,bd->adc", (8, None))(plain),
        layers.EinsumDense("abc,cd->abd", (3, 8), bias_axes="bd")(plain),
        layers.EinsumDense("abcd,def->abcef", (None, None, 2, 3))(free),
    ]
    graph, told = rewritten(tools.keras3.Model([plain, free], outputs), "open_einsum_dense")
    assert not told
    assert {call.kind for call in graph.calls} == {"EinsumDense"}


def test_techniques_find_its_kernel_and_the_file_is_whole_int8(
    tools: Any, layers: Any, rewritten: Any, graph_of: Any, int8: Any
) -> None:
    entry = tools.keras3.Input((4, 16))
    x = layers.EinsumDense("abc,cde->abde", (4, 4, 8), bias_axes="de", name="mixed")(entry)
    own = tools.keras3.Model(entry, layers.Dense(2, name="last")(layers.Flatten()(x)))
    graph = rewritten(own).graph
    assert [kernel.shape for kernel in kernel_variables(model_of(tools, graph))] == [(16, 32), (128, 2)]
    before, after = int8(graph_of(own)), int8(graph)
    assert {tensor.dtype for tensor in after.tensors} <= {"int8", "int32"}
    assert len(after.operators) <= len(before.operators)
