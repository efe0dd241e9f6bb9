"""The evidence of a student: kernels counted by size, in a model and in a file, its own and not another network's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgekit.cost.graph import Graph, Node
from edgekit.techniques import technique
from edgekit.tflite.reader import read_tflite

GOLDEN = Path(__file__).parent.parent / "golden"
METHOD = technique("student")
SETTINGS = METHOD.settings_type(network="mine:small", sha256="ab" * 32, parameters=475, kernels=(36, 432))


@pytest.mark.parametrize(
    ("kernels", "parameters", "holds"),
    [
        ((36, 432), 475, True),
        ((36, 433), 475, False),
        ((36, 36, 432), 600, False),
        ((432,), 475, True),
        ((36, 432), 467, False),
    ],
)
def test_the_file_has_each_kernel_and_no_more_weights_than_the_student(kernels, parameters, holds):
    chosen = METHOD.settings_type(parameters=parameters, kernels=kernels)
    found = METHOD.ensures(read_tflite(GOLDEN / "int8_float_fallback.tflite"), chosen)
    assert found.holds is holds, found.detail
    assert "468 weights in all" in found.detail


def test_without_an_offer_it_changes_nothing_and_says_why():
    graph = Graph(inputs={"x": 4}, nodes=(Node(name="a", inputs=("x",), elements=2),), outputs=("a",))
    assert METHOD.effect(graph, SETTINGS) == graph and "names no student" in METHOD.requires(graph, SETTINGS)


def test_it_says_that_the_file_is_another_network_and_which():
    told = METHOD.told(SETTINGS)
    assert (
        "another network than the model: mine:small (475 parameters, sha256 abababababab)" in told
        and "by data alone" in told
    )
    assert all(
        technique(name).told(technique(name).settings_type()) == "" for name in ("int8", "pruning", "fine_tuning")
    )


def test_a_model_with_more_weights_or_other_kernels_is_not_the_student():
    from edgekit.make.workshop.door import door

    keras = door().keras3

    def dense(*units: int):
        layers = [keras.layers.Dense(count) for count in units]
        return keras.Sequential([keras.Input((9,)), *layers])

    def shown(model, *kernels: int):
        return METHOD.ensures_in_model(None, model, METHOD.settings_type(kernels=kernels))

    assert shown(dense(4, 12), 36, 48).detail == "2 kernels of 84 weights, those of the student"
    narrowed = shown(dense(3, 12), 36, 48)
    assert narrowed.holds and narrowed.detail == "2 kernels of 63 weights; the student has 2 of 84"
    assert not shown(dense(4, 12, 2), 36, 48).holds
    assert not shown(dense(12, 4), 36, 48).holds, "108 and 48"


class _Revives:
    """Trains as far as the test needs it: every weight gets a value of its own."""

    def fit(self, model, constraint=None) -> None:
        generator = np.random.default_rng(0)
        model.set_weights([generator.uniform(0.5, 1.5, weight.shape) for weight in model.get_weights()])


def test_what_looks_dead_before_training_stays_and_normalization_is_folded_after_it():
    """A scale of zero is how a branch may begin; a normalization before a convolution is what training needs."""
    from edgekit.make.workshop.door import door
    from edgekit.make.workshop.flatten import flat_graph, flatten

    tools = door()
    layers = tools.keras3.layers
    x = given = tools.keras3.Input((8, 8, 2))
    for layer in (
        layers.Conv2D(4, 3, activation="relu", name="first"),
        layers.BatchNormalization(name="normal"),
        layers.Conv2D(6, 3, name="second"),
        layers.BatchNormalization(name="scale"),
        layers.ReLU(),
        layers.GlobalAveragePooling2D(),
        layers.Dense(3, name="head"),
    ):
        x = layer(x)
    model = tools.keras3.Model(given, x)
    model.get_layer("scale").gamma.assign([0, 1, 0, 1, 0, 1])
    graph = flat_graph(tools, model, where="")

    def shapes(model) -> dict[str, tuple[int, ...]]:
        return {layer.name: tuple(layer.weights[0].shape) for layer in model.layers if layer.weights}

    assert shapes(flatten(tools, graph, where="").model)["second"] == (3, 3, 4, 3), "as of a trained model"
    student = flatten(tools, graph, where="", to_train=True).model
    whole = {"first": (3, 3, 2, 4), "normal": (4,), "second": (3, 3, 4, 6), "scale": (6,), "head": (6, 3)}
    assert shapes(student) == whole
    after = METHOD.apply(tools, student, SETTINGS, _Revives(), ())
    assert shapes(after) == {name: shape for name, shape in whole.items() if name != "normal"}
    pictures = np.random.default_rng(1).normal(size=(4, 8, 8, 2)).astype("float32")
    np.testing.assert_allclose(after([pictures]), student([pictures]), rtol=1e-4)
