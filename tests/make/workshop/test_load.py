"""Loading and normalising: every kind of model that is accepted answers as its own Keras did, down to the `.tflite`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgekit.ingest.objects import keep_model
from edgekit.jobs.cache import Cache
from edgekit.measure.runtimes.interface import Refused
from edgekit.measure.runtimes.litert import LiteRt

pytestmark = pytest.mark.tf
REBUILT_TOLERANCE = 1e-5
FILE_TOLERANCE = 1e-4  # LiteRT's kernels sum in another order than TensorFlow's

FORMATS = {
    "keras3.keras": ".keras of Keras 3",
    "keras3_h5.h5": ".h5 of Keras 3",
    "tf_keras.keras": ".keras of Keras 2",
    "tf_keras_h5.h5": ".h5 of Keras 2",
    "tf_keras_saved_model": "SavedModel of Keras 2",
}
REBUILT = [
    *FORMATS,
    "keras3_nested.keras",
    "keras3_several.keras",
    "keras3_mobile.keras",
    "keras3_recurrent.keras",
    "keras3_gru.keras",
    "keras3_attention.keras",
    "keras3_ops.keras",
    "keras3_tokens.keras",
    "keras3_augmented.keras",
    "tf_keras_nested_h5.h5",
    "tf_keras_several_saved_model",
    "tf_keras_ops_h5.h5",
    "tf_keras_recurrent_h5.h5",
]
SLOW_TO_CONVERT = ("keras3_recurrent.keras", "tf_keras_recurrent_h5.h5", "keras3_tokens.keras")  # 5 to 15 s each


def answers(tflite: Path, inputs: list[np.ndarray]) -> list[np.ndarray]:
    """What a `.tflite` answers to samples one by one; the names of its signature say which input is which."""
    session = LiteRt().open(tflite)
    assert not isinstance(session, Refused), session
    takes = [int(str(port.signature).removeprefix("in_")) for port in session.inputs]
    gives = [int(str(port.signature).removeprefix("out_")) for port in session.outputs]
    rows = [session.run([inputs[index][row : row + 1] for index in takes]) for row in range(len(inputs[0]))]
    columns = [np.concatenate(column) for column in zip(*rows, strict=True)]
    return [columns[gives.index(index)] for index in range(len(gives))]


@pytest.mark.parametrize("source", REBUILT)
def test_it_answers_as_its_own_keras_did(shop, recorded, source):
    facts = shop.load(source)
    assert facts.rebuilt_error is not None and facts.rebuilt_error < REBUILT_TOLERANCE
    if source in SLOW_TO_CONVERT:
        return
    inputs, outputs = recorded(source.split(".")[0])
    found = answers(shop.convert(), inputs)
    assert len(found) == len(outputs)
    for ours, theirs in zip(found, outputs, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=FILE_TOLERANCE * np.abs(theirs).max())


def test_an_object_of_the_callers_own_keras_is_kept_loaded_and_converted(shop, tmp_path):
    from edgekit.make.workshop.door import door

    layers, samples = door().keras.layers, np.random.default_rng(0).random((4, 8, 8, 1)).astype(np.float32)
    network = [layers.Input((8, 8, 1)), layers.Conv2D(4, 3, activation="relu"), layers.Flatten(), layers.Dense(4)]
    model = door().keras.Sequential(network)
    kept = keep_model(model, Cache(tmp_path / "cache"))
    facts = shop.load(kept.source)
    assert (facts.format, facts.output_kinds) == (".keras of Keras 2", ("linear",))
    (found,) = answers(shop.convert(), [samples])
    np.testing.assert_allclose(found, model(samples).numpy(), atol=FILE_TOLERANCE)


@pytest.mark.parametrize(("source", "kind"), FORMATS.items())
def test_the_facts_say_what_it_was_and_its_loss(shop, source, kind):
    facts = shop.load(source)
    assert (facts.format, facts.losses) == (kind, ("sparse_categorical_crossentropy",))
    assert [tensor.shape for tensor in facts.inputs] == [(8, 8, 1)]
    assert [tensor.shape for tensor in facts.outputs] == [(3,)]
    assert facts.output_kinds == ("softmax",)
    convolution = 3 * 3 * 1 * 4 + 4
    dense = 3 * 3 * 4 * 3 + 3
    assert facts.parameters == convolution + 4 * 4 + dense
    assert facts.macs >= 6 * 6 * (3 * 3 * 1 * 4) + 3 * 3 * 4 * 3


@pytest.mark.parametrize("source", ["keras3_nested.keras", "tf_keras_nested_h5.h5"])
def test_nested_models_are_flat_and_shared_layers_stay_shared(shop, source):
    facts = shop.load(source)
    kinds = [layer.kind for layer in facts.layers]
    assert kinds.count("Conv2D") == 1
    assert not {"Sequential", "Functional", "Model"} & set(kinds)
    assert facts.parameters == (3 * 3 * 2 * 3 + 3) + (2 * 3 * 3 + 3)


def test_inputs_and_outputs_keep_their_names_and_order(shop):
    for source in ("keras3_several.keras", "tf_keras_several_saved_model"):
        assert [tensor.name for tensor in shop.load(source).inputs] == ["b", "a"]


@pytest.mark.parametrize(
    ("source", "kind", "loss"),
    [
        ("functions:keras3", "function, Keras 3", None),
        ("functions:tf_keras_model", "function, tf_keras", "mean_squared_error"),
    ],
)
def test_a_function_of_either_keras(shop, source, kind, loss):
    facts = shop.load(source)
    assert (facts.format, facts.losses, facts.parameters) == (kind, (loss,), 4 * 5 + 5 + 5 * 2 + 2)
    assert facts.rebuilt_error is not None and facts.rebuilt_error < REBUILT_TOLERANCE


@pytest.mark.parametrize(
    ("source", "losses"),
    [
        ("functions:two_losses", ("sparse_categorical_crossentropy", 'huber {"delta": 5.0}')),
        ("functions:own_loss", (None,)),
        ("functions:smoothed", ('categorical_crossentropy_from_logits {"label_smoothing": 0.25}',)),
    ],
)
def test_the_compiled_losses_come_with_their_settings_one_an_output(shop, source, losses):
    assert shop.load(source).losses == losses


def test_the_same_model_is_stored_the_same_after_another(shop):
    """Names and weights in the worker's file do not depend on what the worker loaded before."""
    shop.load("keras3_nested.keras")
    first = shop.convert().read_bytes()
    shop.load("keras3_ops.keras")
    shop.load("keras3_nested.keras")
    assert shop.convert().read_bytes() == first


@pytest.mark.parametrize(("source", "module"), [("keras3_twin.keras", "twins"), ("tf_keras_custom_h5.h5", "tf_custom")])
def test_a_custom_layer_of_an_imported_module(shop, recorded, source, module):
    facts = shop.load(source, imports=[module])
    assert facts.rebuilt_error is not None and facts.rebuilt_error < REBUILT_TOLERANCE
    inputs, outputs = recorded(source.split(".")[0])
    np.testing.assert_allclose(answers(shop.convert(imports=[module]), inputs)[0], outputs[0], rtol=1e-5)


LAMBDAS = ["keras3_lambda.keras", "tf_keras_lambda.keras", "tf_keras_lambda_h5.h5", "tf_keras_lambda_saved_model"]


@pytest.mark.parametrize("source", LAMBDAS)
def test_a_trusted_lambda_answers_as_it_did(shop, recorded, source):
    shop.load(source, trust=True)
    inputs, outputs = recorded(source.split(".")[0])
    np.testing.assert_allclose(answers(shop.convert(), inputs)[0], outputs[0], rtol=1e-5)


@pytest.mark.parametrize(
    ("source", "imports", "closed"),
    [
        ("functions:subclassed", [], ()),
        ("functions:nested_subclassed", [], ()),
        ("keras3_twinless.keras", ["twinless"], ("alone",)),
    ],
)
def test_a_subclassed_model_and_a_custom_layer_are_kept_as_keras_3(shop, source, imports, closed):
    """It is converted by the same job, from the `.keras` file that the loading wrote."""
    facts = shop.load(source, imports=imports)
    assert facts.closed == closed
    assert (shop.target / "model.keras").is_file()
    assert any("kept closed" in note for note in facts.notes) == bool(closed)
    assert shop.convert("float32", imports=imports).is_file()
