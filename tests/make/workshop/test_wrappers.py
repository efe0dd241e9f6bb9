"""Models saved with TFMOT's wrappers: taken off with their weights kept, or refused with what to do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edgekit.errors import ModelError
from edgekit.make.workshop.wrappers import wrapped_by
from edgekit.measure.runtimes.interface import Refused
from edgekit.measure.runtimes.litert import LiteRt

pytestmark = pytest.mark.tf
QUANTIZED = "quantization-aware training"
CONVOLUTION, NORM, DEPTH, HIDDEN, HEAD = 3 * 3 * 4 + 4, 4 * 4, 3 * 3 * 4 + 4, 4 * 4 * 4 * 8 + 8, 8 * 3 + 3
PARAMETERS = CONVOLUTION + NORM + DEPTH + HIDDEN + HEAD


@pytest.fixture(scope="module")
def wrapped(shared) -> Path:
    def make(folder: Path) -> None:
        command = [sys.executable, str(Path(__file__).parent / "make_wrapped.py"), str(folder)]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-4000:]

    return shared("wrapped", make)


def weights_of(path: Path) -> dict[str, np.ndarray]:
    """The weights of a stored Keras 3 model by layer and name, as Keras 2 named them."""
    from edgekit.make.workshop.door import door

    found = door().keras3.saving.load_model(path, compile=False)
    names = {f"{layer.name}|{weight.name}:0": np.asarray(weight) for layer in found.layers for weight in layer.weights}
    return {key.replace("depth|kernel", "depth|depthwise_kernel"): value for key, value in names.items()}


def answers(tflite: Path, samples: np.ndarray) -> np.ndarray:
    session = LiteRt().open(tflite)
    assert not isinstance(session, Refused), session
    return np.concatenate([session.run([samples[row : row + 1]])[0] for row in range(len(samples))])


@pytest.mark.parametrize("kind", ["h5", "keras", "saved_model"])
@pytest.mark.parametrize(("name", "training"), [("pruned", "pruning"), ("clustered", "clustering")])
def test_what_pruning_and_clustering_left_answers_as_it_did_under_its_wrappers(shop, wrapped, name, training, kind):
    source = wrapped / (f"{name}_saved_model" if kind == "saved_model" else f"{name}.{kind}")
    facts = shop.load(str(source))
    assert facts.stripped == (training,) and training in facts.notes[0]
    assert facts.parameters == PARAMETERS, "no masks, thresholds, centroids or indices"
    assert {layer.kind for layer in facts.layers}.isdisjoint({"PruneLowMagnitude", "ClusterWeights"})
    kernel = weights_of(shop.target / "model.keras")["hidden|kernel:0"]
    if name == "pruned":
        assert (kernel == 0).mean() == 0.5
    else:
        assert len(np.unique(kernel)) <= 4
    with np.load(wrapped / f"{name}.npz") as known:
        np.testing.assert_allclose(answers(shop.convert(), known["x"]), known["y"], atol=1e-4)


@pytest.mark.parametrize("source", ["quantized.h5", "quantized_saved_model", "annotated.h5"])
def test_fake_quantization_is_taken_off_and_every_float_weight_is_kept(shop, wrapped, source):
    facts = shop.load(str(wrapped / source))
    assert facts.stripped == (QUANTIZED,) and "calibration" in facts.notes[0]
    assert facts.parameters == PARAMETERS
    activations = {layer.name: layer.activation for layer in facts.layers}
    assert (activations["conv"], activations["hidden"], activations["head_softmax"]) == ("linear", "relu", "softmax")
    ours = weights_of(shop.target / "model.keras")
    with np.load(wrapped / f"{source.split('.')[0].split('_')[0]}.npz") as known:
        assert len(ours) == 2 + 4 + 2 + 2 + 2
        for key, value in ours.items():
            np.testing.assert_array_equal(value, known[key], err_msg=key)
        float_answers = answers(shop.convert(), known["x"])
        assert np.abs(float_answers - known["y"]).max() < 0.1, "apart by the rounding of 8 bits"


def test_wrappers_in_a_nested_model(shop, wrapped):
    facts = shop.load(str(wrapped / "nested.h5"))
    assert facts.stripped == ("pruning",)
    assert facts.parameters == CONVOLUTION + 6 * 6 * 4 * 3 + 3
    with np.load(wrapped / "nested.npz") as known:
        np.testing.assert_allclose(answers(shop.convert(), known["x"]), known["y"], atol=1e-4)


def test_a_function_that_returns_a_wrapped_model(shop):
    facts = shop.load("wrapped:pruned")
    assert facts.stripped == ("pruning",) and facts.parameters == 64 * 3 + 3


def test_a_keras_file_with_fake_quantization_is_explained(shop, wrapped):
    with pytest.raises(ModelError) as refused:
        shop.load(str(wrapped / "quantized.keras"))
    said = str(refused.value)
    assert "TFMOT itself cannot load" in said and "model.save('model.h5')" in said


def test_a_model_without_wrappers_has_no_note(shop):
    facts = shop.load("tf_keras_h5.h5")
    assert (facts.stripped, tuple(note for note in facts.notes if not note.startswith("model: "))) == ((), ())


def test_wrappers_are_seen_by_their_registered_names_too():
    config = {"layers": [{"class_name": "Vendor>QuantizeWrapperV2"}, {"class_name": "Dense", "config": {"a": ()}}]}
    assert wrapped_by(config) == (QUANTIZED,)
    assert wrapped_by({"class_name": "Dense"}) == ()
