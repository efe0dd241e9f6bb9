"""Sizes of the data at the entrances of a graph: around a batch, or of the whole tensor where an input has none."""

from __future__ import annotations

import pytest

from edgekit.errors import DataError
from edgekit.onnx_graph.entrance import entrances
from edgekit.onnx_graph.graph import Declared, OnnxGraph


def ports(sizes, *shapes):
    inputs = tuple(Declared(name=f"in_{place}", shape=shape, dtype="float32") for place, shape in enumerate(shapes))
    graph = OnnxGraph(inputs=inputs, outputs=(), nodes=(), constants={}, opset=17)
    return entrances(graph, {f"in_{place}": size for place, size in enumerate(sizes)}, "net.onnx")


def test_a_state_without_a_batch_takes_whole_tensors_alone():
    """The batch of such a state has no name in the file, so that nothing tells it apart."""
    audio, state = ("batch", "samples"), (2, "", 128)
    found = ports([(512,), (2, 1, 128)], audio, state)
    assert [(one.keras_shape, one.has_batch) for one in found] == [((512,), True), ((2, 1, 128), False)]
    for sample in ((1, 128), (2, 128), (3, 1, 128), (1, 2, 1, 128)):
        with pytest.raises(DataError, match="do not fit the input 'in_1'") as caught:
            ports([(512,), sample], audio, state)
        assert caught.value.allowed == "(2, free, 128)" and "the whole tensor" in str(caught.value.next_step)


def test_a_named_batch_is_left_out_of_samples():
    found = ports([(512,), (2, 128)], ("batch", "samples"), (2, "batch", 128))
    assert [one.keras_shape for one in found] == [(512,), (2, 128)]
    with pytest.raises(DataError) as caught:
        ports([(512,), (1, 128)], ("batch", "samples"), (2, "batch", 128))
    assert str(caught.value.next_step).endswith("without its batch")
