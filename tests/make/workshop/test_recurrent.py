"""Recurrent layers of Keras 3 while a model is converted: fused where Keras 2's are, else a loop without what inference does not need."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from edgekit.tflite.reader import parse_tflite

pytestmark = pytest.mark.tf
STEPS, FEATURES = 6, 4


@pytest.fixture(scope="module")
def tools() -> Any:
    from edgekit.make.workshop.door import door

    return door()


FORMS: dict[str, Callable[[Any], Any]] = {
    "lstm": lambda ks: ks.LSTM(5),
    "lstm sequence": lambda ks: ks.LSTM(5, return_sequences=True),
    "lstm backwards": lambda ks: ks.LSTM(5, go_backwards=True),
    "lstm both ways": lambda ks: ks.Bidirectional(ks.LSTM(5, return_sequences=True)),
    "lstm without bias": lambda ks: ks.LSTM(5, use_bias=False),
    "lstm of other activations": lambda ks: ks.LSTM(5, activation="relu", recurrent_activation="hard_sigmoid"),
    "lstm with dropout": lambda ks: ks.LSTM(5, dropout=0.2, recurrent_dropout=0.2),
    "gru": lambda ks: ks.GRU(5),
    "gru sequence": lambda ks: ks.GRU(5, return_sequences=True, go_backwards=True),
    "gru of keras 1": lambda ks: ks.GRU(5, reset_after=False),
    "gru without bias": lambda ks: ks.GRU(5, use_bias=False, activation="relu"),
    "simple": lambda ks: ks.SimpleRNN(5),
    "cells": lambda ks: ks.RNN([ks.GRUCell(4, dropout=0.2), ks.LSTMCell(2)]),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("fused", [True, False])
def test_it_is_traced_with_the_same_answers_and_nothing_of_training(tools, form, fused):
    from edgekit.make.workshop.recurrent import recurrent_layers

    model = made(tools, form)
    x = np.random.default_rng(0).normal(size=(1, STEPS, FEATURES)).astype(np.float32)
    expected = np.asarray(model(x, training=False))
    with recurrent_layers(tools, model, fused=fused):
        function = tools.tf.function(lambda x: model(x, training=False)).get_concrete_function(
            tools.tf.TensorSpec((1, STEPS, FEATURES))
        )
    np.testing.assert_allclose(function(tools.tf.constant(x)), expected, atol=1e-6)
    graph = function.graph.as_graph_def()
    nodes = [*graph.node, *(node for inner in graph.library.function for node in inner.node_def)]
    kinds = {node.op for node in nodes}
    assert not {"LogicalAnd", "AssignVariableOp"} & kinds and not any("Random" in kind for kind in kinds)


@pytest.mark.parametrize("name", ["lstm", "lstm sequence", "lstm both ways"])
def test_an_lstm_is_one_operator(tools, name):
    from edgekit.make.workshop.convert import _converter
    from edgekit.make.workshop.recurrent import recurrent_layers

    model = made(tools, FORMS[name])
    with recurrent_layers(tools, model, fused=True):
        converter = _converter(tools, model, ["x"], ["y"], [tools.tf.float32])
    tflite = parse_tflite(converter.convert(), where="the file")
    found = Counter(operator.name for operator in tflite.operators)
    assert found["UNIDIRECTIONAL_SEQUENCE_LSTM"] == (2 if "both" in name else 1) and "WHILE" not in found


@pytest.mark.parametrize("name", ["gru", "gru of keras 1", "lstm", "lstm of other activations"])
def test_an_unrolled_layer_splits_off_nothing_that_nobody_takes(tools, name):
    """The first step's forgetting is folded away, and without a bias its reset: int8 has no range for it, and would leave the whole split in float."""
    from edgekit.make.workshop.convert import _converter
    from edgekit.make.workshop.recurrent import recurrent_layers
    from edgekit.make.workshop.unrolling import unrolling

    model = made(tools, FORMS[name])
    with recurrent_layers(tools, model, fused=False), unrolling(tools, model):
        converter = _converter(tools, model, ["x"], ["y"], [tools.tf.float32])
    tflite = parse_tflite(converter.convert(), where="the file")
    taken = {index for operator in tflite.operators for index in operator.inputs}
    split = [operator for operator in tflite.operators if operator.name == "SPLIT"]
    assert split and all(set(operator.outputs) <= taken for operator in split)


def test_a_loop_writes_its_step_and_does_not_join_all_steps_anew(tools):
    """With the same bits as the slices and the concatenation that it was, and on tflite-micro, which does not come back from those."""
    from edgekit.make.workshop.convert import _converter
    from edgekit.make.workshop.recurrent import recurrent_layers

    model = made(tools, FORMS["gru sequence"])
    with recurrent_layers(tools, model, fused=True):
        converters = [_converter(tools, model, ["x"], ["y"], [tools.tf.float32]) for _ in range(2)]
    converters[1]._experimental_enable_dynamic_update_slice = False
    content, joining = (converter.convert() for converter in converters)
    found, before = (parse_tflite(one, where="the file").operators for one in (content, joining))
    written = [operator for operator in found if operator.name == "DYNAMIC_UPDATE_SLICE"]
    assert [(one.runs, one.version) for one in written] == [(STEPS, 1)]  # tflite-runtime has version 1
    assert "SLICE" in {one.name for one in before} - {one.name for one in found}
    x = np.random.default_rng(0).standard_normal((1, STEPS, FEATURES)).astype(np.float32)
    answer = litert_answer(content, x)
    assert answer.any() and answer.tobytes() == litert_answer(joining, x).tobytes()
    np.testing.assert_allclose(micro_answer(content, x), answer, atol=1e-6)


def litert_answer(content: bytes, x: np.ndarray) -> np.ndarray:
    interpreter = pytest.importorskip("ai_edge_litert.interpreter").Interpreter(model_content=content)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], x)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


def micro_answer(content: bytes, x: np.ndarray) -> np.ndarray:
    pytest.importorskip("tflite_micro", reason="needs the `micro` extra")
    from tflite_micro.python.tflite_micro import runtime

    interpreter = runtime.Interpreter.from_bytes(content, arena_size=200_000)
    interpreter.set_input(x, 0)
    interpreter.invoke()
    return interpreter.get_output(0)


def test_keras_is_left_as_it_was(tools):
    from edgekit.make.workshop.recurrent import recurrent_layers

    backend, model = tools.keras3.src.backend, made(tools, FORMS["lstm"])
    before = backend.lstm, backend.gru, backend.rnn.__globals__["tf"]
    with recurrent_layers(tools, model, fused=True):
        assert backend.lstm is not before[0]
    assert (backend.lstm, backend.gru, backend.rnn.__globals__["tf"]) == before


def made(tools: Any, form: Callable[[Any], Any]) -> Any:
    tools.fresh(0)
    entry = tools.keras3.Input((STEPS, FEATURES))
    return tools.keras3.Model(entry, form(tools.keras3.layers)(entry))
