"""A softmax or sigmoid at a dequantized output is computed in float32: the same operators, and shares of more than 256 values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.make.workshop.file_model import FileModel
from edgekit.techniques.integer import whole_integer
from edgekit.tflite.diet.whole import dieted
from edgekit.tflite.float_ends import float_ends, with_float_ends
from edgekit.tflite.free_batch import free_batch
from edgekit.tflite.model import ABSENT, TfliteModel
from edgekit.tflite.reader import parse_tflite

pytestmark = pytest.mark.tf
CLASSES, SAMPLES = 40, 6


@pytest.fixture(scope="module")
def network(tools: Any) -> Any:
    """A network with an inner sigmoid and three outputs: a softmax, a sigmoid that is reshaped, and one without a curve."""
    tools.fresh(3)
    layers = tools.keras3.layers
    entry = tools.keras3.Input((12,))
    x = layers.Dense(16, activation="sigmoid")(entry)
    classes = layers.Dense(CLASSES, activation="softmax")(x)
    mask = layers.Reshape((4, 6))(layers.Dense(24, activation="sigmoid")(x))
    return tools.keras3.Model(entry, [classes, mask, layers.Dense(3)(x)])


@pytest.fixture(scope="module")
def x() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(SAMPLES, 12)).astype(np.float32)


def converted(tools: Any, network: Any, x: np.ndarray, dtype: str = "float32") -> TfliteModel:
    """As the converter writes it, with a free batch."""
    tf = tools.tf
    serve = tf.function(lambda given: network(given), input_signature=[tf.TensorSpec((1, 12), tf.float32)])
    function, holder = serve.get_concrete_function(), tf.Module()
    holder.variables_of_the_function = function.variables
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], holder)
    converter.experimental_enable_resource_variables = True
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([row[None]] for row in x)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = getattr(tf, dtype)
    return parse_tflite(free_batch(converter.convert()), where="the file")


@pytest.fixture(scope="module")
def before(tools: Any, network: Any, x: np.ndarray) -> TfliteModel:
    return converted(tools, network, x)


@pytest.fixture(scope="module")
def after(before: TfliteModel) -> TfliteModel:
    return parse_tflite(with_float_ends(before.content), where="the file")


def test_the_same_operators_in_another_order(before: TfliteModel, after: TfliteModel) -> None:
    assert sorted(one.name for one in after.operators) == sorted(one.name for one in before.operators)
    assert [one.name for one in float_ends(before)] == []
    assert sorted(one.name for one in float_ends(after)) == ["LOGISTIC", "RESHAPE", "SOFTMAX"]
    assert after.outputs == before.outputs
    assert {one.name for one in after.operators if after.tensors[one.outputs[0]].dtype == "int8"} >= {
        "LOGISTIC",  # the inner one
        "FULLY_CONNECTED",
    }


def test_every_tensor_is_made_before_it_is_taken(after: TfliteModel) -> None:
    made = {ABSENT, *after.inputs} | {index for index, tensor in enumerate(after.tensors) if tensor.constant}
    for operator in after.operators:
        assert {*operator.inputs} <= made
        made |= {*operator.outputs}


def test_shares_keep_their_digits(network: Any, before: TfliteModel, after: TfliteModel, x: np.ndarray) -> None:
    """A fortieth each is 6 or 7 of 256 steps; the file's errors are then those of the logits alone."""
    right = {one.shape: one for one in (np.asarray(array) for array in network(x))}
    for index, wanted, share in ((CLASSES, (SAMPLES, CLASSES), 0.5), (6, (SAMPLES, 4, 6), 0.8)):
        errors = []
        for file in (before, after):
            found = next(one for one in FileModel(file).answers([x]) if one.shape[-1] == index)
            errors.append(float(np.abs(found - right[wanted]).mean()))
            if file is after and index == CLASSES:
                np.testing.assert_allclose(found.sum(-1), 1, atol=1e-5)
        assert errors[1] < share * errors[0]


def test_an_output_without_a_curve_is_the_same(before: TfliteModel, after: TfliteModel, x: np.ndarray) -> None:
    plain, moved = (next(one for one in FileModel(file).answers([x]) if one.shape[-1] == 3) for file in (before, after))
    np.testing.assert_array_equal(plain, moved)


def test_the_file_can_be_put_on_a_diet_and_resized(after: TfliteModel, x: np.ndarray) -> None:
    from ai_edge_litert.interpreter import Interpreter

    slim = dieted(after.content, where="the file")
    assert slim.reason is None
    expected = FileModel(after).answers([x])
    interpreter = Interpreter(model_content=slim.content)
    interpreter.resize_tensor_input(interpreter.get_input_details()[0]["index"], (SAMPLES, 12))
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], x)
    interpreter.invoke()
    classes = next(one["index"] for one in interpreter.get_output_details() if one["shape"][-1] == CLASSES)
    wanted = next(one for one in expected if one.shape[-1] == CLASSES)
    np.testing.assert_allclose(interpreter.get_tensor(classes), wanted, atol=1e-6)


def test_it_is_evidence_of_int8_still(before: TfliteModel, after: TfliteModel) -> None:
    assert whole_integer(before) == (True, "4 of 4 kernels are int8; no float operator")
    holds, detail = whole_integer(after)
    assert holds
    assert (
        detail
        == "4 of 4 kernels are int8; no float operator but the LOGISTIC of an output and the SOFTMAX of an output"
    )


@pytest.mark.parametrize(("activation", "name"), [("tanh", "TANH"), ("log_softmax", "LOG_SOFTMAX")])
def test_other_curves_of_a_prescribed_scale(tools: Any, x: np.ndarray, activation: str, name: str) -> None:
    tools.fresh(4)
    layers = tools.keras3.layers
    entry = tools.keras3.Input((12,))
    y = layers.Dense(5)(layers.Dense(8, activation="relu")(entry))
    network = tools.keras3.Model(entry, layers.Activation(activation)(y))
    plain = converted(tools, network, x)
    moved = parse_tflite(with_float_ends(plain.content), where="the file")
    assert [one.name for one in float_ends(moved)] == [name]
    right = np.asarray(network(x))
    before, after = (np.abs(FileModel(one).answers([x])[0] - right).mean() for one in (plain, moved))
    assert after < before


def test_outputs_of_int8_stay(tools: Any, network: Any, x: np.ndarray) -> None:
    file = converted(tools, network, x, "int8")
    assert with_float_ends(file.content) == file.content


def test_what_else_takes_the_shares_keeps_them(tools: Any, x: np.ndarray) -> None:
    """A softmax that is an output and is computed with, too."""
    layers = tools.keras3.layers
    entry = tools.keras3.Input((12,))
    shares = layers.Dense(8, activation="softmax")(entry)
    file = converted(tools, tools.keras3.Model(entry, [shares, layers.Dense(3)(shares)]), x)
    assert with_float_ends(file.content) == file.content


def test_a_build_converts_so(tmp_path: Path, tools: Any, network: Any, x: np.ndarray) -> None:
    from edgekit.make.workshop.convert import convert
    from edgekit.make.workshop.store import save_model
    from edgekit.progress import no_progress

    from .test_lstm_scales import spooled

    save_model(network, tmp_path)
    job = {
        "model": str(tmp_path), "steps": [{"technique": "int8", "settings": {}}], "dataset": str(spooled(tmp_path / "data", x[:, :, None])),
        "samples": SAMPLES, "seed": 0, "root": str(tmp_path), "imports": [], "target": str(tmp_path), "inputs": ["x"], "outputs": ["a", "b", "c"],
    }  # fmt: skip
    assert convert(job, no_progress)["evidence"][0]["holds"]
    file = parse_tflite((tmp_path / "model.tflite").read_bytes(), where="the file")
    assert sorted(one.name for one in float_ends(file)) == ["LOGISTIC", "RESHAPE", "SOFTMAX"]
