"""Models of Keras 2 become models of Keras 3: each form is loaded, stored, read again and compared, and what Keras 3 lacks is wrapped."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.errors import ModelError, TrustError

pytestmark = pytest.mark.tf
IMAGE, SERIES, VECTOR = (8, 8, 4), (6, 4), (4,)
Form = Callable[[Any, Any, Any], Any]
"""Takes tf_keras, TensorFlow and a symbolic tensor."""

FORMS: dict[str, tuple[tuple[int, ...], Form]] = {
    "convolutions": (IMAGE, lambda k, tf, x: k.layers.ReLU(6.0)(k.layers.BatchNormalization()(k.layers.SeparableConv2D(4, 3)(x)))),
    "regularised": (IMAGE, lambda k, tf, x: k.layers.Conv2D(4, 3, kernel_regularizer="l2", kernel_constraint="max_norm")(x)),
    "its own hard sigmoid": (VECTOR, lambda k, tf, x: k.layers.Dense(3, activation="hard_sigmoid")(x)),
    "a function of tf.nn": (VECTOR, lambda k, tf, x: k.layers.Dense(3, activation=tf.nn.relu6)(x)),
    "a layer as activation": (VECTOR, lambda k, tf, x: k.layers.Dense(3, activation=k.layers.LeakyReLU(0.2))(x)),
    "normalised": (VECTOR, lambda k, tf, x: k.layers.Normalization(mean=[1.0, 2, 3, 4], variance=[1.0, 2, 3, 4])(x)),
    "noise": (SERIES, lambda k, tf, x: k.layers.SpatialDropout1D(0.3)(k.layers.GaussianNoise(0.1)(x))),
    "early gru": (SERIES, lambda k, tf, x: k.layers.GRU(3, reset_after=False, recurrent_activation="hard_sigmoid")(x)),
    "masked lstm": (SERIES, lambda k, tf, x: k.layers.LSTM(3, dropout=0.1)(k.layers.Masking()(x))),
    "both ways, unlike": (
        SERIES,
        lambda k, tf, x: k.layers.Bidirectional(
            k.layers.GRU(3), backward_layer=k.layers.GRU(3, go_backwards=True, activation="relu")
        )(x),
    ),
    "cells": (SERIES, lambda k, tf, x: k.layers.RNN([k.layers.GRUCell(4), k.layers.LSTMCell(2)])(x)),
    "first states": (SERIES, lambda k, tf, x: states(k, x)),
    "a model at each step": (
        (3, *IMAGE),
        lambda k, tf, x: k.layers.TimeDistributed(
            k.Sequential([k.layers.Input(IMAGE), k.layers.Conv2D(2, 3), k.layers.Flatten()])
        )(x),
    ),
    "attention": (SERIES, lambda k, tf, x: k.layers.MultiHeadAttention(2, 4, value_dim=3)(x, x, use_causal_mask=True)),
    "arithmetic": (VECTOR, lambda k, tf, x: 1.0 - x * 2.0 / (1.0 + tf.abs(x)) ** 2),
    "sliced": (IMAGE, lambda k, tf, x: x[:, 1:-1:2, ..., tf.newaxis]),
    "compared": (VECTOR, lambda k, tf, x: tf.where(x > 0.0, x, 0.1 * x)),
    "split and joined": (IMAGE, lambda k, tf, x: tf.concat(tf.split(x, 2, axis=-1)[::-1], axis=-1)),
    "shaped by itself": (IMAGE, lambda k, tf, x: tf.reshape(tf.transpose(x, [0, 3, 1, 2]), [tf.shape(x)[0], -1])),
    "an image function": (IMAGE, lambda k, tf, x: tf.image.resize(x, [4, 4])),
    "a constant": (VECTOR, lambda k, tf, x: x * tf.constant([1.0, 2.0, 3.0, 4.0]) + np.ones(4, np.float32)),
    "a layer that Keras 3 dropped": (VECTOR, lambda k, tf, x: k.layers.ThresholdedReLU(0.3)(x)),
    "cropped": (IMAGE, lambda k, tf, x: k.layers.RandomCrop(6, 6)(x)),
    "an activation of TensorFlow": (VECTOR, lambda k, tf, x: k.layers.Dense(3, activation=tf.sin)(x)),
    "ragged between its layers": (
        SERIES,
        lambda k, tf, x: k.layers.Dense(2)(k.layers.BatchNormalization()(tf.RaggedTensor.from_tensor(x).to_tensor())),
    ),
    "names that Keras 3 refuses": (VECTOR, lambda k, tf, x: k.layers.Dense(2, name="block/dense")(x)),
}  # fmt: skip


@pytest.fixture(scope="module")
def tools() -> Any:
    from edgekit.make.workshop.door import door

    return door()


def states(keras: Any, x: Any) -> Any:
    _, *first = keras.layers.LSTM(3, return_state=True)(x)
    return keras.layers.LSTM(3)(x, initial_state=first)


def normal(tools: Any, model: Any, folder: Path, **job: Any) -> Any:
    from edgekit.make.workshop.normalise import normalise

    return normalise(tools, model, folder, {"source": "test", "imports": [], "root": str(folder), **job})


def with_weights(model: Any) -> Any:
    """Weights that are neither zero nor one: what was forgotten must show."""
    generator = np.random.default_rng(0)
    model.set_weights([generator.uniform(0.1, 0.5, one.shape).astype(one.dtype) for one in model.get_weights()])
    return model


@pytest.mark.parametrize(("shape", "form"), FORMS.values(), ids=FORMS)
def test_it_answers_as_it_did(tools, tmp_path, shape, form):
    from edgekit.make.workshop.answers import is_keras3

    tools.fresh(0)
    entry = tools.keras.layers.Input(shape)
    own = with_weights(tools.keras.Model(entry, form(tools.keras, tools.tf, entry)))
    made = normal(tools, own, tmp_path).model
    assert is_keras3(made) and len(made.trainable_weights) == len(own.trainable_weights)
    x = np.random.default_rng(1).uniform(0, 1, (2, *shape)).astype(np.float32)
    np.testing.assert_allclose(made(x, training=False), own(x, training=False), atol=1e-5)


@pytest.fixture
def custom(tools: Any) -> Any:
    """A custom layer with weights, one of them frozen, and a layer inside; registered with Keras 2 alone."""
    keras = tools.keras

    @keras.saving.register_keras_serializable("test_keras2")
    class Scaled(keras.layers.Layer):  # type: ignore[misc, name-defined]
        def __init__(self, factor: float = 2.0, **given: Any) -> None:
            super().__init__(**given)
            self.factor, self.inside = factor, keras.layers.Dense(3)

        def build(self, shape: Any) -> None:
            self.scale = self.add_weight("scale", (shape[-1],))
            self.fixed = self.add_weight("fixed", (), trainable=False)
            super().build(shape)

        def call(self, x: Any, training: bool = False) -> Any:
            return self.inside(x * self.scale * self.factor + self.fixed) + (1.0 if training else 0.0)

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "factor": self.factor}

    return Scaled


def test_a_custom_layer_is_held_trained_and_shared(tools, custom, tmp_path):
    tools.fresh(0)
    tf, layers = tools.tf, tools.keras.layers
    entry, shared = layers.Input(VECTOR), custom(0.5, name="shared")
    own = with_weights(tools.keras.Model(entry, layers.Add()([shared(entry), shared(layers.ReLU()(entry))])))
    found = normal(tools, own, tmp_path)
    made = found.model
    assert found.closed == ("shared",)
    assert [weight.shape for weight in made.trainable_weights] == [(4,), (4, 3), (3,)]
    x = np.random.default_rng(1).normal(size=(2, *VECTOR)).astype(np.float32)
    with tf.GradientTape() as tape:
        y = tf.reduce_sum(made(x, training=False))
    slopes = tape.gradient(y, [weight.value for weight in made.trainable_weights])
    assert all(slope is not None and np.abs(slope).max() > 0 for slope in slopes)
    made.get_layer("shared").trainable_weights[0].assign(np.zeros(4))
    fixed, bias = own.get_layer("shared").fixed.numpy(), own.get_layer("shared").inside.get_weights()
    np.testing.assert_allclose(
        made(x, training=False), 2 * (fixed * bias[0].sum(0) + bias[1])[None].repeat(2, 0), rtol=1e-5
    )
    np.testing.assert_allclose(made(x, training=True) - made(x, training=False), 2.0, atol=1e-5)


def test_what_is_held_or_wrapped_comes_back_to_tf_keras(tools, custom, tmp_path):
    """TFMOT trains such a model too: the layer is taken out, the function called again."""
    from edgekit.make.workshop.rebuild import rebuild

    tools.fresh(0)
    entry = tools.keras.layers.Input(VECTOR)
    x = tools.keras.layers.Dense(4, activation="hard_sigmoid")(custom(name="own")(entry))
    own = with_weights(tools.keras.Model(entry, tools.tf.roll(x, 1, axis=1)))
    made, error = rebuild(tools, normal(tools, own, tmp_path).model, where="test")
    assert isinstance(made, tools.keras.Model) and error < 1e-5
    assert [type(layer).__name__ for layer in made.layers][1] == "Scaled"


def test_a_layer_that_cannot_be_imported_is_refused_with_what_to_do(tools, tmp_path):
    class Lonely(tools.keras.layers.Layer):  # type: ignore[misc, name-defined]
        def call(self, x: Any) -> Any:
            return 2 * x

    entry = tools.keras.layers.Input(VECTOR)
    with pytest.raises(ModelError, match="'alone' of type Lonely is defined inside a function") as refused:
        normal(tools, tools.keras.Model(entry, Lonely(name="alone")(entry)), tmp_path)
    assert "register_keras_serializable" in str(refused.value) and "--import" in str(refused.value)


def test_a_subclassed_model_of_its_own_weights_stays_closed(tools, tmp_path):
    keras = tools.keras

    @keras.saving.register_keras_serializable("test_keras2")
    class Scaling(keras.Model):  # type: ignore[misc, name-defined]
        def build(self, shape: Any) -> None:
            self.scale = self.add_weight("scale", shape=(shape[-1],))
            super().build(shape)

        def call(self, x: Any) -> Any:
            return x * self.scale

    tools.fresh(0)
    own = Scaling(name="own")
    own.build((None, 4))
    found = normal(tools, with_weights(own), tmp_path)
    assert found.closed == ("own",) and [weight.shape for weight in found.model.trainable_weights] == [(4,)]
    x = np.random.default_rng(1).normal(size=(2, 4)).astype(np.float32)
    np.testing.assert_allclose(found.model(x, training=False), own(x), atol=1e-6)


def test_ragged_inputs_are_refused_with_what_to_do(tools, tmp_path):
    entry = tools.keras.layers.Input((None,), ragged=True, name="rows")
    own = tools.keras.Model(entry, tools.keras.layers.Dense(2)(entry.to_tensor(shape=[None, 4])))
    with pytest.raises(ModelError, match=r"'rows' is ragged") as refused:
        normal(tools, own, tmp_path)
    assert "after .to_tensor()" in str(refused.value)


@pytest.mark.parametrize("kind", ["Lambda", "TFOpLambda", "InstanceMethod"])
def test_no_held_layer_calls_what_a_file_names(tools, kind):
    from edgekit.make.workshop.keras2.held import _class

    every = {one.__name__: one for one in _every(tools.keras.layers.Layer)}
    assert _class(tools, f"{every[kind].__module__}:{kind}") is None


def _every(kind: Any) -> Any:
    for one in kind.__subclasses__():
        yield one
        yield from _every(one)


def test_a_subclassed_model_is_traced(tools, tmp_path):
    keras = tools.keras

    class Own(keras.Model):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = keras.layers.Dense(4, activation="relu"), keras.layers.Dense(2)

        def call(self, x: Any) -> Any:
            return self.two(self.one(x) * 2.0)

    tools.fresh(0)
    own = Own()
    own(np.zeros((1, 5), np.float32))
    kinds = [type(layer).__name__ for layer in normal(tools, with_weights(own), tmp_path).model.layers]
    assert kinds.count("Dense") == 2


def test_training_in_half_precision_leaves_nothing(tools, tmp_path):
    layers = tools.keras.layers
    entry = layers.Input(VECTOR)
    own = tools.keras.Model(entry, layers.Dense(2, dtype="float32")(layers.Dense(4, dtype="mixed_float16")(entry)))
    assert {layer.compute_dtype for layer in normal(tools, own, tmp_path).model.layers} == {"float32"}


def test_frozen_layers_stay_frozen(tools, tmp_path):
    tools.fresh(0)
    layers = tools.keras.layers
    entry = layers.Input(IMAGE)
    own = tools.keras.Model(entry, layers.BatchNormalization()(layers.Conv2D(3, 3, name="frozen")(entry)))
    own.get_layer("frozen").trainable = False
    made = normal(tools, with_weights(own), tmp_path).model
    assert [layer.name for layer in made.layers if layer.weights and not layer.trainable] == ["frozen"]


def test_no_file_can_name_a_function_that_does_more_than_compute(tools):
    from edgekit.make.workshop.keras2.functions import function_class
    from edgekit.make.workshop.trust import refuse_code

    settings = {"symbol": "io.read_file", "call": {"args": [{"tensor": 0}], "kwargs": {}}}
    with pytest.raises(TrustError, match=r"tf\.io\.read_file"):
        function_class(tools)(**settings)
    with pytest.raises(TrustError, match=r"call of tf\.io\.read_file"):
        refuse_code({"class_name": "TensorFlowFunction", "config": settings}, where="", trust=False)


@pytest.mark.parametrize("kind", ["keras3", "keras"])
@pytest.mark.parametrize("stored", [False, True])
def test_dicts_keep_the_order_in_which_they_were_given(tools, tmp_path, kind, stored):
    from edgekit.make.workshop.model_facts import take_facts
    from edgekit.make.workshop.ports import output_names, ports

    tools.fresh(0)
    keras = getattr(tools, kind)
    zeta, alpha = keras.layers.Input((3,), name="zeta"), keras.layers.Input((4,), name="alpha")
    both = keras.layers.Dense(3, name="first")(keras.layers.Concatenate()([zeta, alpha]))
    own = keras.Model({"zeta": zeta, "alpha": alpha}, {"two": keras.layers.Dense(2, name="second")(zeta), "one": both})
    if stored:
        own.save(tmp_path / "own.keras")
        own = keras.models.load_model(tmp_path / "own.keras")
    made = normal(tools, own, tmp_path).model
    inputs, outputs = ports(own, take_facts(tools, made, sha256="", kind="", losses=(), error=0.0), {})
    assert [(port.name, port.shape) for port in inputs] == [("zeta", (3,)), ("alpha", (4,))]
    assert [(port.name, port.shape) for port in outputs] == [("two", (2,)), ("one", (3,))]
    assert output_names(own, made) == ["two", "one"]
