"""Adam's one operator a variable, held against tf_keras's on the same gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.tf
RATES = (0.1, 0.05, 0.01)


@pytest.fixture(scope="module")
def tools() -> Any:
    from edgekit.make.workshop.door import door

    return door()


def variables(tools: Any, dtype: str) -> list[Any]:
    return [tools.tf.Variable(np.linspace(-1, 1, 6).reshape(3, 2), dtype=dtype), tools.tf.Variable([0.5], dtype=dtype)]


def stepped(tools: Any, ours: list[Any], adam: Any) -> list[np.ndarray]:
    """The variables after steps whose gradients depend on them, the first of them by rows as an embedding's."""
    tf = tools.tf

    @tf.function
    def step(rate: Any) -> None:
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.gather(ours[0], [0, 2, 2]) ** 2) + tf.reduce_sum(ours[1] ** 3)
        adam.apply(tape.gradient(loss, ours), rate)

    for rate in RATES:
        step(tf.constant(adam.next_rate(rate)))
    return [one.numpy() for one in ours]


@pytest.mark.parametrize(("dtype", "near"), [("float32", 1e-5), ("float16", 1e-2)])
def test_steps_are_those_of_tf_keras_also_after_a_restart(tools, dtype, near):
    from edgekit.make.workshop.adam import Adam

    tf, ours, theirs = tools.tf, variables(tools, dtype), variables(tools, dtype)
    first, adam, optimizer = [one.numpy() for one in ours], Adam(tf, ours), tools.keras.optimizers.Adam()
    for rate in RATES:
        optimizer.learning_rate = rate
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.gather(theirs[0], [0, 2, 2]) ** 2) + tf.reduce_sum(theirs[1] ** 3)
        optimizer.apply_gradients(zip(tape.gradient(loss, theirs), theirs, strict=True))
    once = stepped(tools, ours, adam)
    for found, expected in zip(once, theirs, strict=True):
        np.testing.assert_allclose(found, expected.numpy(), atol=near)
    for one, value in zip(ours, first, strict=True):
        one.assign(value)
    adam.restart()
    for found, before in zip(stepped(tools, ours, adam), once, strict=True):
        np.testing.assert_array_equal(found, before)


def test_a_variable_without_a_gradient_stays_and_none_with_one_is_an_error(tools):
    from edgekit.make.workshop.adam import Adam

    ours = variables(tools, "float32")
    adam, before = Adam(tools.tf, ours), ours[1].numpy()
    adam.apply([tools.tf.ones((3, 2)), None], adam.next_rate(0.1))
    np.testing.assert_array_equal(ours[1].numpy(), before)
    assert (ours[0].numpy() < np.linspace(-1, 1, 6).reshape(3, 2)).all()
    with pytest.raises(ValueError, match="No gradients"):
        adam.apply([None, None], 0.1)
