"""What is of training alone leaves nothing in the inference graph, and odd names are replaced and kept for the report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.tf
SHAPE = (6, 6, 3)


@pytest.fixture(scope="module")
def tools() -> Any:
    from edgekit.make.workshop.door import door

    return door()


def network(tools: Any, dtype: Any = None, **convolution: Any) -> Any:
    layers = tools.keras3.layers
    x = entry = layers.Input(SHAPE, name="image")
    x = layers.Conv2D(4, 3, activation="relu", dtype=dtype, **convolution)(x)
    x = layers.Dropout(0.2, dtype=dtype)(layers.BatchNormalization(dtype=dtype)(x))
    x = layers.TimeDistributed(layers.Dense(3, dtype=dtype), dtype=dtype)(layers.Reshape((4, 16), dtype=dtype)(x))
    return tools.keras3.Model(entry, layers.Dense(2, dtype="float32")(layers.Flatten(dtype=dtype)(x)))


def frozen(tools: Any) -> Any:
    model = network(tools)
    model.trainable = False
    return model


def compiled(tools: Any) -> Any:
    model = network(tools)
    optimizer = tools.keras3.optimizers.Adam(use_ema=True, loss_scale_factor=8.0)
    model.compile(optimizer, "mse", jit_compile=True, steps_per_execution=4, auto_scale_loss=True)
    return model


POLICIES: dict[str, Callable[[Any], Any]] = {
    "mixed_float16": lambda tools: network(tools, "mixed_float16"),
    "mixed_bfloat16": lambda tools: network(tools, "mixed_bfloat16"),
    "float16": lambda tools: network(tools, "float16"),
    "bfloat16": lambda tools: network(tools, "bfloat16"),
    "a frozen model": frozen,
    "compiled": compiled,
    "regularised": lambda tools: network(tools, kernel_regularizer="l2", kernel_constraint="max_norm"),
}


@pytest.mark.parametrize("make", POLICIES.values(), ids=POLICIES)
def test_it_is_of_training_alone(tools, tmp_path, make):
    tools.fresh(0)
    plain = operations(tools, stored(tools, network(tools), tmp_path / "plain"))
    own = make(tools)
    own.get_layer("batch_normalization_1").moving_mean.assign([1.0, 2.0, 3.0, 4.0])
    weights = [np.asarray(weight, np.float32) for weight in own.get_weights()]
    made = stored(tools, own, tmp_path / "own")
    assert operations(tools, made) == plain
    for ours, theirs in zip(made.get_weights(), weights, strict=True):
        assert ours.dtype == np.float32
        np.testing.assert_array_equal(ours, theirs)


def stored(tools: Any, model: Any, folder: Path) -> Any:
    from edgekit.make.workshop.normalise import normalise

    folder.mkdir()
    return normalise(tools, model, folder, {"source": "test", "imports": [], "root": str(folder)}).model


def operations(tools: Any, model: Any) -> Counter[tuple[str, ...]]:
    """The operations of the inference graph with the dtypes that they give."""
    function = tools.tf.function(lambda x: model(x, training=False)).get_concrete_function(
        tools.tf.TensorSpec((1, *SHAPE))
    )
    every = function.graph.get_operations()
    return Counter((one.type, *(output.dtype.name for output in one.outputs)) for one in every)


def test_odd_names_are_replaced_and_told(tools, tmp_path):
    from edgekit.make.workshop.model_facts import take_facts
    from edgekit.make.workshop.normalise import normalise
    from edgekit.make.workshop.ports import ports

    tools.fresh(0)
    layers = tools.keras3.layers
    inner_entry = layers.Input((4,), name="entrée 1")
    inner = tools.keras3.Model(inner_entry, layers.Dense(4, name="1 first")(inner_entry), name="in ner")
    entry = layers.Input((4,), name="_hidden")
    x = layers.Dense(4, name="1 first")(inner(entry))
    own = tools.keras3.Model(entry, layers.Dense(2, name="Ergebnis: größer")(x))
    normal = normalise(tools, own, tmp_path, {"source": "test", "imports": [], "root": str(tmp_path)})
    names = [layer.name for layer in normal.model.layers]
    assert names == ["x_hidden", "1_first", "1_first_1", "Ergebnis__gr__er"]
    facts = take_facts(tools, normal.model, sha256="", kind="", losses=(), error=0.0)
    inputs, outputs = ports(own, facts, normal.renamed)
    assert (inputs[0].name, outputs[0].name) == ("_hidden", "Ergebnis: größer")
    assert normal.renamed == {
        "x_hidden": "_hidden", "1_first": "1 first", "1_first_1": "1 first", "Ergebnis__gr__er": "Ergebnis: größer"
    }  # fmt: skip
