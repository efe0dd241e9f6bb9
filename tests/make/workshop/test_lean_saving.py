"""The converter's way through a SavedModel without its detours: the same bytes, of a model with and without variables that it writes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.tf


@pytest.fixture(scope="module")
def tools() -> Any:
    from edgekit.make.workshop.door import door

    return door()


@pytest.fixture
def holder(tools: Any) -> Any:
    """A module of two variables, held as long as the test."""
    holder = tools.tf.Module()
    holder.kernel = tools.tf.Variable(np.eye(4, 3), dtype="float32")
    holder.calls = tools.tf.Variable(0.0)
    return holder


def converter(tools: Any, holder: Any) -> Any:
    """A converter of a function of both variables, the second of which it counts in."""
    tf = tools.tf

    @tf.function(input_signature=[tf.TensorSpec((1, 4))])
    def serve(inputs: Any) -> Any:
        return inputs @ holder.kernel + holder.calls.assign_add(1.0)

    made = tf.lite.TFLiteConverter.from_concrete_functions([serve.get_concrete_function()], holder)
    made.experimental_enable_resource_variables = True
    return made


def test_the_file_is_the_same_and_nothing_is_loaded(tools, holder, monkeypatch):
    from tensorflow.lite.python import lite

    from edgekit.make.workshop.lean_saving import lean_saving

    before, loaded, load = converter(tools, holder).convert(), [], lite._load
    monkeypatch.setattr(lite, "_load", lambda *given: loaded.append(given) or load(*given))
    theirs = lite._load
    with lean_saving(tools):
        after = converter(tools, holder).convert()
    assert after == before and not loaded and lite._load is theirs


def test_what_it_replaced_is_back_after_an_error(tools):
    from tensorflow.lite.python import lite
    from tensorflow.python.checkpoint.functional_saver import MultiDeviceSaver

    from edgekit.make.workshop.lean_saving import lean_saving

    load, save = lite._load, MultiDeviceSaver.__dict__["_traced_save"]
    with pytest.raises(KeyError), lean_saving(tools):
        assert lite._load is not load
        raise KeyError
    assert lite._load is load and MultiDeviceSaver.__dict__["_traced_save"] is save
