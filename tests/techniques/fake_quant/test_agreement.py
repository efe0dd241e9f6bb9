"""The fake-quantized model and the file made of it agree: within one step of int8 on 99.9% of values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.ingest.spool import spool_result
from edgekit.progress import no_progress
from edgekit.project.project_file import DataTable
from edgekit.techniques.fake_quant.build import fake_quantized
from edgekit.tflite.reader import read_tflite
from edgekit.values import to_builtins

pytestmark = pytest.mark.tf
SAMPLES, SHAPE = 96, (16, 16, 3)
INT8 = [{"technique": "quantization_aware", "settings": {}}, {"technique": "int8", "settings": {"io": "float32"}}]
MIXED = [
    {"technique": "quantization_aware", "settings": {"wide_in_float": True}},
    {"technique": "int8_mixed", "settings": {"io": "float32", "share": 0.0}},
]
AGREE = 0.999


def residual(layers: Any, x: Any) -> Any:
    """Convolutions with batch normalisation around a sum, as in ResNet."""
    x = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(8, 3, padding="same", use_bias=False)(x)))
    y = layers.BatchNormalization()(layers.Conv2D(8, 3, padding="same", use_bias=False)(x))
    x = layers.ReLU()(layers.Add()([x, y]))
    return layers.Dense(10)(layers.GlobalAveragePooling2D()(x))


def depthwise(layers: Any, x: Any) -> Any:
    """An inverted bottleneck, as in MobileNet."""
    y = layers.ReLU(6.0)(layers.BatchNormalization()(layers.Conv2D(12, 1, use_bias=False)(x)))
    y = layers.ReLU(6.0)(layers.BatchNormalization()(layers.DepthwiseConv2D(3, 2, padding="same", use_bias=False)(y)))
    y = layers.BatchNormalization()(layers.Conv2D(8, 1, use_bias=False)(y))
    return layers.Activation("softmax")(layers.Dense(10)(layers.Flatten()(layers.MaxPooling2D()(y))))


def unet(layers: Any, x: Any) -> Any:
    """A transposed convolution and a concatenation, with an image as output."""
    a = layers.Conv2D(8, 3, padding="same", activation="relu")(x)
    b = layers.Conv2D(12, 3, padding="same", activation="relu")(layers.MaxPooling2D()(a))
    joined = layers.Concatenate()([a, layers.Conv2DTranspose(8, 2, 2)(b)])
    return layers.Activation("sigmoid")(layers.Conv2D(2, 1)(joined))


def dense(layers: Any, x: Any) -> Any:
    """An autoencoder of dense layers."""
    x = layers.Dense(16, activation="relu")(layers.Flatten()(x))
    return layers.Dense(24)(layers.BatchNormalization()(layers.Dense(8)(x)))


def spectrum(layers: Any, x: Any) -> Any:
    """The logarithm of a power over six decades."""
    from keras import ops

    power = ops.square(layers.Dense(24)(layers.Flatten()(x)))
    return layers.Dense(10)(ops.log(ops.maximum(power, 1e-6)))


@pytest.mark.parametrize(
    ("network", "steps"),
    [(residual, INT8), (depthwise, INT8), (unet, INT8), (dense, INT8), (spectrum, MIXED)],
)
def test_the_file_answers_as_the_model_that_was_trained(tmp_path: Path, network: Any, steps: Any) -> None:
    """With the interpreter's own kernels, value by value; every trained range is in the file."""
    from edgekit.make.workshop.convert import convert
    from edgekit.make.workshop.door import door
    from edgekit.make.workshop.flatten import flat_graph, flatten

    tools = door()
    tools.fresh(0)
    entry = tools.keras3.Input(SHAPE, name="image")
    model = fake_quantized(
        tools,
        flatten(
            tools,
            flat_graph(tools, tools.keras3.Model(entry, network(tools.keras3.layers, entry)), where=""),
            where="",
        ).model,
        wide_in_float=steps is MIXED,
    )
    x = np.random.default_rng(0).random((SAMPLES, *SHAPE), dtype=np.float32)
    for start in range(0, SAMPLES, 32):
        model(x[start : start + 32], training=True)
    model.save(tmp_path / "model.keras")
    (tmp_path / "data").mkdir()
    arrays = dict.fromkeys(("train", "validation", "test"), (x, np.zeros(SAMPLES, "float32")))
    spooled = spool_result(
        arrays, tmp_path / "data", names=("image",), options=to_builtins(DataTable(source="data")), seed=0,
        progress=no_progress,
    )  # fmt: skip
    answer = convert(
        {
            "model": str(tmp_path), "steps": steps, "dataset": str(spooled.root), "samples": 16, "seed": 0, "imports": [],
            "root": str(tmp_path), "inputs": ["image"], "outputs": ["out"], "target": str(tmp_path),
        },
        no_progress,
    )  # fmt: skip
    assert all(one["holds"] for one in answer["evidence"]), answer["evidence"]
    ours, step = answers(tmp_path / "model.tflite", x)
    theirs = np.asarray(model(x, training=False))
    steps = np.abs(ours - theirs) / step
    assert np.mean(steps <= 1.001) >= AGREE, f"{np.mean(steps <= 1.001):.4f} of values within one step"


def answers(path: Path, x: np.ndarray) -> tuple[np.ndarray, float]:
    """The file's outputs sample by sample, without a delegate, and the size of a step of its last int8 tensor; of shares, which are computed in float, 1/256."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(str(path), experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES)
    interpreter.allocate_tensors()
    entry, end = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
    found = []
    for sample in x:
        interpreter.set_tensor(entry, sample[None])
        interpreter.invoke()
        found.append(interpreter.get_tensor(end))
    tflite = read_tflite(path)
    (last,) = (one for one in tflite.operators if tflite.outputs[0] in one.outputs)
    scales = tflite.tensors[last.inputs[0]].scales
    return np.concatenate(found), scales[0] if scales else 1 / 256
