"""A `.tflite` file as the model of a build: whether it is one, what keeps it from being one, and how its weights are stored already.

It is judged by its bytes, before any native code reads it. What a device or a limit says of the file is not known here.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from edgekit.errors import ModelError
from edgekit.tflite.model import Tensor, TfliteModel
from edgekit.tflite.numerics import Arithmetic, arithmetic, dominant_arithmetic
from edgekit.tflite.schema import BITS, FILE_IDENTIFIER
from edgekit.tflite.weights import kernel_tensors

SUFFIX = ".tflite"
FLEX = "Flex"
"""How the names of TensorFlow's own operators in a file begin."""
STATE = ("VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE", "HASHTABLE", "CALL_ONCE")
"""Operators with a state that outlives an inference: resource variables and tables."""
INTEGERS = ("int8", "uint8", "int4", "uint4", "int2", "int16")
COMPLEX = ("complex64", "complex128")
ENDS = ("float32", "int8", "uint8", "int16", "int32", "int64", "bool")
"""The dtypes of inputs and outputs that a file for some device has; those of another stay, whatever is made of its inside."""
SHOWN = 10


def is_tflite(path: Path) -> bool:
    """Whether a path is meant as a `.tflite`, by its name, or by a file's first bytes; raises `ModelError` where it cannot be read.

    A SavedModel is none, whatever its folder is named.
    """
    try:
        if not os.path.isfile(path):
            return path.suffix == SUFFIX and not os.path.exists(path / "saved_model.pb")
        if path.suffix == SUFFIX:
            return True
        with path.open("rb") as file:
            return file.read(8)[4:] == FILE_IDENTIFIER
    except (OSError, ValueError) as problem:
        received = getattr(problem, "strerror", None) or str(problem)
        raise ModelError(
            "the model cannot be read", where=str(path), received=received, allowed="a file that this user may read", next_step="give the permission to read it"
        ) from None  # fmt: skip


def require_usable(model: TfliteModel) -> None:
    """Raise `ModelError` with the names of what no build takes: operators, several signatures, free sizes, dtypes, another batch than 1."""
    if model.compiled_by is not None:
        raise _refused(model, "the file is compiled for an NPU", model.compiled_by, "give the file that was compiled")
    _require_known_operators(model)
    if len(model.signatures) > 1:
        keys = ", ".join(repr(one.key) for one in model.signatures[:SHOWN])
        raise _refused(model, "the file has several signatures", keys, "convert the one that the device runs alone")
    if not model.inputs or not model.outputs:
        raise _refused(
            model, "the file has no inputs or no outputs", None, "convert a model that takes and gives something"
        )
    if not model.operators:
        raise _refused(model, "the file computes nothing", "no operators", "convert the network that it is to hold")
    for tensor in (*model.input_tensors, *model.output_tensors):
        _require_one_sample(model, tensor)
    _require_own_ports(model)
    if max(len(model.inputs), len(model.outputs)) > 1:
        _require_names(model)


def _require_known_operators(model: TfliteModel) -> None:
    customs = list(dict.fromkeys(one.name for one in model.operators if one.custom))
    flex = [name for name in customs if name.startswith(FLEX)]
    if flex:
        raise _refused(
            model, "the file has operators of TensorFlow itself", ", ".join(flex[:SHOWN]),
            "convert the model with TFLite's built-in operators alone",
        )  # fmt: skip
    if customs:
        raise _refused(
            model, "the file has custom operators", ", ".join(customs[:SHOWN]),
            "convert the network without them, as by leaving out its post-processing",
        )  # fmt: skip
    states = list(dict.fromkeys(one.name for one in model.operators if one.name in STATE))
    if states:
        raise _refused(
            model, "the file keeps a state in variables", ", ".join(states), "convert the model with its state as inputs and outputs"
        )  # fmt: skip


def _require_one_sample(model: TfliteModel, tensor: Tensor) -> None:
    name = model.name_of(tensor.index)
    if tensor.dtype not in BITS or tensor.dtype in COMPLEX:
        what = f"{name!r} holds {'complex' if tensor.dtype in COMPLEX else 'no'} numbers"
        raise _refused(model, what, tensor.dtype, "convert the network without it")
    if tensor.dtype not in ENDS:
        raise _refused(
            model, f"{name!r} is {tensor.dtype}, which no device takes", tensor.dtype,
            "convert the model with float32 inputs and outputs, and cast what it is given before",
            allowed=f"inputs and outputs in {', '.join(ENDS[:-1])} or {ENDS[-1]}",
        )  # fmt: skip
    if any(size < 0 for size in tensor.shape_signature[1:]):
        sizes = tuple("any" if size < 0 else size for size in tensor.shape_signature)
        raise _refused(
            model, f"{name!r} has free sizes", str(sizes).replace("'", ""), "convert the model with fixed sizes but for the batch"
        )  # fmt: skip
    if tensor.shape[:1] != (1,):
        raise _refused(
            model, f"the batch of {name!r} is not 1", str(tensor.shape), "convert the model for one sample: the first axis is the batch"
        )  # fmt: skip


def _require_own_ports(model: TfliteModel) -> None:
    """Inputs are given and not stored, every input and output holds something, and the signature speaks of them alone."""
    for tensor in (*model.input_tensors, *model.output_tensors):
        if not tensor.elements:
            raise _refused(
                model,
                f"{model.name_of(tensor.index)!r} is empty",
                str(tensor.shape),
                "convert the model with sizes above 0",
            )
    stored = [model.name_of(tensor.index) for tensor in model.input_tensors if tensor.constant]
    if stored:
        raise _refused(
            model,
            "an input is a constant of the file",
            repr(stored[0]),
            "convert the model with what it takes as its inputs",
        )
    for signature in model.signatures:
        pairs = ((signature.inputs, model.inputs), (signature.outputs, model.outputs))
        strange = [name for named, ports in pairs for name, index in named.items() if index not in ports]
        if strange:
            raise _refused(
                model, "the signature names what is neither an input nor an output", repr(strange[0]), "convert the model with a signature of its own"
            )  # fmt: skip


def _require_names(model: TfliteModel) -> None:
    """Several inputs or outputs are told apart by their names in the signature, whatever order a quantizer gives them."""
    names = [model.name_of(index) for index in (*model.inputs, *model.outputs)]
    plain = [re.fullmatch(r"[A-Za-z0-9]\w*", name, re.ASCII) for name in names]
    if not model.signatures or not all(plain) or len(set(names)) < len(names):
        raise _refused(
            model, "several inputs or outputs without names of their own", ", ".join(map(repr, names[:SHOWN])),
            "convert the model with a signature whose names are identifiers",
        )  # fmt: skip


def quantized_as(model: TfliteModel) -> Arithmetic | None:
    """How the file's weights are stored or computed with already; None where it is in float32 throughout."""
    kinds = {kind for kind in arithmetic(model) if kind not in ("float32", "other")}
    if not kinds:  # integers that a DEQUANTIZE widens are computed with in float32
        return "hybrid" if _stores_integers(model) else None
    most = dominant_arithmetic(model)
    return most if most in kinds else min(kinds)


def _stores_integers(model: TfliteModel) -> bool:
    writers = {out: operator for operator in model.operators for out in operator.outputs}
    stored = (tensor for operator in model.operators for tensor, _ in kernel_tensors(model, operator, writers))
    return any(tensor.dtype in INTEGERS for tensor in stored)


def _refused(
    model: TfliteModel, what: str, received: str | None, next_step: str, *,
    allowed: str = "a .tflite with built-in operators, one signature and fixed sizes, for a batch of 1",
) -> ModelError:  # fmt: skip
    return ModelError(what, where=model.path, received=received, allowed=allowed, next_step=next_step)
