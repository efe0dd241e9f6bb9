"""Rounds of cutting and training: the goal, the names, the floors, the probe, and the accuracy that comes back."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.cost.work_time import WorkTime
from edgekit.errors import ProjectError
from edgekit.techniques.narrowing.counted import of_model
from edgekit.techniques.narrowing.cutter import Cutter, Plan
from edgekit.techniques.narrowing.rounds import narrowed_in_rounds

pytestmark = pytest.mark.tf
HALF = Plan(
    budget="parameters", left=0.5, whole=0, criterion="norm", ranking="global", rounds=1, multiple=4, exclude=()
)


def widths(model):
    return {layer.name: layer.kernel.shape[-1] for layer in model.layers if hasattr(layer, "kernel")}


def test_half_of_the_weights_go_in_rounds_and_the_accuracy_comes_back(tools, classifier, training, accuracy):
    model = classifier()
    training(epochs=6).fit(model)
    before, whole, names = accuracy(model), of_model(model, "parameters"), [layer.name for layer in model.layers]
    fit = training(epochs=6)
    narrow = narrowed_in_rounds(tools, model, HALF._replace(rounds=3, criterion=None), fit)
    assert of_model(narrow, "parameters") <= whole / 2
    assert [layer.name for layer in narrow.layers] == names
    assert accuracy(narrow) >= before - 0.05 > 0.8
    assert fit.note.startswith("channels ranked by ") and " by norm" in fit.note and "6 epochs (of 6)" in fit.note


@pytest.mark.parametrize("criterion", ["norm", "scale", "taylor"])
@pytest.mark.parametrize("ranking", ["global", "uniform"])
def test_each_criterion_meets_the_goal_in_whole_multiples(tools, classifier, training, criterion, ranking):
    model = classifier()
    whole = of_model(model, "parameters")
    narrow = narrowed_in_rounds(tools, model, HALF._replace(criterion=criterion, ranking=ranking), training())
    assert of_model(narrow, "parameters") <= whole / 2
    assert all(size % 4 == 0 for size in widths(narrow).values())
    assert widths(narrow)["stem"] == widths(narrow)["outer"] and widths(narrow)["head"] == 4


@pytest.mark.parametrize("budget", ["macs", "activations"])
def test_another_budget_is_met(tools, classifier, training, budget):
    model = classifier()
    whole = of_model(model, budget)
    narrow = narrowed_in_rounds(tools, model, HALF._replace(budget=budget), training())
    assert of_model(narrow, budget) <= whole / 2


@pytest.mark.parametrize("byte_ns", [1, 100])
def test_half_of_the_latency_is_left_of_which_a_part_is_fixed(tools, classifier, training, byte_ns):
    """By the side of computing, or by that of reading and writing."""
    time = WorkTime(inference_ns=0, operator_ns=0, mac_ns=1, byte_ns=byte_ns)
    model = classifier()
    work = of_model(model, "latency", time)
    fixed = work // 10
    plan = HALF._replace(budget="latency", time=time, fixed=fixed, whole=work + fixed)
    for whole in (work + fixed, 0):
        narrow = narrowed_in_rounds(tools, classifier(), plan._replace(whole=whole), training())
        left = of_model(narrow, "latency", time)
        assert left + fixed <= (work + fixed) / 2 and left > 0.25 * work


def test_a_layer_that_nobody_listens_to_is_cut_to_its_floor_and_the_others_are_spared(tools, classifier, training):
    model = classifier()
    training(epochs=3).fit(model)
    kernel = model.get_layer("outer").kernel.numpy()
    kernel[..., 4:, :] *= 1e-4
    model.get_layer("outer").kernel.assign(kernel)
    narrow = narrowed_in_rounds(tools, model, HALF._replace(criterion="taylor", left=0.62), training())
    assert widths(narrow) == {"stem": 16, "inner": 4, "outer": 16, "last": 24, "head": 4}


def test_no_group_falls_below_its_floor(tools, classifier, training):
    narrow = narrowed_in_rounds(tools, classifier(), HALF._replace(left=0.01, rounds=2), training())
    assert widths(narrow) == {"stem": 4, "inner": 4, "outer": 4, "last": 4, "head": 4}


def test_groups_between_the_same_layers_have_their_own_floors(tools, layers, state):
    """Behind a shuffle of two rows of 33, sixteen pairs of places can go, and the middle one: it lies in both groups of the next convolution.

    An eighth of the sixteen is two, eight channels of the layer that makes them; the middle one stays.
    """
    x = entry = tools.keras3.Input((4, 4, 6))
    x = layers.Conv2D(66, 1, groups=2, name="inner")(x)
    x = layers.Permute((1, 2, 4, 3))(layers.Reshape((4, 4, 2, 33))(x))
    x = layers.Conv2D(6, 1, groups=2, name="outer")(layers.Reshape((4, 4, 66))(x))
    found = state(tools.keras3.Model(entry, x))
    assert [(group.size, group.each) for group in found.groups] == [(16, 4), (1, 2)]
    cutter = Cutter(tools, found, HALF)
    assert cutter.staying(found, [np.ones(16), np.ones(1)], 0.01) == [2, 1]


def test_layers_that_are_left_out_keep_their_shapes(tools, classifier, training):
    model = classifier()
    shapes = {layer.name: tuple(layer.kernel.shape) for layer in model.layers if hasattr(layer, "kernel")}
    narrow = narrowed_in_rounds(tools, model, HALF._replace(left=0.7, exclude=("inner",)), training())
    assert tuple(narrow.get_layer("inner").kernel.shape) == shapes["inner"]
    assert tuple(narrow.get_layer("last").kernel.shape) != shapes["last"]


def test_what_is_planned_beyond_what_is_counted_stays(tools, classifier, training):
    """A thousand weights in layers that are not known: half of all is less than half of the others."""
    whole = of_model(classifier(), "parameters")
    narrow = narrowed_in_rounds(tools, classifier(), HALF._replace(whole=whole + 1000), training())
    assert of_model(narrow, "parameters") + 1000 <= (whole + 1000) / 2


def test_a_scale_that_is_not_there_is_no_criterion(tools, classifier, training):
    with pytest.raises(ProjectError, match=r"cannot be ranked by scale.*: stem, inner, last have none") as caught:
        narrowed_in_rounds(tools, classifier(normalized=False), HALF._replace(criterion="scale"), training())
    assert "needs none" in caught.value.next_step
    fit = training()
    narrowed_in_rounds(tools, classifier(normalized=False), HALF._replace(criterion=None), fit)
    assert "(norm)" in fit.note and "by taylor" in fit.note and "scale" not in fit.note


def test_without_time_the_cuts_are_made_and_the_note_says_what_was_cut(tools, classifier, training):
    model = classifier()
    whole = of_model(model, "parameters")
    fit = training(until=0.0, epochs=4)
    narrow = narrowed_in_rounds(tools, model, HALF._replace(rounds=3), fit)
    assert of_model(narrow, "parameters") <= whole / 2
    assert fit.cut == "stopped by the time budget at step 1 of 32" and fit.note.endswith(fit.cut)


def test_a_model_without_channels_that_can_go_is_trained_as_it_is(tools, layers, training):
    """A chain of one's own is tried whatever is predicted: the evidence says that nothing went."""
    entry = tools.keras3.Input((8, 8, 3))
    model = tools.keras3.Model(entry, layers.Dense(4, activation="softmax", name="head")(layers.Flatten()(entry)))
    narrow = narrowed_in_rounds(tools, model, HALF._replace(criterion=None, rounds=2), training())
    assert of_model(narrow, "parameters") == of_model(model, "parameters") == 8 * 8 * 3 * 4
