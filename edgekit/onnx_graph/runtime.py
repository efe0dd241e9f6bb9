"""onnxruntime, which an import is held against: a file opened and run on arrays, and what it says of a file that it cannot run in edgekit's words."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from edgekit.errors import MissingExtraError, ModelError
from edgekit.onnx_file.held import HeldInput
from edgekit.onnx_graph.opened import INSTALL_LINE
from edgekit.onnx_graph.ports import Port
from edgekit.values import Value

DTYPES = {
    "tensor(float16)": "float16",
    "tensor(double)": "float64",
    "tensor(int64)": "int64",
    "tensor(uint64)": "uint64",
    "tensor(uint32)": "uint32",
}
NO_TELEMETRY = ("ORT_DISABLE_TELEMETRY", "ORT_TELEMETRY_DISABLED")
"""Variables by which onnxruntime neither writes an identifier to the user's home nor sends anything: its Privacy.md, and the name of earlier releases."""


CANNOT_RUN = "onnxruntime, which an import is held against, cannot run the file"
"""What is said where nothing nearer is known."""


class Said(Value):
    """What onnxruntime says (`pattern`), and what that means; `received` and `allowed` may have the pattern's groups in them."""

    pattern: str
    what: str
    received: str
    allowed: str
    next_step: str


KNOWN = (
    Said(
        pattern=r"Opset (\d+) is under development.*?till opset (\d+)",
        what="the file has an opset that the installed onnxruntime does not run",
        received="opset {0}",
        allowed="up to {1}",
        next_step="export with an older opset, as opset_version=17, or install a newer onnxruntime",
    ),
    Said(
        pattern=r"model IR version: (\d+), max supported IR version: (\d+)",
        what="the file is written in a version of the format that the installed onnxruntime does not read",
        received="IR version {0}",
        allowed="up to {1}",
        next_step="open it with the package onnx, set model.ir_version = {1}, and save it; or install a newer onnxruntime",
    ),
    Said(
        pattern=r"Could not find an implementation for (\w+)\(\d+\) node with name '([^']*)'",
        what="onnxruntime, which an import is held against, has no kernel for an operator on the types of numbers that the file gives it",
        received="{0} '{1}'",
        allowed="float32, or float16; of float64 and bfloat16 what onnxruntime computes",
        next_step="export the model in float32, as after model.float()",
    ),
    Said(
        pattern=r"Type '([^']*)' of input parameter \(([^)]*)\) of operator \((\w+)\) in node \(([^)]*)\)",
        what="an operator is given numbers of a type that the standard of ONNX does not allow it",
        received="{2} '{3}': {1} is of {0}",
        allowed="the types of https://onnx.ai/onnx/operators/, for a network as a rule float32",
        next_step="export the model in float32, with a Cast where a part of it needs whole numbers",
    ),
    Said(
        pattern=r"layout ?== ?1",
        what="onnxruntime, which an import is held against, runs no recurrent layer whose batch comes first",
        received="layout = 1",
        allowed="layout = 0, as PyTorch's exporter writes it: [steps, batch, features]",
        next_step="export with layout 0, with a Transpose before the layer and one behind it",
    ),
)


def open_session(source: str | bytes, where: str) -> Any:
    """A session on one thread; raises `MissingExtraError` without onnxruntime, `ModelError` where it does not open the file."""
    os.environ.update(dict.fromkeys(NO_TELEMETRY, "1"))  # read once, when the package is imported
    try:
        import onnxruntime
    except ImportError as problem:
        raise MissingExtraError("onnxruntime is not installed", received=str(problem), next_step=INSTALL_LINE) from None
    options = onnxruntime.SessionOptions()
    options.log_severity_level, options.intra_op_num_threads = 4, 1
    try:
        return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    except Exception as problem:
        raise cannot_run(where, problem) from problem


def run_session(
    session: Any, ports: Sequence[Port], sample: Mapping[str, np.ndarray], names: Sequence[str], where: str, held: Sequence[HeldInput] = ()
) -> list[Any]:  # fmt: skip
    """onnxruntime's values of these names, for a sample and the inputs that are `held` at values; a file of a fixed batch gets the sample as often as
    it wants. Raises `ModelError`."""
    declared = {one.name: one for one in session.get_inputs()}
    fed = {}
    for port in ports:
        one = declared.get(port.name)
        if one is None:
            continue
        array = np.asarray(sample[port.name])
        count = one.shape[port.order[0]] if port.has_batch else 1
        if isinstance(count, int) and count > 1:
            array = np.repeat(array, count, axis=port.order[0])
        fed[port.name] = array.astype(DTYPES.get(one.type, port.dtype))
    for given in held:
        if (one := declared.get(given.name)) is not None:
            array = given.array()
            fed[given.name] = array.astype(DTYPES.get(one.type, array.dtype))
    try:
        return list(session.run(list(names), fed))
    except Exception as problem:
        raise _with_held(cannot_run(where, problem), held) from problem


def _with_held(problem: ModelError, held: Sequence[HeldInput]) -> ModelError:
    """The same error with the values that inputs are held at: they may be what the file does not run with."""
    if held:
        values = ", ".join(f"{one.name} = {one.words}, of sizes {list(one.shape)}" for one in held)
        problem.received = f"with {values} in held of [model]: {problem.received}"
        problem.next_step = f"look at these values first; {problem.next_step}"
    return problem


def cannot_run(where: str, problem: Exception) -> ModelError:
    """The error for what onnxruntime raised."""
    said = " ".join(str(problem).split())
    for known in KNOWN:
        if found := re.search(known.pattern, said):
            received, allowed, step = (
                text.format(*found.groups()) for text in (known.received, known.allowed, known.next_step)
            )
            return ModelError(known.what, where=where, received=received, allowed=allowed, next_step=step)
    plain = re.sub(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ", "", said)
    return ModelError(
        CANNOT_RUN, where=where, received=plain[:400],
        allowed="a file that onnxruntime runs", next_step="export the model again, and run it with onnxruntime before",
    )  # fmt: skip
