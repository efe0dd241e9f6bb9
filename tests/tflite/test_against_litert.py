"""The reader against LiteRT's own interpreter: the same tensors, the same constants, the same unpacked weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.tflite.reader import read_tflite
from edgekit.tflite.weights import kernels, weights

GOLDEN = Path(__file__).parent.parent / "golden"
FILES = [
    path for path in sorted(GOLDEN.glob("*.tflite")) if path.stem not in ("lookup_tables_int8", "coded_int8")
]  # tflite-micro's alone

litert = pytest.importorskip("ai_edge_litert.interpreter")


def opened(path: Path) -> Any:
    plain = litert.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = litert.Interpreter(
        str(path), experimental_op_resolver_type=plain, experimental_preserve_all_tensors=True
    )
    interpreter.allocate_tensors()
    return interpreter


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_tensors_are_those_the_interpreter_sees(path: Path) -> None:
    model, interpreter = read_tflite(path), opened(path)
    assert list(model.inputs) == [item["index"] for item in interpreter.get_input_details()]
    assert list(model.outputs) == [item["index"] for item in interpreter.get_output_details()]
    renamed = {out for operator in model.operators if operator.name == "DENSIFY" for out in operator.outputs}
    for item in interpreter.get_tensor_details():
        if item["index"] >= len(model.tensors) or model.tensors[item["index"]].subgraph:
            continue  # scratch tensors that the interpreter adds
        tensor, quantization = model.tensors[item["index"]], item["quantization_parameters"]
        assert tensor.name == item["name"] or tensor.index in renamed
        assert tensor.dtype == np.dtype(item["dtype"]).name
        assert list(tensor.scales) == quantization["scales"].tolist()
        assert list(tensor.zero_points) == quantization["zero_points"].tolist()
        if not tensor.variable and model.subgraphs == 1:
            assert list(tensor.shape) == item["shape"].tolist()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_constants_are_those_the_interpreter_holds(path: Path) -> None:
    model, interpreter = read_tflite(path), opened(path)
    seen = [tensor.index for tensor in model.tensors if tensor.constant and not tensor.sparsity and not tensor.subgraph]
    assert seen or model.subgraphs > 1
    for index in seen:
        assert np.array_equal(weights(model, index), interpreter.get_tensor(index))


def test_sparse_encoding_unpacks_as_the_interpreter_unpacks_it() -> None:
    path = GOLDEN / "pruned_sparse_encoding.tflite"
    model, interpreter = read_tflite(path), opened(path)
    interpreter.invoke()
    unpacked = {op.inputs[0]: op.outputs[0] for op in model.operators if op.name == "DENSIFY"}
    assert len(unpacked) == 3
    for kernel in kernels(model):
        if kernel.index in unpacked:
            assert np.array_equal(kernel.array, interpreter.get_tensor(unpacked[kernel.index]))
