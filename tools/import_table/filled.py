"""Random weights in the place of constants that hold one value each, as the light models of `onnx` have them: by what takes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

SPREAD = 8.0
"""The standard deviation of what the last softmax takes: a few of a thousand classes then have a share that int8 can hold."""
LEVEL = 0.1
"""The share of its squared mean that is added to a variance: features of noise hardly vary in the last layers, and a normalization by that little would enlarge rounding."""
BRANCH = 0.2
"""What a residual branch's last batch normalization is scaled by: with branches as large as what they are added to, fifty layers of random weights enlarge rounding a hundredfold."""
PASSED = ("Unsqueeze", "Reshape")
"""Operators that hand a constant on."""
TAKE_REAL = ("BatchNormalization", "Mul", "Add")
"""Operators whose factors and offsets by channel are small enough that the files keep them."""
IR_VERSION = 8


def filled(given: Path, out: Path) -> None:
    """Write an ONNX model whose `ConstantOfShape` nodes are random weights, settled on noise."""
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
    for (
        node
    ) in model.graph.node:  # of a few, the file has the real values, which belong to other kernels and statistics
        if node.op_type in TAKE_REAL:
            given = [source for name in node.input[1:] for source in _sources(model.graph, name)]
            known = {name: shapes[name].shape for name in given if name in shapes and shapes[name].dtype == np.float32}
            weights |= {name: _weights(generator, model.graph, name, list(shape)) for name, shape in known.items()}
    kept = [node for node in model.graph.node if node.op_type != "ConstantOfShape"]
    del model.graph.node[:]
    model.graph.node.extend(kept)
    inputs = [one for one in model.graph.input if one.name not in shapes]
    del model.graph.input[:]
    model.graph.input.extend(inputs)
    for name in _ends_of_branches(model.graph):
        weights[name] = weights[name] * np.float32(BRANCH)
    _settle(model, weights)
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


def _ends_of_branches(graph: Any) -> list[str]:
    """Factor and offset of each batch normalization at the end of a residual branch: of what a sum adds, the one behind the most layers."""
    depth, makers = dict[str, int](), {name: node for node in graph.node for name in node.output}
    for node in graph.node:
        depth |= dict.fromkeys(node.output, 1 + max((depth.get(name, 0) for name in node.input), default=0))
    ends = [
        makers.get(max(node.input, key=lambda name: depth.get(name, 0)))
        for node in graph.node
        if node.op_type in ("Sum", "Add")
    ]
    return [
        name for node in ends if node is not None and node.op_type == "BatchNormalization" for name in node.input[1:3]
    ]


def _settle(model: Any, weights: dict[str, np.ndarray]) -> None:
    """Give batch normalizations the statistics that noise has before them, and scale the weights of the last kernel so that what the softmax takes is spread as is said above."""
    import onnx
    import onnxruntime

    last = next(node for node in reversed(model.graph.node) if node.op_type in ("Conv", "Gemm", "MatMul"))
    taken = next((node.input[0] for node in reversed(model.graph.node) if node.op_type == "Softmax"), last.output[0])
    left = [one for one in model.graph.initializer if one.name not in weights]
    model.graph.ClearField("initializer")
    model.graph.initializer.extend(left)
    looked = onnx.ModelProto()
    looked.CopyFrom(model)
    nodes = [found for node in looked.graph.node for found in (_by_batch(node, weights) or [node])]
    looked.graph.ClearField("node")
    looked.graph.node.extend(nodes)
    looked.graph.initializer.extend(onnx.numpy_helper.from_array(array, name) for name, array in weights.items())
    normalizations = [node for node in model.graph.node if node.op_type == "BatchNormalization"]
    statistics = [name for node in normalizations for name in node.input[3:5]]
    looked.graph.ClearField("output")
    looked.graph.output.extend(
        onnx.ValueInfoProto(name=name) for name in (taken, *(f"{one}_of_noise" for one in statistics))
    )
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # each constant that nothing takes is a warning
    session = onnxruntime.InferenceSession(looked.SerializeToString(), options, providers=["CPUExecutionProvider"])
    generator = np.random.default_rng(6)
    fed = {one.name: generator.uniform(-1, 1, one.shape).astype(np.float32) for one in session.get_inputs()}
    logits, *found = session.run(None, fed)
    weights.update({name: array.reshape(-1) for name, array in zip(statistics, found, strict=True)})
    for name in last.input[1:]:
        for source in _sources(model.graph, name):
            if source in weights:
                weights[source] = (weights[source] * (SPREAD / logits.std())).astype(np.float32)


def _by_batch(node: Any, known: dict[str, np.ndarray]) -> list[Any]:
    """A batch normalization of [batch, channels, height, width] by the statistics of its own input, which are made known; nothing for another node."""
    from onnx import helper, numpy_helper

    if node.op_type != "BatchNormalization":
        return []
    given, factor, offset, mean, variance = node.input
    epsilon = next((one.f for one in node.attribute if one.name == "epsilon"), 1e-5)
    mine, constants = f"{node.output[0]}_by_batch", []
    for name, array in (
        ("factor", known[factor].reshape(-1, 1, 1)), ("offset", known[offset].reshape(-1, 1, 1)), ("epsilon", np.array(epsilon, np.float32)), ("share", np.array(LEVEL, np.float32)),
    ):  # fmt: skip
        constants.append(helper.make_node("Constant", [], [f"{mine}_{name}"], value=numpy_helper.from_array(array)))
    mean, variance = f"{mean}_of_noise", f"{variance}_of_noise"
    return [
        *constants,
        helper.make_node("ReduceMean", [given], [mean], axes=[0, 2, 3]),
        helper.make_node("Sub", [given, mean], [f"{mine}_apart"]),
        helper.make_node("Mul", [f"{mine}_apart", f"{mine}_apart"], [f"{mine}_squares"]),
        helper.make_node("ReduceMean", [f"{mine}_squares"], [f"{mine}_variance"], axes=[0, 2, 3]),
        helper.make_node("Mul", [mean, mean], [f"{mine}_level"]),
        helper.make_node("Mul", [f"{mine}_level", f"{mine}_share"], [f"{mine}_added"]),
        helper.make_node("Add", [f"{mine}_variance", f"{mine}_added"], [variance]),
        helper.make_node("Add", [variance, f"{mine}_epsilon"], [f"{mine}_sum"]),
        helper.make_node("Sqrt", [f"{mine}_sum"], [f"{mine}_deviation"]),
        helper.make_node("Div", [f"{mine}_apart", f"{mine}_deviation"], [f"{mine}_normal"]),
        helper.make_node("Mul", [f"{mine}_normal", f"{mine}_factor"], [f"{mine}_scaled"]),
        helper.make_node("Add", [f"{mine}_scaled", f"{mine}_offset"], [node.output[0]]),
    ]


def _sources(graph: Any, name: str) -> list[str]:
    """A constant's own name, and those that it is handed on from."""
    maker = next((node for node in graph.node if name in node.output), None)
    return [name] if maker is None or not maker.input else [name, *_sources(graph, maker.input[0])]
