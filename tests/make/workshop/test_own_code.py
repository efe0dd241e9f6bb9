"""A user's own classes and functions that are not registered with Keras: taken where another process can import them."""

from __future__ import annotations

import sys

import pytest

from edgekit.errors import ModelError
from edgekit.jobs.pool import ENVIRONMENT, MODULE
from edgekit.jobs.worker import Worker

pytestmark = pytest.mark.tf

CODE = '''
import keras, tf_keras
import numpy as np
import tensorflow as tf
from keras import layers, ops


class Gate(layers.Layer):
    def build(self, shape):
        self.gate = self.add_weight(shape=(shape[-1],), name="gate")

    def call(self, x):
        return x * ops.sigmoid(self.gate)


class Outer:
    class Power(layers.Layer):
        """Takes no name, as Keras's own layers do, and has a layer inside."""

        def __init__(self, power):
            super().__init__()
            self.power, self.dense = power, layers.Dense(3)

        def call(self, x):
            return self.dense(x) ** self.power


class Closed(keras.Model):
    """What it calls depends on values."""

    def __init__(self):
        super().__init__()
        self.one, self.two = layers.Dense(4), layers.Dense(4)

    def call(self, x):
        y = self.one(x)
        return tf.where(tf.reduce_sum(y) > 0, y, self.two(y))


class OfDicts(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(2)

    def call(self, x):
        return {"scores": self.dense(x["zeta"]), "again": x["alpha"]}


class Step(layers.Layer):
    def __init__(self, units=3, **given):
        super().__init__(**given)
        self.units = self.state_size = units

    def build(self, shape):
        self.kernel = self.add_weight(shape=(shape[-1], self.units), name="kernel")

    def call(self, x, states):
        h = ops.tanh(x @ self.kernel + states[0])
        return h, [h]

    def get_config(self):
        return {**super().get_config(), "units": self.units}


class Gate2(tf_keras.layers.Layer):
    def build(self, shape):
        self.gate = self.add_weight("gate", (shape[-1],))

    def call(self, x):
        return x * tf.sigmoid(self.gate)


class Constant(keras.initializers.Initializer):
    def __call__(self, shape, dtype=None):
        return ops.full(shape, 0.25, dtype=dtype)


def half_tanh(x):
    return ops.tanh(x) * 0.5


def half_tanh2(x):
    return tf.tanh(x) * 0.5


def of_keras3(width, make):
    entry = keras.Input(width)
    return keras.Model(entry, layers.Dense(2)(make(entry)))


def of_keras2(width, make):
    entry = tf_keras.layers.Input(width)
    return tf_keras.Model(entry, tf_keras.layers.Dense(2)(make(entry)))


def a_layer():
    return of_keras3((6,), Gate())


def a_layer_in_a_class():
    return of_keras3((6,), Outer.Power(2.0))


def a_closed_model():
    return of_keras3((6,), Closed())


def a_closed_model_alone():
    model = Closed()
    model(np.ones((1, 6), np.float32))
    return model


def of_dicts():
    model = OfDicts()
    model({"zeta": np.ones((1, 3), np.float32), "alpha": np.ones((1, 4), np.float32)})
    return model


def a_cell():
    return of_keras3((5, 6), layers.RNN(Step(3)))


def an_activation():
    return of_keras3((6,), layers.Dense(4, activation=half_tanh))


def an_activation_of_tensorflow():
    return of_keras3((6,), layers.Dense(4, activation=tf.sin))


def an_initializer():
    return of_keras3((6,), layers.Dense(4, kernel_initializer=Constant()))


def a_function_in_a_lambda():
    return of_keras3((6,), layers.Lambda(half_tanh))


def keras2_layer():
    return of_keras2((6,), Gate2())


def keras2_layer_at_each_step():
    return of_keras2((5, 6), tf_keras.layers.TimeDistributed(Gate2()))


def keras2_activations():
    return of_keras2((6,), tf_keras.Sequential([tf_keras.layers.Dense(4, activation=half_tanh2), tf_keras.layers.Activation(tf.sin)]))


def local_class():
    class Local(layers.Layer):
        def call(self, x):
            return 2 * x

    return of_keras3((6,), Local(name="inside"))


def a_lambda():
    return of_keras3((6,), layers.Dense(4, activation=lambda x: 2 * x, name="twice"))


class Tied(layers.Layer):
    def __init__(self, table):
        super().__init__()
        self.table = table

    def call(self, x):
        return ops.matmul(x, ops.transpose(self.table.embeddings))


def no_config():
    entry, table = keras.Input((3,), dtype="int32"), layers.Embedding(7, 4)
    return keras.Model(entry, Tied(table)(table(entry)))
'''
CLOSED = {
    "a_layer": ("gate",), "a_layer_in_a_class": ("power",), "a_closed_model": ("closed",), "a_closed_model_alone": ("closed",),
    "keras2_layer": ("gate2",), "keras2_layer_at_each_step": ("time_distributed",),
}  # fmt: skip
"""The layers that stay closed, by the function that makes the model."""
OPEN = (
    "a_cell", "an_activation", "an_activation_of_tensorflow", "an_initializer", "a_function_in_a_lambda", "keras2_activations",
)  # fmt: skip


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A folder with the code above as its module `own_parts`."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "own_parts.py").write_text(CODE)
    return folder


@pytest.mark.parametrize("made", [*CLOSED, *OPEN])
def test_it_is_taken(shop, project, made):
    facts = shop.load(f"own_parts:{made}", root=str(project))
    assert facts.closed == CLOSED.get(made, ())
    assert facts.rebuilt_error < 1e-5


@pytest.mark.slow
@pytest.mark.parametrize("made", ["a_layer_in_a_class", "keras2_layer", "an_activation"])
def test_another_process_opens_it(shop, project, made):
    """The one that stored it has imported the code; this one has not."""
    shop.load(f"own_parts:{made}", root=str(project))
    assert "own_parts" not in sys.modules
    with Worker(MODULE, environment=ENVIRONMENT) as worker:
        shop._worker = worker
        assert shop.convert(root=str(project)).stat().st_size


@pytest.mark.parametrize(
    ("made", "words"),
    [
        ("local_class", ("'inside' of type Local", "inside a function", "top of its module")),
        ("a_lambda", ("twice", "<lambda>", "top of its module")),
        ("no_config", ("Tied", "get_config")),
    ],
)
def test_what_cannot_be_found_again_is_refused_with_what_to_do(shop, project, made, words):
    with pytest.raises(ModelError) as refused:
        shop.load(f"own_parts:{made}", root=str(project))
    assert all(word in str(refused.value) for word in words), str(refused.value)


def test_a_subclassed_model_keeps_the_keys_of_its_dicts(shop, project):
    facts = shop.load("own_parts:of_dicts", root=str(project))
    assert [(port.name, port.shape) for port in facts.inputs] == [("zeta", (3,)), ("alpha", (4,))]
    assert [(port.name, port.shape) for port in facts.outputs] == [("scores", (2,)), ("again", (4,))]
    assert facts.closed == ()


def test_the_code_is_named_beside_the_model(shop, project):
    """By module and qualified name; nothing of the user's is pickled."""
    shop.load("own_parts:a_layer_in_a_class", root=str(project))
    assert (shop.target / "own_code.json").read_text() == '["own_parts:Outer.Power"]'
