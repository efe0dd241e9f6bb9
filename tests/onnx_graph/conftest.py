"""Small ONNX models made in a test, imported, and held against onnxruntime."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest


class Small:
    """A model of a few nodes: values are named by their order, constants are given as arrays."""

    def __init__(self, onnx: Any, opset: int) -> None:
        self._onnx, self.opset = onnx, opset
        self.nodes: list[Any] = []
        self.constants: dict[str, np.ndarray] = {}
        self.inputs: list[Any] = []
        self._generator = np.random.default_rng(3)

    def entry(self, *shape: int | str, name: str = "x", dtype: str = "float32") -> str:
        kind = self._onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        self.inputs.append(self._onnx.helper.make_tensor_value_info(name, kind, shape))
        return name

    def weight(self, *shape: int, name: str = "") -> str:
        scale = np.sqrt(2 / max(np.prod(shape[1:]), 1))
        return self.constant((self._generator.standard_normal(shape) * scale).astype(np.float32), name)

    def constant(self, array: Any, name: str = "") -> str:
        name = name or f"c{len(self.constants)}"
        self.constants[name] = np.asarray(array)
        return name

    def node(self, operator: str, *inputs: str, outputs: int = 1, name: str = "", **attributes: Any) -> Any:
        made = [f"v{len(self.nodes)}"] if outputs == 1 else [f"v{len(self.nodes)}_{index}" for index in range(outputs)]
        self.nodes.append(self._onnx.helper.make_node(operator, list(inputs), made, name=name, **attributes))
        return made[0] if outputs == 1 else made

    def saved(self, folder: Path, *outputs: str) -> Path:
        helper, path = self._onnx.helper, folder / "model.onnx"
        constants = [self._onnx.numpy_helper.from_array(array, name) for name, array in self.constants.items()]
        ends = [self._onnx.ValueInfoProto(name=name) for name in outputs]
        graph = helper.make_graph(self.nodes, "small", self.inputs, ends, constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)])
        model.ir_version = 8
        self._onnx.save(self._onnx.shape_inference.infer_shapes(model), path)
        return path


@pytest.fixture
def small() -> Callable[..., Small]:
    """An empty model of an opset."""
    onnx = pytest.importorskip("onnx", reason="needs the `onnx` extra")

    def made(opset: int = 17) -> Small:
        return Small(onnx, opset)

    return made


@pytest.fixture
def imported_alike(tools: Any, tmp_path: Path) -> Callable[..., Any]:
    """Saves a small model, imports it, and asserts that onnxruntime gives the same numbers."""
    pytest.importorskip("onnxruntime", reason="needs the `onnx` extra")
    from edgekit.onnx_file.held import holdable
    from edgekit.onnx_file.outline import read_outline
    from edgekit.onnx_graph.build import imported
    from edgekit.onnx_graph.compare import compare_with_onnxruntime, random_samples

    def checked(
        model: Small,
        *outputs: str,
        sizes: Mapping[str, tuple[int, ...]] | None = None,
        held: Mapping[str, Any] | None = None,
    ) -> Any:
        path = model.saved(tmp_path, *outputs)
        found = imported(path, tools.keras3, sizes, holdable(read_outline(path), held or {}))
        compared = compare_with_onnxruntime(path, found, random_samples(found, 1))
        assert compared.agrees, compared
        return found

    return checked


@pytest.fixture
def kinds() -> Callable[[Any], list[str]]:
    """The classes of a Keras model's layers and operations, in order, without the inputs."""
    from edgekit.keras_graph.call_graph import calls, inner_graph

    def listed(model: Any) -> list[str]:
        return [type(operation).__name__ for operation, *_ in calls(inner_graph(model))]

    return listed


def normalised(model: Small, value: str, channels: int) -> Any:
    weights = [model.constant(np.linspace(low, 1, channels).astype(np.float32)) for low in (0.5, -1, -0.5, 0.3)]
    return model.node("BatchNormalization", value, *weights)


@pytest.fixture
def residual(small: Callable[..., Small]) -> tuple[Small, str]:
    """A residual block with squeeze-and-excitation, a depthwise convolution, a concatenation, and a dense layer on what is flattened."""
    model = small()
    x = normalised(
        model,
        model.node(
            "Conv",
            model.entry("N", 3, 16, 16),
            model.weight(8, 3, 3, 3, name="stem.weight"),
            pads=[1] * 4,
            strides=[2, 2],
        ),
        8,
    )
    x = model.node("MaxPool", model.node("Relu", x), kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    y = normalised(model, model.node("Conv", x, model.weight(8, 1, 3, 3), pads=[1] * 4, group=8), 8)
    gate = model.node("Flatten", model.node("GlobalAveragePool", y))
    gate = model.node("Gemm", gate, model.weight(8, 8), model.weight(8), transB=1)
    gate = model.node("Reshape", model.node("Sigmoid", gate), model.constant(np.array([-1, 8, 1, 1])))
    x = model.node("Concat", model.node("Add", x, model.node("Mul", y, gate)), y, axis=1)
    x = model.node("Clip", x, model.constant(np.float32(0)), model.constant(np.float32(6)))
    return model, model.node(
        "Add", model.node("MatMul", model.node("Flatten", x), model.weight(256, 5)), model.weight(5)
    )
