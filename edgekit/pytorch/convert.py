"""The job `convert`: a user's PyTorch model as an ONNX file, with batch normalization as it is, and what the model answers on random input.

The exporter's own passes over the ONNX graph are left out: they fold batch normalization into the convolutions, where training could not reach it.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import onnxscript.optimizer
import torch

from edgekit.errors import EdgekitError, ModelError
from edgekit.progress import Progress
from edgekit.project.user_errors import users_line
from edgekit.pytorch.given import Given, opened, said

ONNX_FILE, PROGRAM_FILE = "model.onnx", "program.pt2"
OPSET = 17
"""Of TorchScript, whose exporter is not developed further: the newest that it writes without converting."""


def convert(job: dict[str, Any], progress: Progress) -> Any:
    """Write the model that `given.opened` opens to the folder `job["target"]`: `model.onnx`, inputs `x_0.npy`, ... and its outputs `y_0.npy`, ...

    A function's program is kept as `program.pt2`, so that it can be asked again. `job["seed"]` seeds all that draws. Returns the `kind` of what was
    given. Raises `ModelError`.
    """
    random.seed(job["seed"])
    np.random.seed(job["seed"])
    torch.manual_seed(job["seed"])
    target = Path(job["target"])
    progress("exporting from PyTorch", 0, 2)
    given = opened(job)
    progress("exporting from PyTorch", 1, 2)
    _write_answers(
        given, target, job["named"]
    )  # what the model itself refuses is told before what the exporter makes of it
    _export(given, target / ONNX_FILE, job["named"])
    if job["form"] == "function":
        torch.export.save(given.program, target / PROGRAM_FILE)
    progress("exporting from PyTorch", 2, 2)
    return {"kind": f"PyTorch {torch.__version__.partition('+')[0]}, {given.kind}"}


def _export(given: Given, path: Path, source: str) -> None:
    try:
        if given.program is None:
            _export_torchscript(given, path)
        else:
            _export_program(given, path)
    except Exception as problem:  # of any type: operators without ONNX, and what the exporter itself does not expect
        raise ModelError(
            "PyTorch cannot export the model to ONNX", where=source, received=said(problem),
            next_step="export it with torch.onnx.export where it is made, and leave out the operator that it names",
        ) from problem  # fmt: skip


def _export_program(given: Given, path: Path) -> None:
    """By the exporter of programs, without its rewriting: functions are opened and constants folded, and all else stays."""
    exported = torch.onnx.export(given.program, (), dynamo=True, optimize=False, verbose=False)
    onnxscript.optimizer.inline(exported.model)
    onnxscript.optimizer.fold_constants(exported.model)
    onnxscript.optimizer.remove_unused_nodes(exported.model)
    exported.save(path, external_data=False)


def _export_torchscript(given: Given, path: Path) -> None:
    """By the exporter of TorchScript, whose mode `PRESERVE` leaves out that it folds batch normalization; the module is in evaluation mode."""
    names = [argument.name for argument in given.module.forward.schema.arguments[1:]]
    torch.onnx.export(
        given.module, given.examples, path, dynamo=False, training=torch.onnx.TrainingMode.PRESERVE, opset_version=OPSET,
        input_names=names[: len(given.examples)],
    )  # fmt: skip


def _write_answers(given: Given, target: Path, source: str) -> None:
    """The model's outputs on random input of the size of its example inputs; each array has one tensor as its first row."""
    try:
        inputs = [_random(one) for one in given.examples]
        outputs = given.answers(inputs)
    except EdgekitError as problem:
        problem.where = problem.where or source
        raise
    except Exception as problem:  # whatever the module raises
        raise ModelError(
            "the model cannot be called", where=users_line(problem, source), received=said(problem),
            next_step="call it once on its example inputs where it is made, and mend what fails there",
        ) from problem  # fmt: skip
    save(target, [one[None].numpy() for one in inputs], [one[None].numpy() for one in outputs])


def _random(example: Any) -> Any:
    """Normal numbers; 0 or 1 for whole numbers, which every table has."""
    if example.is_floating_point():
        return torch.randn(example.shape).to(example.dtype)
    return torch.randint(0, 2, example.shape).to(example.dtype)


def save(folder: Path, inputs: list[np.ndarray], outputs: list[np.ndarray]) -> None:
    """Write inputs and outputs, arrays whose rows are whole tensors of the model, in its order."""
    for kind, arrays in (("x", inputs), ("y", outputs)):
        for index, array in enumerate(arrays):
            np.save(folder / f"{kind}_{index}.npy", np.ascontiguousarray(array))
