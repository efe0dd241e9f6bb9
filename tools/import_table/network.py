"""A network in ONNX, written node by node with random weights of a size that keeps what flows through it in range."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

OPSET, IR_VERSION = 17, 8


class Network:
    """Nodes on named values; each call adds some and returns the name of what they make."""

    def __init__(self) -> None:
        self._nodes: list[Any] = []
        self._constants: dict[str, np.ndarray] = {}
        self._inputs: list[Any] = []
        self._generator = np.random.default_rng(5)

    def entry(self, name: str, *shape: int | str) -> str:
        """An input in float32."""
        import onnx

        self._inputs.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape))
        return name

    def constant(self, array: Any) -> str:
        name = f"c{len(self._constants)}"
        self._constants[name] = np.asarray(array)
        return name

    def weight(self, *shape: int, taken: int | None = None) -> str:
        """A kernel whose first axis counts filters, or a matrix; `taken` is how many numbers each sum runs over where these are not the other axes."""
        scale = np.sqrt(2 / max(taken or np.prod(shape[1:]), 1))
        return self.constant((self._generator.standard_normal(shape) * scale).astype(np.float32))

    def node(self, operator: str, *inputs: str, outputs: int = 1, **attributes: Any) -> Any:
        import onnx

        made = [f"v{len(self._nodes)}_{index}" for index in range(outputs)]
        self._nodes.append(onnx.helper.make_node(operator, list(inputs), made, **attributes))
        return made[0] if outputs == 1 else made

    def conv(self, x: str, given: int, filters: int, kernel: int = 3, *, stride: int = 1, group: int = 1) -> str:
        """A convolution with padding and a batch normalization of its own statistics."""
        pads = [kernel // 2] * 4
        x = self.node(
            "Conv",
            x,
            self.weight(filters, given // group, kernel, kernel),
            pads=pads,
            strides=[stride] * 2,
            group=group,
        )
        ends = ((0.5, 1.5), (-0.3, 0.3), (-0.2, 0.2), (0.5, 1.5))
        return self.node(
            "BatchNormalization", x, *(self.constant(np.linspace(*end, filters).astype(np.float32)) for end in ends)
        )

    def dense(self, x: str, given: int, units: int) -> str:
        bias = self.constant(np.linspace(-0.1, 0.1, units).astype(np.float32))
        return self.node("Gemm", x, self.weight(units, given), bias, transB=1)

    def pooled(self, x: str) -> str:
        """The mean of each channel, [batch, channels]."""
        return self.node("Flatten", self.node("GlobalAveragePool", x))

    def shape(self, *sizes: int) -> str:
        return self.constant(np.array(sizes, np.int64))

    def save(self, path: Path, *outputs: str) -> None:
        """Write the model with the shapes of its outputs as ONNX infers them."""
        import onnx

        helper = onnx.helper
        constants = [onnx.numpy_helper.from_array(array, name) for name, array in self._constants.items()]
        ends = [onnx.ValueInfoProto(name=name) for name in outputs]
        graph = helper.make_graph(self._nodes, "network", self._inputs, ends, constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
        onnx.save(onnx.shape_inference.infer_shapes(model), path)
