"""A student derived from the model: a share of its channels and residual blocks, with the weights of what stays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgekit.errors import ModelError
from edgekit.jobs.worker import Done
from edgekit.keras_graph.flat_graph import FlatGraph, model_of, read_graph
from edgekit.make.workshop.derive import narrower, shallower

from .conftest import JOB

pytestmark = pytest.mark.tf


def residual(tools: Any, blocks: int = 3, filters: int = 16) -> FlatGraph:
    """A convolution, residual blocks of one convolution each, and a dense layer behind pooling."""
    keras = tools.keras3
    layers = keras.layers
    given = keras.Input((8, 8, 2))
    x = layers.Conv2D(filters, 3, padding="same", name="stem", activation="relu")(given)
    for number in range(blocks):
        y = layers.Conv2D(filters, 3, padding="same", use_bias=False, name=f"block_{number}")(x)
        x = layers.Add(name=f"add_{number}")([x, layers.BatchNormalization(name=f"norm_{number}")(y)])
    x = layers.GlobalAveragePooling2D()(x)
    return read_graph(tools, keras.Model(given, layers.Dense(3, activation="softmax", name="classes")(x)))


def weights(graph: FlatGraph) -> dict[str, Any]:
    return {call.name: np.asarray(call.operation.kernel) for call in graph.calls if hasattr(call.operation, "kernel")}


def test_a_share_of_every_group_stays_and_the_ends_do_not_change(tools):
    graph = residual(tools, blocks=2)
    made = narrower(tools, graph, 0.5)
    shapes = {name: kernel.shape for name, kernel in weights(made).items()}
    assert shapes == {"stem": (3, 3, 2, 8), "block_0": (3, 3, 8, 8), "block_1": (3, 3, 8, 8), "classes": (8, 3)}
    answer = model_of(tools, made)([np.zeros((1, 8, 8, 2), "float32")])
    assert answer.shape == (1, 3) and np.isclose(np.sum(answer), 1)


def test_the_code_of_an_autoencoder_stays_whole(tools):
    keras = tools.keras3
    given = x = keras.Input((64,))
    for name, units in (("encode", 32), ("code", 8), ("decode", 32)):
        x = keras.layers.Dense(units, name=name, activation="relu")(x)
    made = narrower(tools, read_graph(tools, keras.Model(given, keras.layers.Dense(64, name="end")(x))), 0.5)
    shapes = {name: kernel.shape for name, kernel in weights(made).items()}
    assert shapes == {"encode": (64, 16), "code": (16, 8), "decode": (8, 16), "end": (16, 64)}


def test_the_channels_of_the_largest_norm_stay_with_their_weights(tools):
    keras = tools.keras3
    given = keras.Input((5,))
    hidden = keras.layers.Dense(16, name="hidden")(given)
    graph = read_graph(tools, keras.Model(given, keras.layers.Dense(2, name="classes")(hidden)))
    before = weights(graph)["hidden"]
    largest = np.sort(np.argsort(-np.linalg.norm(before, axis=0))[:8])
    made = weights(narrower(tools, graph, 0.5))
    np.testing.assert_array_equal(made["hidden"], before[:, largest])
    np.testing.assert_array_equal(made["classes"], weights(graph)["classes"][largest])


def test_the_units_of_a_recurrent_layer_stay_with_their_columns_in_all_gates(tools):
    """Those of the largest norm over the input's and the units' weights, with what each reads of the others that stay."""
    keras = tools.keras3
    given = keras.Input((6, 3))
    hidden = keras.layers.LSTM(16, name="hidden")(given)
    graph = read_graph(tools, keras.Model(given, keras.layers.Dense(2, name="classes")(hidden)))
    cell = graph.calls[0].operation.cell
    kernel, recurrent = np.asarray(cell.kernel), np.asarray(cell.recurrent_kernel)
    norms = (np.concatenate([kernel, recurrent]) ** 2).reshape(19, 4, 16).sum(axis=(0, 1))
    largest = np.sort(np.argsort(-norms)[:8])
    columns = (16 * np.arange(4)[:, None] + largest).reshape(-1)
    made = narrower(tools, graph, 0.5)
    narrow = made.calls[0].operation.cell
    np.testing.assert_array_equal(narrow.kernel, kernel[:, columns])
    np.testing.assert_array_equal(narrow.recurrent_kernel, recurrent[largest][:, columns])
    np.testing.assert_array_equal(weights(made)["classes"], weights(graph)["classes"][largest])


@pytest.mark.parametrize(
    ("size", "width", "left"), [(16, 0.5, 8), (16, 0.1, 4), (16, 0.7, 12), (6, 0.5, 3), (3, 0.1, 1)]
)
def test_large_groups_keep_a_multiple_of_four_and_small_ones_one_at_least(tools, size, width, left):
    made = narrower(tools, residual(tools, blocks=1, filters=size), width)
    assert weights(made)["stem"].shape[-1] == left


def test_blocks_go_evenly_and_the_first_stays(tools):
    made = shallower(residual(tools, blocks=5), 0.5)
    assert [name for name in weights(made) if name.startswith("block")] == ["block_0", "block_2"]
    assert list(weights(shallower(residual(tools, blocks=5), 0.1))) == ["stem", "block_0", "classes"]


def test_what_cannot_be_derived_is_said(tools):
    keras = tools.keras3
    given = keras.Input((5,))
    plain = read_graph(tools, keras.Model(given, keras.layers.Dense(2)(given)))
    with pytest.raises(ModelError, match="no channel of the model can be left out") as caught:
        narrower(tools, plain, 0.5)
    assert caught.value.where == "[student] width" and "0 groups" in caught.value.allowed
    assert caught.value.next_step == "give a network of your own"
    with pytest.raises(ModelError, match="no residual block of the model can be left out") as caught:
        shallower(residual(tools, blocks=1), 0.5)
    assert caught.value.next_step == "give a width, or a network of your own", (
        "no smaller depth takes the one block out"
    )
    with pytest.raises(ModelError, match="no channel") as caught:
        narrower(tools, residual(tools, filters=3), 0.99)


@pytest.mark.parametrize(("filters", "width", "advised"), [(3, 0.99, 0.83), (16, 0.9, 0.87)])
def test_a_smaller_width_is_advised_where_one_takes_something_out(tools, filters, width, advised):
    graph = residual(tools, filters=filters)
    with pytest.raises(ModelError) as caught:
        narrower(tools, graph, width)
    assert caught.value.next_step == f"give a width of {advised:g} or less; or give a network of your own"
    assert weights(narrower(tools, graph, advised))["stem"].shape[-1] < filters


def test_no_smaller_width_is_advised_where_none_takes_anything_out(tools):
    with pytest.raises(ModelError) as caught:
        narrower(tools, residual(tools, filters=1), 0.5)
    assert caught.value.next_step == "give a network of your own" and "1 groups" in caught.value.allowed


def test_a_smaller_depth_is_advised_where_one_takes_something_out(tools):
    graph = residual(tools, blocks=2)
    with pytest.raises(ModelError) as caught:
        shallower(graph, 0.9)
    assert caught.value.next_step == "give a depth of 0.74 or less; or give a width, or a network of your own"
    assert len(weights(shallower(graph, 0.74))) == len(weights(graph)) - 1


def test_the_job_writes_a_model_with_its_facts(workshop, loaded_for_derive, tmp_path):
    job = {**JOB, "do": "derive", "model": str(loaded_for_derive), "width": 0.5, "depth": 0.5, "target": str(tmp_path)}
    answer = workshop.run(job)
    assert isinstance(answer, Done), answer
    facts = answer.value
    kernels = {layer["name"]: layer["kernel"] for layer in facts["layers"] if layer["kind"] == "Conv2D"}
    assert kernels == {"stem": [3, 3, 2, 8], "block_0": [3, 3, 8, 8]}
    assert (tmp_path / "model.keras").exists() and (tmp_path / "facts.json").exists()


@pytest.fixture
def loaded_for_derive(tools, tmp_path_factory):
    """A residual network, stored as loading leaves a model."""
    from edgekit.make.workshop.store import save_model

    folder = tmp_path_factory.mktemp("loaded")
    save_model(model_of(tools, residual(tools, blocks=2)), folder)
    return folder
