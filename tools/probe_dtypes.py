"""Ask tflite-micro which dtypes its operators take: files of one operator, opened and run, one in each child.

`tools/probe_operators.py` writes the answers into the operator table. A combination that is refused for another reason than
its dtypes would be missing there, so the shapes, scales and options are those that the converter writes.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

CHILD_LIMIT_S = 60
FLOAT, INT8, UINT8, INT16, INT32, INT64, BOOL, INT4, HALF = (
    "float32", "int8", "uint8", "int16", "int32", "int64", "bool", "int4", "float16",
)  # fmt: skip
ANY = (FLOAT, INT8, UINT8, INT16, INT32, INT64, BOOL)
SAME = tuple((one, one) for one in ANY)
TO_BOOL = tuple((one, BOOL) for one in ANY)
PAIRS = tuple((one, other) for one in ANY for other in ANY if one != other)
HALVES = ((HALF, FLOAT), (FLOAT, HALF))
"""What a file of float16 weights has at each of them."""
SHAPE = (1, 4, 4, 2)
ONE_INPUT = (
    "ABS", "AVERAGE_POOL_2D", "CEIL", "COS", "ELU", "EXP", "FLOOR", "HARD_SWISH", "L2_NORMALIZATION", "LEAKY_RELU", "LOG",
    "LOGISTIC", "LOG_SOFTMAX", "MAX_POOL_2D", "NEG", "RELU", "RELU6", "ROUND", "RSQRT", "SIN", "SOFTMAX", "SQRT", "SQUARE",
    "TANH", "ZEROS_LIKE",
)  # fmt: skip
TWO_INPUTS = ("ADD", "DIV", "FLOOR_DIV", "MAXIMUM", "MINIMUM", "MUL", "PRELU", "SQUARED_DIFFERENCE", "SUB")
COMPARISONS = ("EQUAL", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL", "NOT_EQUAL")
WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
WEIGHTS = (
    (FLOAT, FLOAT, FLOAT, FLOAT), (FLOAT, INT8, FLOAT, FLOAT), (INT8, INT8, INT32, INT8), (INT8, INT4, INT32, INT8),
    (INT16, INT8, INT64, INT16), (UINT8, UINT8, INT32, UINT8), (INT8, INT8, INT32, INT16),
)  # fmt: skip
"""Activations, weights, biases and outputs."""
FIXED_SCALES = {
    "LOGISTIC": 1 / 256,
    "SOFTMAX": 1 / 256,
    "TANH": 1 / 128,
    "L2_NORMALIZATION": 1 / 128,
    "LOG_SOFTMAX": 1 / 16,
}
"""Scales of outputs that a kernel insists on, for 8 bits."""
OPTIONS: dict[str, dict[str, Any]] = {
    "Pool2DOptions": {"strideW": 1, "strideH": 1, "filterWidth": 2, "filterHeight": 2},
    "Conv2DOptions": {"strideW": 1, "strideH": 1, "dilationWFactor": 1, "dilationHFactor": 1},
    "DepthwiseConv2DOptions": {
        "strideW": 1, "strideH": 1, "depthMultiplier": 1, "dilationWFactor": 1, "dilationHFactor": 1,
    },
    "SoftmaxOptions": {"beta": 1.0},
    "LeakyReluOptions": {"alpha": 0.5},
}  # fmt: skip
OF = {"AVERAGE_POOL_2D": "Pool2DOptions", "MAX_POOL_2D": "Pool2DOptions", "CONV_2D": "Conv2DOptions",
      "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions", "SOFTMAX": "SoftmaxOptions", "LEAKY_RELU": "LeakyReluOptions",
      "FULLY_CONNECTED": "FullyConnectedOptions", "ADD": "AddOptions", "SUB": "SubOptions", "MUL": "MulOptions",
      "DIV": "DivOptions", "L2_NORMALIZATION": "L2NormOptions"}  # fmt: skip


def questions() -> dict[str, list[tuple[str, ...]]]:
    """The combinations that are asked for by operator: its data, its weights and biases, its output."""
    asked: dict[str, list[tuple[str, ...]]] = {name: list(SAME) for name in ONE_INPUT}
    asked |= {name: [(one, one, out) for one, out in SAME] for name in TWO_INPUTS}
    asked |= {name: [(one, one, out) for one, out in TO_BOOL] for name in COMPARISONS}
    asked |= {name: list(WEIGHTS) for name in WEIGHTED}
    return asked | {name: [*PAIRS, *HALVES] for name in ("CAST", "DEQUANTIZE")} | {"QUANTIZE": [*PAIRS, *SAME]}


def pattern(name: str, dtypes: tuple[str, ...]) -> str:
    """A combination as the table has it: the data, and the weights where there are any, to the output."""
    read = dtypes[:2] if name in WEIGHTED else dtypes[:1]
    return f"{' '.join(read)} > {dtypes[-1]}"


def answers(python: str) -> dict[str, dict[str, bool]]:
    """Whether tflite-micro opens and runs each combination, by operator."""
    with tempfile.TemporaryDirectory() as place, ThreadPoolExecutor(2) as pool:
        asked = [(name, dtypes) for name, many in questions().items() for dtypes in many]
        files = [written(Path(place) / f"{number}.tflite", *one) for number, one in enumerate(asked)]
        ran = list(pool.map(lambda file: runs(python, file), files))
    found: dict[str, dict[str, bool]] = {}
    for (name, dtypes), taken in zip(asked, ran, strict=True):
        found.setdefault(name, {})[pattern(name, dtypes)] = taken
    return found


def table_lines(found: dict[str, dict[str, bool]]) -> list[str]:
    """The sections of an operator table: what was taken, and what was refused; what was not asked is in neither."""
    lines = []
    for section, wanted in (("dtypes", True), ("refused", False)):
        lines += ["", f"[{section}]  # data and weights > output, asked by tools/probe_dtypes.py"]
        for name in sorted(found):
            chosen = [json.dumps(one) for one, ran in found[name].items() if ran == wanted]
            lines += [f"{name} = [{', '.join(chosen)}]"] if chosen else []
    return lines


def runs(python: str, file: Path) -> bool:
    """Whether tflite-micro opens and runs a file, asked in a child."""
    command = [python, str(Path(__file__).resolve()), str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=CHILD_LIMIT_S, check=False)
    if "ModuleNotFoundError" in done.stderr:
        raise SystemExit(done.stderr[-2000:])
    return done.returncode == 0


def child(file: str) -> None:
    """Open and run a file; an exception or a crash says that it is not taken."""
    import numpy as np
    from tflite_micro import runtime

    interpreter = runtime.Interpreter.from_file(file, arena_size=1 << 20)
    detail = interpreter.get_input_details(0)
    interpreter.set_input(np.ones(detail["shape"], detail["dtype"]), 0)
    interpreter.invoke()


def written(path: Path, name: str, dtypes: tuple[str, ...]) -> Path:
    """A file of one operator with these dtypes."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    subgraph, model, code = schema.SubGraphT(), schema.ModelT(), schema.OperatorCodeT()
    code.builtinCode = getattr(schema.BuiltinOperator, name)
    code.deprecatedBuiltinCode, code.version = min(code.builtinCode, 127), 1
    model.buffers = [schema.BufferT()]
    subgraph.tensors = list(_tensors(schema, model, name, dtypes))
    operator = schema.OperatorT()
    operator.opcodeIndex, last = 0, len(subgraph.tensors) - 1
    operator.inputs, operator.outputs = list(range(last)), [last]
    kind = OF.get(name)
    if kind is not None:
        operator.builtinOptionsType = getattr(schema.BuiltinOptions, kind)
        operator.builtinOptions = getattr(schema, f"{kind}T")()
        for field, value in OPTIONS.get(kind, {}).items():
            setattr(operator.builtinOptions, field, value)
    subgraph.inputs, subgraph.outputs, subgraph.operators = [0], [last], [operator]
    model.version, model.operatorCodes, model.subgraphs = 3, [code], [subgraph]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    path.write_bytes(bytes(builder.Output()))
    return path


def _tensors(schema: Any, model: Any, name: str, dtypes: tuple[str, ...]) -> Iterable[Any]:
    """The tensors of an operator: its data, its constants, its output."""
    shapes = _shapes(name, len(dtypes))
    for place, (dtype, shape) in enumerate(zip(dtypes, shapes, strict=True)):
        tensor = schema.TensorT()
        tensor.name, tensor.shape = f"t{place}", list(shape)
        tensor.type = getattr(schema.TensorType, dtype.upper())
        tensor.buffer = 0
        if 0 < place < len(dtypes) - 1:
            tensor.buffer = len(model.buffers)
            model.buffers.append(_constant(schema, dtype, shape))
        scale = FIXED_SCALES.get(name, 0.5) if place == len(dtypes) - 1 else 0.25 if place == 2 else 0.5
        tensor.quantization = _quantization(schema, dtype, scale, name if place == len(dtypes) - 1 else "")
        yield tensor


def _shapes(name: str, count: int) -> list[tuple[int, ...]]:
    if name == "CONV_2D":
        return [SHAPE, (3, 1, 1, 2), (3,), (1, 4, 4, 3)]
    if name == "DEPTHWISE_CONV_2D":
        return [SHAPE, (1, 1, 1, 2), (2,), SHAPE]
    if name == "FULLY_CONNECTED":
        return [(1, 8), (4, 8), (4,), (1, 4)]
    if name == "PRELU":
        return [SHAPE, (1, 1, 2), SHAPE]
    if name in ("AVERAGE_POOL_2D", "MAX_POOL_2D"):
        return [SHAPE, (1, 3, 3, 2)]
    return [SHAPE] * count


def _constant(schema: Any, dtype: str, shape: tuple[int, ...]) -> Any:
    import numpy as np

    made = schema.BufferT()
    count = int(np.prod(shape))
    stored = np.full(-(-count // 2), 0x11, np.uint8) if dtype == INT4 else np.ones(count, dtype)
    made.data = np.frombuffer(stored.tobytes(), np.uint8)
    return made


def _quantization(schema: Any, dtype: str, scale: float, name: str) -> Any:
    """A scale as integers have it; 16 bits are symmetric, and 8 bits of a softmax or a sigmoid begin at 0."""
    made = schema.QuantizationParametersT()
    if dtype in (FLOAT, BOOL, HALF):
        return made
    starts = (
        {INT8: -128, UINT8: 0}
        if name in ("LOGISTIC", "SOFTMAX")
        else {INT8: 127, UINT8: 255}
        if name == "LOG_SOFTMAX"
        else {}
    )
    middle = 128 if dtype == UINT8 and name in ("TANH", "L2_NORMALIZATION") else 0
    made.scale = [1 / 32768] if dtype == INT16 and name in FIXED_SCALES else [scale]
    made.zeroPoint = [starts.get(dtype, middle)]
    return made


if __name__ == "__main__":
    if len(sys.argv) == 2:
        child(sys.argv[1])
    else:
        print("\n".join(table_lines(answers(sys.executable))))
