"""Stateful recurrent layers of either Keras: taken as layers that begin each sequence with zeros."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.tf
BATCH, SERIES = 3, (5, 3)
FORMS = {
    "two": lambda k, x: k.layers.LSTM(3, stateful=True)(k.layers.GRU(4, stateful=True, return_sequences=True)(x)),
    "both ways": lambda k, x: k.layers.Bidirectional(k.layers.SimpleRNN(3, stateful=True))(x),
    "cells": lambda k, x: k.layers.RNN([k.layers.GRUCell(3), k.layers.LSTMCell(2)], stateful=True)(x),
}
NAMED = {"two": ("gru", "lstm"), "both ways": ("forward_simple_rnn", "backward_simple_rnn"), "cells": ("rnn",)}


@pytest.fixture(scope="module")
def tools() -> Any:
    from edgekit.make.workshop.door import door

    return door()


@pytest.mark.parametrize("kind", ["keras3", "keras"])
@pytest.mark.parametrize("form", FORMS)
def test_it_answers_as_the_original_after_its_states_are_reset(tools, tmp_path, kind, form):
    from edgekit.make.workshop.normalise import normalise
    from edgekit.make.workshop.stateless import reset_states

    tools.fresh(0)
    keras = getattr(tools, kind)
    entry = keras.layers.Input(batch_shape=(BATCH, *SERIES))
    own = keras.Model(entry, FORMS[form](keras, entry))
    x = np.random.default_rng(1).normal(size=(BATCH, *SERIES)).astype(np.float32)
    first, second = np.asarray(own(x)), np.asarray(own(x))
    assert np.abs(first - second).max() > 1e-3  # the original does keep its state
    reset_states(own)
    np.testing.assert_allclose(np.asarray(own(x)), first, atol=1e-6)
    found = normalise(tools, own, tmp_path, {"source": "test", "imports": [], "root": str(tmp_path)})
    assert "each inference begins with zeros" in found.passes[0]
    assert all(name in found.passes[0] for name in NAMED[form])
    for _ in range(2):
        np.testing.assert_allclose(np.asarray(found.model(x, training=False)), first, atol=1e-5)


def test_the_file_answers_so_after_its_variables_are_reset(tools, tmp_path):
    from edgekit.make.workshop.convert import _converter
    from edgekit.make.workshop.normalise import normalise
    from edgekit.make.workshop.recurrent import recurrent_layers

    tools.fresh(0)
    entry = tools.keras3.Input(batch_shape=(1, *SERIES))
    own = tools.keras3.Model(entry, FORMS["two"](tools.keras3, entry))
    x = np.random.default_rng(1).normal(size=(1, *SERIES)).astype(np.float32)
    first = np.asarray(own(x))
    made = normalise(tools, own, tmp_path, {"source": "test", "imports": [], "root": str(tmp_path)}).model
    with recurrent_layers(tools, made, fused=True):
        content = _converter(tools, made, ["x"], ["y"], [tools.tf.float32]).convert()
    interpreter = tools.tf.lite.Interpreter(model_content=content)
    interpreter.allocate_tensors()
    run = interpreter.get_signature_runner()
    for _ in range(2):
        interpreter.reset_all_variables()
        np.testing.assert_allclose(run(x=x)["y"], first, atol=1e-5)
