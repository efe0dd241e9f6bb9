"""What a channel is worth: by norm and scale beside its layer, by Taylor as the loss itself changes."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.techniques.narrowing.importance import by_norm, by_scale, by_taylor

pytestmark = pytest.mark.tf


def named(found, maker):
    """The place of the group that a layer makes."""
    return next(place for place, group in enumerate(found.groups) if maker in {call.name for call in group.makers})


def test_the_norm_is_a_share_of_those_that_are_no_smaller(network, state):
    """Filters of norm 1, 2 and 2 (the rest are zero): 1/9, then a half and the whole of what is left, in some order."""
    model = network("flattened")
    kernel = np.zeros((3, 3, 3, 12), "float32")
    kernel[1, 1, 0, :3] = [1, 2, 2]
    model.get_layer("first").kernel.assign(kernel)
    found = state(model)
    worth = by_norm(found)[named(found, "first")]
    assert sorted(worth[:3]) == pytest.approx([1 / 9, 4 / 8, 1]) and worth[0] == pytest.approx(1 / 9)
    assert not worth[3:].any()


def test_what_two_layers_make_counts_in_both(network, state):
    model = network("residual")
    for name in ("stem", "outer"):
        kernel = model.get_layer(name).kernel
        values = np.ones(kernel.shape, "float32")
        values[..., 5] = 0 if name == "stem" else 1
        values[..., 6] = 0
        kernel.assign(values)
    found = state(model)
    worth = by_norm(found)[named(found, "stem")]
    assert worth[6] == 0 < worth[5] < np.delete(worth, [5, 6]).max()


def test_the_scale_is_that_of_the_batch_normalization_and_of_no_use_without(classifier, state):
    model = classifier()
    gamma = np.arange(1, 17, dtype="float32")
    model.get_layer("inner_norm").gamma.assign(-gamma)
    found = state(model)
    worth = by_scale(found)[named(found, "inner")]
    assert (np.argsort(worth) == np.arange(16)).all(), "the size, whatever the sign"
    assert by_scale(state(classifier(normalized=False))) is None


def test_taylor_is_the_change_of_the_loss_to_the_first_order(classifier, state, training):
    """A thousandth of a channel is taken away wherever it is read, and the loss is computed again."""
    model = classifier()
    fit = training(batch_size=256)
    fit.fit(model)
    found = state(model)
    place = named(found, "stem")
    worth = by_taylor(found, lambda kernels: fit.gradients(model, kernels))[place]
    group, before = found.groups[place], fit.loss(model)
    assert sorted(call.name for call in group.readers) == ["inner", "last"]
    for channel in (int(worth.argmax()), int(np.argsort(worth)[8])):
        kept = [call.operation.kernel.numpy() for call in group.readers]
        for call, kernel in zip(group.readers, kept, strict=True):
            less = kernel.copy()
            less[..., group.members[call.inputs[0]] == channel, :] *= 0.99
            call.operation.kernel.assign(less)
        change = abs(fit.loss(model) - before) * 100
        for call, kernel in zip(group.readers, kept, strict=True):
            call.operation.kernel.assign(kernel)
        assert change == pytest.approx(worth[channel], rel=0.1, abs=1e-5)


def test_the_norm_of_a_recurrent_unit_is_that_of_its_columns_in_all_gates(network, state):
    """Norms of 1 by a recurrent weight, and of 2 by one of the input, in one direction and in the other, as of filters above."""
    model = network("recurrent")
    cells = [getattr(model.get_layer("both"), name).cell for name in ("forward_layer", "backward_layer")]
    kernels = [np.zeros(cell.kernel.shape, "float32") for cell in cells]
    recurrent = [np.zeros(cell.recurrent_kernel.shape, "float32") for cell in cells]
    recurrent[0][3, 2 * 8 + 0], kernels[0][0, 1], kernels[1][5, 8 + 2] = 1, 2, 2
    for cell, kernel, of_units in zip(cells, kernels, recurrent, strict=True):
        cell.kernel.assign(kernel)
        cell.recurrent_kernel.assign(of_units)
    found = state(model)
    worth = by_norm(found)[named(found, "both")]
    assert sorted(worth[:3]) == pytest.approx([1 / 9, 4 / 8, 1]) and worth[0] == pytest.approx(1 / 9)
    assert not worth[3:].any()


def test_all_that_reads_a_recurrent_unit_counts_by_taylor(network, state):
    """The rows of both directions, and those of the layer behind; with gradients of one, the change is the sum of the weights."""
    model = network("recurrent")
    found = state(model)
    both, after = model.get_layer("both"), np.asarray(model.get_layer("last").cell.kernel)
    own = [np.asarray(getattr(both, name).cell.recurrent_kernel) for name in ("forward_layer", "backward_layer")]
    worth = by_taylor(found, lambda variables: [[np.ones(one.shape) for one in variables]])[named(found, "both")]
    rows = [own[0][2], own[1][2], after[2], after[8 + 2]]
    assert worth[2] == pytest.approx(abs(sum(row.sum() for row in rows)), rel=1e-4)


def test_a_layer_that_nobody_listens_to_is_worth_nothing_by_taylor(classifier, state, training):
    model = classifier()
    kernel = model.get_layer("outer").kernel.numpy()
    kernel[..., 4:, :] = 0
    model.get_layer("outer").kernel.assign(kernel)
    found, fit = state(model), training()
    worth = by_taylor(found, lambda kernels: fit.gradients(model, kernels))[named(found, "inner")]
    assert not worth[4:].any() and worth[:4].all()


def test_a_number_of_a_head_is_worth_by_taylor_what_the_loss_changes_without_the_key_that_makes_it(
    network, state, tools
):
    """A hundredth of the key's filters is taken away, in both heads, and the loss is computed again; by norm the query counts, too."""
    model = network("attention")
    found = state(model)
    place = named(found, "key")
    key, (group, keras) = model.get_layer("key"), (found.groups[place], tools.keras3)
    pictures = np.random.default_rng(1).normal(size=(64, 8, 8, 3)).astype("float32")

    def loss():
        return keras.ops.mean(keras.ops.square(model(pictures, training=False)))

    def slopes(kernels):
        with tools.tf.GradientTape() as tape:
            found = loss()
        yield [np.asarray(one) for one in tape.gradient(found, [kernel.value for kernel in kernels])]

    worth = by_taylor(found, slopes)[place]
    assert group.size == 8 and {call.name for call in group.makers} == {"query", "key"} and not group.readers
    kernel, before = key.kernel.numpy(), float(loss())
    for channel in (int(worth.argmax()), int(np.argsort(worth)[4])):
        less = kernel.copy()
        less[:, [channel, 8 + channel]] *= 0.9
        key.kernel.assign(less)
        assert abs(float(loss()) - before) * 10 == pytest.approx(worth[channel], rel=0.2, abs=1e-5)
    model.get_layer("query").kernel.assign(np.where(np.arange(16) % 8 == 3, 0, kernel))
    key.kernel.assign(np.where(np.arange(16) % 8 == 3, 0, kernel))
    worth = by_norm(state(model))[place]
    assert worth[3] == 0 < np.delete(worth, 3).min()


def test_a_kernel_that_reads_channels_and_makes_keys_counts_for_both_by_taylor(network, state):
    """With gradients of one, a change is the sum of the weights: rows of three kernels, or columns of the key's."""
    model = network("attention")
    found = state(model)
    worth = by_taylor(found, lambda variables: [[np.ones(one.shape) for one in variables]])
    query, key, value = (np.asarray(model.get_layer(name).kernel) for name in ("query", "key", "value"))
    rows = np.abs(sum(kernel.sum(axis=1) for kernel in (query, key, value)))
    np.testing.assert_allclose(worth[named(found, "stem")], rows, rtol=1e-3, atol=1e-5)
    columns = np.abs(key.sum(axis=0).reshape(2, 8).sum(axis=0))
    np.testing.assert_allclose(worth[named(found, "key")], columns, rtol=1e-3, atol=1e-5)
