"""ONNX's own tests of single operators, run through the importer: `python tools/onnx_node_tests.py [--only Conv]`.

For each test of an operator that edgekit builds, the model is imported, called on the test's inputs, and compared with the test's outputs. The tests
give weights and settings as inputs of the model: they are made constants, as every exported model has them, where an operator needs that. It prints
what failed with the reason, and how many passed of how many. It needs the `onnx` extra.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.onnx_graph.build import build
from edgekit.onnx_graph.graph import OnnxGraph
from edgekit.onnx_graph.operators import operators
from edgekit.onnx_graph.read import graph_of

OTHER_TYPES = ("string", "object", "float8", "float4", "int4", "uint4", "int2", "uint2", "float6", "complex")
"""Types of numbers that no TFLite model has."""


def main() -> None:
    """Run the tests and print the outcome."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--only", default="", help="the tests with this in their name, or one of several between commas"
    )
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    from edgekit.make.workshop.door import door

    keras = door().keras3
    outcomes: Counter[str] = Counter()
    failed: list[str] = []
    for case, operator in cases(options.only):
        reason = outcome(case, keras)
        outcomes["passed" if reason is None else "other types" if reason == "other types" else "failed"] += 1
        if reason not in (None, "other types"):
            failed.append(f"{case.name} ({operator}): {reason}")
        if options.verbose:
            print(case.name, reason or "passed", flush=True)
        keras.utils.clear_session()
    tried = outcomes["passed"] + outcomes["failed"]
    print(*failed, sep="\n")
    print(
        f"{outcomes['passed']} of {tried} passed ({outcomes['passed'] / max(tried, 1):.1%}), {len(operators())} operators"
    )
    print(f"{outcomes['other types']} more are of types of numbers that TFLite has not")


def cases(only: str) -> Iterator[tuple[Any, str]]:
    """The tests of one node whose operator is built, and their operator."""
    import onnx.backend.test.case.node as node

    for case in node.collect_testcases(None):
        found = [one.op_type for one in case.model.graph.node]
        if (
            len(found) == 1
            and found[0] in operators()
            and not case.model.graph.node[0].domain
            and any(word in case.name for word in only.split(","))
        ):
            yield case, found[0]


def outcome(case: Any, keras: Any) -> str | None:
    """Why a test fails; None where it passes."""
    reasons: list[str] = []
    try:
        graph = graph_of(case.model, case.name)
        inputs, expected = case.data_sets[0]
        arrays = [_plain(one) for one in inputs]
        wanted = [_plain(one) for one in expected]
    except (EdgekitError, TypeError, ValueError, KeyError, AttributeError) as problem:
        return "other types" if _has_other_types(case) else f"{type(problem).__name__}: {problem}"
    if _has_other_types(case) or any(one is None for one in (*arrays, *wanted)):
        return "other types"
    given = dict(zip([one.name for one in graph.inputs], arrays, strict=False))
    for constants in _choices(graph):
        try:
            return _difference(graph, keras, given, constants, wanted, case)
        except EdgekitError as problem:
            reasons.append(str(problem.parts().get("received") or problem.what))
        except Exception as problem:  # a fault of ours, to be told like any other
            reasons.append(f"{type(problem).__name__}: {str(problem)[:200]}")
    return " | ".join(dict.fromkeys(reasons))[:400]


def _has_other_types(case: Any) -> bool:
    """Whether an input or output has numbers of such a type, or is no tensor."""
    import onnx

    kinds = [one.type.tensor_type.elem_type for one in (*case.model.graph.input, *case.model.graph.output)]
    names = [onnx.TensorProto.DataType.Name(kind).lower() for kind in kinds]
    return 0 in kinds or any(word in name for name in names for word in OTHER_TYPES)


def _plain(array: Any) -> np.ndarray | None:
    found = np.asarray(array)
    if found.dtype.kind in "OUS":
        return None
    return found.astype(np.float32) if str(found.dtype) in ("float16", "bfloat16", "float64") else found


def _choices(graph: OnnxGraph) -> Iterator[tuple[str, ...]]:
    """Which inputs are constants: none, all but the first, all but the second, all but the first and those of 2, 4, 5 and 6."""
    names = [one.name for one in graph.inputs]
    inputs = graph.nodes[0].inputs if graph.nodes else ()
    yield ()
    if len(names) > 1:
        yield tuple(names[1:])
        yield tuple(name for name in names if name != inputs[1])
        yield tuple(name for name in names if name not in (inputs[0], *inputs[5:7]))


def _difference(
    graph: OnnxGraph, keras: Any, given: dict[str, np.ndarray], constants: tuple[str, ...], wanted: list[Any], case: Any
) -> str | None:
    known = {name: given[name] for name in constants}
    left = tuple(one for one in graph.inputs if one.name not in constants)
    left = tuple(dataclasses.replace(one, shape=given[one.name].shape) for one in left)
    graph = dataclasses.replace(graph, constants={**graph.constants, **known}, inputs=left)
    imported = build(graph, keras, where=case.name)
    tolerance = 2e-2 if "float16" in case.name else 1e-3
    for found, expected in zip(_results(imported, given, wanted), wanted, strict=True):
        if found.shape != expected.shape:
            raise ValueError(f"shape {found.shape} where ONNX has {expected.shape}")
        found, expected = found.astype(np.float64), expected.astype(np.float64)
        if not np.allclose(found, expected, rtol=tolerance, atol=tolerance / 100, equal_nan=True):
            return f"differs by {np.nanmax(np.abs(found - expected)):g}"
    return None


def _results(imported: Any, given: dict[str, np.ndarray], wanted: list[Any]) -> list[np.ndarray]:
    """The outputs of an import; the samples of a batch run one by one, and are joined where the test has them side by side."""
    count = max((given[one.name].shape[one.order[0]] for one in imported.inputs if one.has_batch), default=1)
    runs = [
        _run(imported, {one.name: _sample(one, given[one.name], index) for one in imported.inputs})
        for index in range(count)
    ]
    return [
        _side_by_side(list(parts), expected.shape)
        for parts, expected in zip(zip(*runs, strict=True), wanted, strict=True)
    ]


def _sample(port: Any, array: np.ndarray, index: int) -> np.ndarray:
    return np.take(array, [index], axis=port.order[0]) if port.has_batch else array


def _run(imported: Any, sample: dict[str, np.ndarray]) -> list[np.ndarray]:
    made = imported.model(
        [port.to_keras(sample[port.name].astype(port.dtype)) for port in imported.inputs], training=False
    )
    results = made if isinstance(made, list | tuple) else [made]
    return [port.to_onnx(np.asarray(result)) for port, result in zip(imported.outputs, results, strict=True)]


def _side_by_side(parts: list[np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
    axes = [
        axis
        for axis, size in enumerate(shape)
        if size == len(parts) and parts[0].ndim == len(shape) and parts[0].shape[axis] == 1
    ]
    return np.concatenate(parts, axis=axes[0]) if len(parts) > 1 and axes else parts[0]


if __name__ == "__main__":
    sys.exit(main())
