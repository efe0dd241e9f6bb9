"""Writes digits.onnx and digits.npz, as a training in PyTorch would leave them: channels first, logits out, batch normalization unfolded.

    python make_model.py         # needs edgekit-tflite[build,onnx]; half a minute

The weights are trained in Keras, on the digits of examples/digits. The graph is written node by node with onnx.helper.
"""

from pathlib import Path

import keras
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

HERE = Path(__file__).resolve().parent
DIGITS = HERE.parent / "digits" / "digits.npz"


def residual_network() -> keras.Model:
    """Three convolutions, two of them in a residual block, and a dense layer."""
    keras.utils.set_random_seed(0)
    given = keras.Input((8, 8, 1))
    x = keras.layers.Rescaling(1 / 16)(given)
    x = keras.layers.ReLU()(normalized(x, 16, "stem"))
    inner = keras.layers.ReLU()(normalized(x, 16, "first"))
    x = keras.layers.ReLU()(keras.layers.Add()([x, normalized(inner, 16, "second")]))
    x = keras.layers.MaxPooling2D()(x)
    x = keras.layers.ReLU()(normalized(x, 32, "wide"))
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(given, keras.layers.Dense(10, name="head")(x))


def normalized(x: object, filters: int, name: str) -> object:
    """A convolution with batch normalization."""
    x = keras.layers.Conv2D(filters, 3, padding="same", use_bias=False, name=name)(x)
    return keras.layers.BatchNormalization(epsilon=1e-5, name=f"{name}_bn")(x)


def as_onnx(model: keras.Model) -> onnx.ModelProto:
    """The same network in ONNX."""
    nodes, constants = [], {"sixteen": np.float32(16)}

    def convolution(entering: str, name: str, leaving: str) -> None:
        (kernel,) = model.get_layer(name).get_weights()
        constants[f"{name}.weight"] = kernel.transpose(3, 2, 0, 1)
        named = dict(zip(("weight", "bias", "mean", "var"), model.get_layer(f"{name}_bn").get_weights(), strict=True))
        constants.update({f"{name}_bn.{part}": array for part, array in named.items()})
        pads = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}
        nodes.append(helper.make_node("Conv", [entering, f"{name}.weight"], [f"{name}_conv"], name=name, **pads))
        taken = [f"{name}_conv", *(f"{name}_bn.{part}" for part in named)]
        nodes.append(helper.make_node("BatchNormalization", taken, [leaving], name=f"{name}_bn", epsilon=1e-5))

    def plain(kind: str, taken: list[str], leaving: str, **attributes: object) -> None:
        nodes.append(helper.make_node(kind, taken, [leaving], name=leaving, **attributes))

    plain("Div", ["image", "sixteen"], "scaled")
    convolution("scaled", "stem", "a")
    plain("Relu", ["a"], "b")
    convolution("b", "first", "c")
    plain("Relu", ["c"], "d")
    convolution("d", "second", "e")
    plain("Add", ["b", "e"], "f")
    plain("Relu", ["f"], "g")
    plain("MaxPool", ["g"], "h", kernel_shape=[2, 2], strides=[2, 2])
    convolution("h", "wide", "i")
    plain("Relu", ["i"], "j")
    plain("GlobalAveragePool", ["j"], "k")
    plain("Flatten", ["k"], "l")
    constants["head.weight"], constants["head.bias"] = model.get_layer("head").get_weights()
    plain("Gemm", ["l", "head.weight", "head.bias"], "logits")
    graph = helper.make_graph(
        nodes,
        "digits",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 1, 8, 8])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 10])],
        [numpy_helper.from_array(np.ascontiguousarray(array), name) for name, array in constants.items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], producer_name="examples/onnx")
    made.ir_version = 8
    onnx.checker.check_model(made, full_check=True)
    return made


def main() -> None:
    with np.load(DIGITS) as data:
        arrays = dict(data)
    model = residual_network()
    model.compile(keras.optimizers.Adam(3e-3), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(arrays["x_train"].astype("float32"), arrays["y_train"], epochs=30, batch_size=32, verbose=0)
    onnx.save(as_onnx(model), HERE / "digits.onnx")
    first = {name: array.transpose(0, 3, 1, 2) if name[0] == "x" else array for name, array in arrays.items()}
    np.savez_compressed(HERE / "digits.npz", **first)


if __name__ == "__main__":
    main()
