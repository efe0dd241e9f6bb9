"""TimeDistributed is opened into the layer, or the layers of the model, that it wraps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgekit.keras_graph.flat_graph import model_of
from edgekit.techniques.sites import kernel_variables

pytestmark = pytest.mark.tf


def test_a_dense_layer_takes_free_steps(tools: Any, layers: Any, rewritten: Any, alike: Any) -> None:
    entry = tools.keras3.Input((None, 8))
    own = tools.keras3.Model(entry, layers.TimeDistributed(layers.Dense(4, activation="relu"), name="steps")(entry))
    graph, told = rewritten(own, "open_time_distributed")
    assert [(call.name, call.kind) for call in graph.calls] == [("steps", "Dense")]
    assert told[0].endswith(": steps")
    alike(own, graph, np.random.default_rng(0).normal(size=(2, 5, 8)).astype("float32"))


def test_a_model_becomes_part_of_the_graph(tools: Any, layers: Any, rewritten: Any, alike: Any) -> None:
    """Also one that is called twice, and whose layers have names that are taken."""
    inside = tools.keras3.Input((6, 6, 2))
    x = layers.BatchNormalization(name="norm")(layers.Conv2D(4, 3, name="conv")(inside))
    steps = layers.TimeDistributed(tools.keras3.Model(inside, layers.GlobalAveragePooling2D()(x)), name="steps")
    one, two = tools.keras3.Input((3, 6, 6, 2)), tools.keras3.Input((5, 6, 6, 2))
    last = layers.Dense(2, name="conv")
    own = tools.keras3.Model([one, two], [last(steps(one)), steps(two)])
    graph, _ = rewritten(own, "open_time_distributed")
    kinds = [call.kind for call in graph.calls]
    assert kinds.count("Conv2D") == 2
    assert len({call.operation for call in graph.calls if call.kind == "Conv2D"}) == 1
    assert "TimeDistributed" not in kinds
    assert {call.name for call in graph.calls if call.kind in ("Conv2D", "Dense")} == {"conv", "conv_1"}
    alike(own, graph)


def test_any_other_layer_gets_batch_and_steps_as_one(tools: Any, layers: Any, rewritten: Any, alike: Any) -> None:
    entry = tools.keras3.Input((3, 5, 4))
    x = layers.TimeDistributed(layers.GRU(6, return_sequences=True), name="gru")(entry)
    own = tools.keras3.Model(entry, layers.TimeDistributed(layers.LSTM(2), name="lstm")(x))
    graph, _ = rewritten(own, "open_time_distributed")
    assert [call.name for call in graph.calls if call.kind in ("GRU", "LSTM")] == ["gru", "lstm"]
    alike(own, graph)


def test_wrappers_within_wrappers(tools: Any, layers: Any, rewritten: Any, alike: Any) -> None:
    """Also in a model that is wrapped; attention in it is opened afterwards."""
    inside = tools.keras3.Input((5, 4, 2))
    x = layers.TimeDistributed(layers.Conv1D(8, 2), name="inner")(inside)
    x = layers.Reshape((15, 8))(x)
    steps = layers.TimeDistributed(
        tools.keras3.Model(inside, layers.MultiHeadAttention(2, 4, name="attention")(x, x)), name="outer"
    )
    entry = tools.keras3.Input((3, 5, 4, 2))
    own = tools.keras3.Model(
        entry, layers.TimeDistributed(layers.TimeDistributed(layers.Dense(3)), name="last")(steps(entry))
    )
    graph, _ = rewritten(own)
    assert not {"TimeDistributed", "MultiHeadAttention"} & {call.kind for call in graph.calls}
    assert {"inner", "last", "attention_query"} <= {call.name for call in graph.calls}
    alike(own, graph)


def test_free_steps_masks_and_states_stay_wrapped(tools: Any, layers: Any, rewritten: Any) -> None:
    free, fixed = tools.keras3.Input((None, 6, 6, 2)), tools.keras3.Input((3, 4))
    outputs = [
        layers.TimeDistributed(layers.Conv2D(2, 3))(free),
        layers.TimeDistributed(layers.Dense(2))(layers.Masking()(fixed)),
    ]
    graph, told = rewritten(tools.keras3.Model([free, fixed], outputs), "open_time_distributed")
    assert not told
    assert sum(call.kind == "TimeDistributed" for call in graph.calls) == 2


def test_techniques_find_its_kernel_and_the_file_has_no_operator_more(
    tools: Any, layers: Any, rewritten: Any, graph_of: Any, int8: Any
) -> None:
    entry = tools.keras3.Input((4, 6, 6, 3))
    x = layers.TimeDistributed(layers.Conv2D(16, 3, activation="relu"), name="steps")(entry)
    own = tools.keras3.Model(entry, layers.Dense(2, name="last")(layers.Flatten()(x)))
    graph = rewritten(own).graph
    assert [kernel.shape for kernel in kernel_variables(model_of(tools, graph))] == [(3, 3, 3, 16), (1024, 2)]
    before, after = int8(graph_of(own)), int8(graph)
    assert {tensor.dtype for tensor in after.tensors} <= {"int8", "int32"}
    assert sum(one.name == "CONV_2D" for one in after.operators) == 1
    assert len(after.operators) <= len(before.operators)
