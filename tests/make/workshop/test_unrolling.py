"""Recurrent layers written out step by step: the same answers without a loop, or a reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.tf
STEPS, FEATURES = 3, 3


@pytest.fixture(scope="module")
def tools() -> Any:
    from edgekit.make.workshop.door import door

    return door()


@pytest.fixture
def model(tools: Any, request: pytest.FixtureRequest) -> Any:
    tools.fresh(0)
    layers = tools.keras.layers
    entry, *stack = request.param(layers)
    result = entry
    for layer in stack:
        result = layer(result)
    return tools.keras.Model(entry, result)


def series(layers: Any, *stack: Any, shape: tuple[int | None, ...] = (STEPS, FEATURES)) -> list[Any]:
    return [layers.Input(shape), *stack]


FORMS: dict[str, tuple[Callable[[Any], list[Any]], int]] = {
    "gru": (lambda ks: series(ks, ks.GRU(4)), 1),
    "gru of keras 1": (lambda ks: series(ks, ks.GRU(4, reset_after=False)), 1),
    "lstm": (lambda ks: series(ks, ks.LSTM(4)), 1),
    "simple": (lambda ks: series(ks, ks.SimpleRNN(4)), 1),
    "cells": (lambda ks: series(ks, ks.RNN([ks.GRUCell(4), ks.LSTMCell(2)], return_sequences=True)), 1),
    "backwards": (lambda ks: series(ks, ks.GRU(4, go_backwards=True, return_sequences=True)), 1),
    "both ways": (lambda ks: series(ks, ks.Bidirectional(ks.LSTM(4, return_sequences=True))), 2),
    "stacked": (lambda ks: series(ks, ks.GRU(4, return_sequences=True), ks.LSTM(3), ks.Dense(2)), 2),
    "masked": (lambda ks: series(ks, ks.Masking(), ks.LSTM(4, return_sequences=True), ks.GRU(3)), 2),
    "images": (lambda ks: series(ks, ks.ConvLSTM2D(2, 3), shape=(STEPS, 4, 4, 1)), 1),
}


@pytest.mark.parametrize(("model", "layers"), FORMS.values(), ids=FORMS, indirect=["model"])
def test_it_answers_as_before_without_a_loop(tools, model, layers):
    from edgekit.make.workshop.unrolling import unrolling

    x = np.random.default_rng(0).normal(size=(1, *model.input_shape[1:])).astype(np.float32)
    x[:, 2:] = 0.0  # masked where there is a mask
    expected = model(x, training=False).numpy()
    with unrolling(tools, model) as done:
        function = traced(tools, model)
    assert done.steps == layers * STEPS
    assert not loops(function) and loops(traced(tools, model))
    np.testing.assert_allclose(function(tools.tf.constant(x)).numpy(), expected, atol=1e-6)


def traced(tools: Any, model: Any) -> Any:
    signature = [tools.tf.TensorSpec((1, *model.input_shape[1:]), tools.tf.float32)]
    serve = tools.tf.function(lambda tensor: model(tensor, training=False), input_signature=signature)
    return serve.get_concrete_function()


def loops(function: Any) -> list[str]:
    """The loops of a graph, those in the functions that it calls too."""
    graph = function.graph.as_graph_def()
    nodes = [*graph.node, *(node for inner in graph.library.function for node in inner.node_def)]
    return [node.op for node in nodes if node.op in ("While", "StatelessWhile")]


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (lambda ks: series(ks, ks.GRU(4), shape=(None, FEATURES)), "no fixed number of steps"),
        (lambda ks: series(ks, ks.GRU(2), shape=(257, FEATURES)), "more than 256 steps"),
        (lambda ks: series(ks, ks.Flatten(), ks.Dense(2)), "no recurrent layer"),
    ],
    ids=["free", "long", "none"],
    indirect=["model"],
)
def test_what_cannot_be_unrolled_says_why(tools, model, reason):
    from edgekit.make.workshop.unrolling import unrolling

    rnn = tools.keras.src.backend.rnn
    with pytest.raises(ValueError, match=reason), unrolling(tools, model) as done:
        traced(tools, model)
        done.require()
    assert tools.keras.src.backend.rnn is rnn


@pytest.mark.parametrize("model", [lambda ks: series(ks, ks.GRU(4), shape=(None, FEATURES))], indirect=True)
def test_the_job_says_the_reason_alone(tools, model):
    from edgekit.make.workshop.convert import _opened

    with pytest.raises(RuntimeError, match=r"^its recurrent layers have no fixed number"):
        _opened(tools, model, {"unrolled": True, "inputs": ["x"], "outputs": ["y"]}, [tools.tf.float32])
