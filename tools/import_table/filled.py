"""Random weights in the place of constants that hold one value each, as the light models of `onnx` have them: by what takes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

SPREAD = 8.0
"""The standard deviation of what the last softmax takes: a few of a thousand classes then have a share that int8 can hold."""
PASSED = ("Unsqueeze", "Reshape")
"""Operators that hand a constant on."""
IR_VERSION = 8


def filled(given: Path, out: Path) -> None:
    """Write an ONNX model whose `ConstantOfShape` nodes are random weights; the layer before the last softmax is scaled."""
    import onnx

    model = onnx.load(given)
    model.ir_version = IR_VERSION  # initializers need not be inputs then
    shapes = {one.name: onnx.numpy_helper.to_array(one) for one in model.graph.initializer}
    generator = np.random.default_rng(5)
    weights = {
        node.output[0]: _weights(generator, model.graph, node.output[0], shapes[node.input[0]].tolist())
        for node in model.graph.node
        if node.op_type == "ConstantOfShape"
    }
    kept = [node for node in model.graph.node if node.op_type != "ConstantOfShape"]
    del model.graph.node[:]
    model.graph.node.extend(kept)
    inputs = [one for one in model.graph.input if one.name not in shapes]
    del model.graph.input[:]
    model.graph.input.extend(inputs)
    _scale_last(model, weights)
    model.graph.initializer.extend(onnx.numpy_helper.from_array(array, name) for name, array in weights.items())
    onnx.save(model, out)


def _weights(generator: np.random.Generator, graph: Any, name: str, shape: list[int]) -> np.ndarray:
    """He's normal weights for kernels, positive factors and variances, small offsets and means."""
    operator, place = _taker(graph, name)
    if operator in ("Conv", "Gemm", "MatMul") and place == 1:
        found = generator.standard_normal(shape) * np.sqrt(2 / max(1, np.prod(shape[1:])))
    elif (operator == "BatchNormalization" and place in (1, 4)) or operator == "Mul":
        found = generator.uniform(0.5, 1.5, shape)
    else:
        found = generator.uniform(-0.2, 0.2, shape)
    return np.asarray(found, np.float32)


def _taker(graph: Any, name: str) -> tuple[str, int]:
    """The operator that takes a constant in the end, and as which of its inputs."""
    for node in graph.node:
        if name in node.input:
            place = list(node.input).index(name)
            return _taker(graph, node.output[0]) if node.op_type in PASSED else (node.op_type, place)
    return "", 0


def _scale_last(model: Any, weights: dict[str, np.ndarray]) -> None:
    """Scale the weights of the last kernel, so that what follows it is spread as is said above."""
    import onnx
    import onnxruntime

    last = next(node for node in reversed(model.graph.node) if node.op_type in ("Conv", "Gemm", "MatMul"))
    looked = onnx.ModelProto()
    looked.CopyFrom(model)
    looked.graph.initializer.extend(onnx.numpy_helper.from_array(array, name) for name, array in weights.items())
    del looked.graph.output[:]
    looked.graph.output.append(onnx.ValueInfoProto(name=last.output[0]))
    session = onnxruntime.InferenceSession(looked.SerializeToString(), providers=["CPUExecutionProvider"])
    generator = np.random.default_rng(6)
    fed = {one.name: generator.uniform(-1, 1, one.shape).astype(np.float32) for one in session.get_inputs()}
    answer = session.run(None, fed)[0]
    for name in last.input[1:]:
        for source in _sources(model.graph, name):
            if source in weights:
                weights[source] = (weights[source] * (SPREAD / answer.std())).astype(np.float32)


def _sources(graph: Any, name: str) -> list[str]:
    """A constant's own name, and those that it is handed on from."""
    maker = next((node for node in graph.node if name in node.output), None)
    return [name] if maker is None else [name, *_sources(graph, maker.input[0])]
