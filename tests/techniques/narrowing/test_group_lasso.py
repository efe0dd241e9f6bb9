"""Channels that are trained to be worth nothing: they become zero as their schedule asks, and the cut then loses less than one without."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.keras_graph.flat_graph import read_graph
from edgekit.techniques.narrowing.counted import of_model
from edgekit.techniques.narrowing.cutter import Cutter, Plan
from edgekit.techniques.narrowing.group_lasso import PULLED, GroupPull, narrowed_by_group_lasso, norms, scale
from edgekit.techniques.narrowing.importance import by_norm, state_of

pytestmark = pytest.mark.tf
HALF = Plan(budget="parameters", left=0.5, whole=0, criterion=None, ranking="global", rounds=3, multiple=4, exclude=())


class Looked:
    """Trains by the training that it is given, and remembers each model's loss before a training."""

    def __init__(self, training):
        self._training, self.losses = training, []

    def fit(self, model, constraint=None, *, share=1.0):
        self.losses.append(self._training.loss(model))
        self._training.fit(model, constraint, share=share)

    def __getattr__(self, name):
        return getattr(self._training, name)


def test_the_cut_loses_less_than_the_same_share_cut_by_norm(tools, classifier, training, accuracy):
    model = classifier()
    training(epochs=6).fit(model)
    before, whole, names = accuracy(model), of_model(model, "parameters"), [layer.name for layer in model.layers]
    state = state_of(read_graph(tools, model))
    cutter = Cutter(tools, state, HALF)
    by_norm_alone = training().loss(cutter.model(cutter.cut(state, by_norm(state), HALF.left)))
    weights = model.get_weights()
    training(epochs=6).fit(model, share=PULLED)
    state = state_of(state.graph)
    trained_alike = training().loss(cutter.model(cutter.cut(state, by_norm(state), HALF.left)))
    model.set_weights(weights)
    fit = Looked(training(epochs=6))
    narrow = narrowed_by_group_lasso(tools, model, HALF, fit)
    first, after_the_cut = fit.losses
    assert after_the_cut < 0.8 * min(by_norm_alone, trained_alike)
    assert f"the training loss was {first:.4g} and is {after_the_cut:.4g} after the cut" in fit.note
    assert of_model(narrow, "parameters") <= whole / 2
    assert [layer.name for layer in narrow.layers] == names
    assert accuracy(narrow) >= before - 0.05 > 0.8


@pytest.mark.parametrize("name", ["flattened", "residual", "mobile", "joined", "recurrent"])
def test_channels_become_zero_against_random_steps_and_no_more_than_are_to_go(network, state, name):
    """As Adam's steps are for weights that do not matter; before anything is set to zero at the end."""
    groups, steps, generator = state(network(name)).groups, 100, np.random.default_rng(0)
    assert groups
    worth = [generator.uniform(0.5, 1.5, group.size) for group in groups]
    pulls = [GroupPull(group, own, group.size // 2, steps) for group, own in zip(groups, worth, strict=True)]
    for step in range(1, steps + 21):
        for kernel in {
            id(read.weight.variable): read.weight.variable for group in groups for read in group.reads
        }.values():
            kernel.assign(np.asarray(kernel) + 1e-3 * generator.normal(size=kernel.shape).astype("float32"))
        for pull in pulls:
            pull.step(step)
        if step == steps // 10:
            assert sum((norms(group) == 0).sum() for group in groups) < sum(group.size for group in groups) / 3
    for group in groups:
        assert (norms(group) == 0).sum() == group.size - group.size // 2


def test_a_channel_that_the_loss_makes_larger_takes_the_place_of_another(network, state):
    (group, *_) = state(network("flattened")).groups
    worth = np.ones(group.size)
    worth[0] = 0.5
    pull = GroupPull(group, worth, group.size - 1, 50)
    for step in range(1, 61):
        pull.step(step)
        scale(group, np.where(np.arange(group.size) == 0, 1.5 if step < 20 else 1.0, 1.0))
    assert norms(group)[0] > 0 and (norms(group) == 0).sum() == 1


@pytest.mark.parametrize("name", ["flattened", "residual", "mobile", "joined", "recurrent", "shuffled", "attention"])
def test_a_channel_that_nobody_reads_goes_without_a_change(tools, network, state, name):
    model = network(name)
    found = state(model)
    for group in found.groups:
        scale(group, np.where(np.arange(group.size) % 2, 1.0, 0.0))
    pictures = np.random.default_rng(1).normal(size=(4, 8, 8, 3)).astype("float32")
    expected = np.asarray(model(pictures, training=False))
    found = state(model)
    worth = [norms(group) for group in found.groups]
    assert all((one == 0).sum() == (one.size + 1) // 2 for one in worth)
    cutter = Cutter(tools, found, HALF)
    narrow = cutter.model(cutter.cut_to(found, worth, [int((one > 0).sum()) for one in worth]))
    assert of_model(narrow, "parameters") < 0.6 * of_model(model, "parameters")
    np.testing.assert_allclose(np.asarray(narrow(pictures, training=False)), expected, rtol=1e-3, atol=1e-4)


def test_what_is_left_out_is_not_drawn(tools, classifier, training):
    model = classifier()
    shapes = {layer.name: tuple(layer.kernel.shape) for layer in model.layers if hasattr(layer, "kernel")}
    narrow = narrowed_by_group_lasso(tools, model, HALF._replace(left=0.7, exclude=("inner",)), training())
    assert tuple(narrow.get_layer("inner").kernel.shape) == shapes["inner"]
    assert tuple(narrow.get_layer("last").kernel.shape) != shapes["last"]


def test_a_model_without_channels_that_can_go_is_trained_as_it_is(tools, layers, training):
    entry = tools.keras3.Input((8, 8, 3))
    model = tools.keras3.Model(entry, layers.Dense(4, activation="softmax", name="head")(layers.Flatten()(entry)))
    narrow = narrowed_by_group_lasso(tools, model, HALF, training())
    assert of_model(narrow, "parameters") == of_model(model, "parameters") == 8 * 8 * 3 * 4
