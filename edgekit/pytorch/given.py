"""What a user gives of PyTorch, opened: a program of torch.export, a function's module traced with its example inputs, or TorchScript.

A module is put into evaluation mode first. Its parameters stay as they are: nothing is folded into another.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torch.utils._pytree as pytree

from edgekit.errors import ModelError
from edgekit.project.user_errors import say, users_line
from edgekit.project.userfunction import call

EXAMPLES = (
    "return (module, (example input, ...)), tensors of batch 1, or name data in edgekit.toml, whose sizes are taken"
)


class Given(NamedTuple):
    """A module that answers, its example inputs in the order of the model's inputs, and how they are passed to it.

    `program` is what torch.export made of it; None for TorchScript.
    """

    module: Any
    examples: tuple[Any, ...]
    structure: Any
    program: Any
    kind: str

    def answers(self, inputs: Sequence[Any]) -> list[Any]:
        """The output tensors for the input tensors; raises `ModelError` for outputs of another kind, and whatever the module raises."""
        args, kwargs = pytree.tree_unflatten(list(inputs), self.structure)
        with torch.no_grad():
            outputs: list[Any] = pytree.tree_leaves(self.module(*args, **kwargs))
        return list(_tensors(outputs, "outputs of the model that are no tensors"))


def opened(job: dict[str, Any]) -> Given:
    """What `job["source"]` names, by the job's `form`: 'function', 'program' or 'torchscript'; raises `ModelError`.

    The job also has what it is `named` for messages, of a function its file and line, the project's `root`, and `sizes`, the shapes of the data's samples or None, for inputs whose sizes are told nowhere else.
    """
    if job["form"] == "function":
        module, examples = _called(job["source"], job["named"], Path(job["root"]), job["sizes"])
        return _of_program(_traced(module, examples, job["named"]), "module", module)
    if job["form"] == "torchscript":
        return _torchscript(job["source"], job["sizes"], job["named"])
    return _of_program(_loaded(job["source"], job["named"]), "program")


def _of_program(program: Any, kind: str, module: Any = None) -> Given:
    examples, structure = pytree.tree_flatten(program.example_inputs or ((), {}))
    tensors = _tensors(examples, "inputs of the program that are no tensors")
    if not tensors:
        raise ModelError(
            "a program without inputs", next_step="export a module whose forward takes what a device feeds"
        )
    return Given(program.module() if module is None else module, tensors, structure, program, kind)


def _tensors(found: Sequence[Any], what: str) -> tuple[Any, ...]:
    if not all(isinstance(one, torch.Tensor) for one in found):
        kinds = ", ".join(type(one).__name__ for one in found)
        raise ModelError(
            what,
            received=kinds,
            allowed="tensors alone",
            next_step="wrap it in a module whose forward takes and gives tensors",
        )
    return tuple(found)


def _loaded(path: str, named: str) -> Any:
    try:
        return torch.export.load(path)
    except Exception as problem:  # of any type: PyTorch reads the file without checking it first
        raise ModelError(
            "PyTorch cannot read the program", where=named, received=said(problem),
            next_step=f"make the file again by torch.export.save, with PyTorch {torch.__version__} or an older one: it is damaged, or newer than this PyTorch",
        ) from problem  # fmt: skip


def _torchscript(path: str, sizes: Sequence[Sequence[int]] | None, named: str) -> Given:
    if sizes is None:
        raise ModelError(
            "TorchScript does not tell the sizes of its inputs", where=named, received="no data", allowed="TorchScript with data whose samples have the sizes",
            next_step="name data in edgekit.toml, whose sizes are taken, or export the network with torch.export",
        )  # fmt: skip
    try:
        module = torch.jit.load(path, map_location="cpu").train(False)
    except Exception as problem:  # of any type, as above
        raise ModelError(
            "PyTorch cannot read the TorchScript", where=named, received=said(problem), allowed="what this PyTorch's torch.jit.load reads",
            next_step="copy the file again, or export the network again with torch.export where it was made",
        ) from problem  # fmt: skip
    examples = _fitting(module, sizes, named)
    return Given(module, examples, pytree.tree_structure((examples, {})), None, "TorchScript")


def _fitting(module: Any, sizes: Sequence[Sequence[int]], source: str) -> tuple[Any, ...]:
    """Example inputs of batch 1 of the data's sizes; pictures whose channels come last are tried with them first too."""
    problems: list[Exception] = []
    for shapes in (sizes, [(size[2], *size[:2]) if len(size) == 3 else size for size in sizes]):
        examples = tuple(torch.zeros((1, *size)) for size in shapes)
        try:
            with torch.no_grad():
                module(*examples)
        except Exception as problem:  # whatever the module raises
            problems.append(problem)
        else:
            return examples
    raise ModelError(
        "the module cannot be called on samples of the sizes of the data", where=users_line(problems[0], source), received=f"samples of {sizes}: {said(problems[0])}",
        allowed="float32 inputs of a sample's sizes behind a batch of 1", next_step="give data of the sizes that it takes, or return (module, (example input, ...)), tensors of batch 1",
    )  # fmt: skip


def _called(source: str, where: str, root: Path, sizes: Sequence[Sequence[int]] | None) -> tuple[Any, tuple[Any, ...]]:
    """A function's module in evaluation mode, and its example inputs; `where` is the function's file and line."""
    found = call(source, root=root, imports=(), error=ModelError)
    module, examples = found if isinstance(found, tuple) and len(found) == 2 else (found, None)
    if not isinstance(module, torch.nn.Module):
        received, step = _instead_of_a_module(module)
        raise ModelError(
            "the function returned no PyTorch module", where=where, received=received, allowed="a torch.nn.Module, or (module, example inputs)",
            next_step=step,
        )  # fmt: skip
    if examples is None and sizes is None:
        raise ModelError("the sizes of the module's inputs are not known", where=where, next_step=EXAMPLES)
    module = _evaluated(module, where)
    if examples is None:
        examples = _fitting(module, sizes or (), where)
    if isinstance(examples, torch.Tensor):
        examples = (examples,)
    if not isinstance(examples, tuple | list) or not all(isinstance(one, torch.Tensor) for one in examples):
        raise ModelError(
            "the example inputs are no tensors", where=where, received=_kind(examples),
            allowed="a tensor or a tuple of tensors", next_step=EXAMPLES,
        )  # fmt: skip
    if not examples or any(one.numel() == 0 for one in examples):
        raise ModelError(
            "an example input is empty", where=where, received=", ".join(str(tuple(one.shape)) for one in examples) or "no tensor",
            allowed="sizes of 1 or more, the batch's too", next_step=EXAMPLES,
        )  # fmt: skip
    if any(one.is_meta or one.layout != torch.strided for one in examples):
        raise ModelError(
            "an example input has no numbers, or is sparse", where=where, received=", ".join(f"{one.device}, {one.layout}" for one in examples),
            allowed="dense tensors on the CPU", next_step=EXAMPLES,
        )  # fmt: skip
    return module, tuple(one.detach().cpu() for one in examples)


def _evaluated(module: Any, where: str) -> Any:
    """The module on the CPU in evaluation mode."""
    try:
        return module.cpu().train(False)
    except Exception as problem:  # weights on the meta device, or what the user's own module does there
        raise ModelError(
            "the module cannot be brought to the CPU in evaluation mode", where=users_line(problem, where), received=said(problem),
            next_step="mend what it names; all of its parameters need numbers, and none may be on the meta device",
        ) from problem  # fmt: skip


def _instead_of_a_module(found: Any) -> tuple[str, str]:
    """What a function returned instead of a module, and what to do, so that its user sees the difference."""
    step = "build the network in the function, load its weights, and return it"
    if found is None:
        return "None", "end the function with `return module`"
    if isinstance(found, dict) and found and all(isinstance(one, torch.Tensor) for one in found.values()):
        return (
            f"a state_dict, weights alone ({len(found)} tensors)",
            "build the network, call its load_state_dict with these weights, and return the network",
        )
    if isinstance(found, torch.export.ExportedProgram):
        return "a program of torch.export", "save it, torch.export.save(program, 'net.pt2'), and name that file"
    return _kind(found), step


def _kind(found: Any) -> str:
    if isinstance(found, type):
        return f"the class {found.__name__}, not a module made of it"
    if isinstance(found, tuple | list):
        return f"a {type(found).__name__} of {len(found)}: {', '.join(type(one).__name__ for one in found[:4])}"
    return f"{type(found).__name__} of {len(found)}" if isinstance(found, dict) else type(found).__name__


def _traced(module: Any, examples: tuple[Any, ...], source: str) -> Any:
    """The program of a module; the batch is free where the examples have more than one sample."""
    batches = {one.shape[0] if one.dim() else 1 for one in examples}
    is_free = len(batches) == 1 and batches != {1}
    try:
        shapes = tuple({0: torch.export.Dim.AUTO} for _ in examples) if is_free else None
        return torch.export.export(module, examples, dynamic_shapes=shapes)
    except Exception as problem:  # whatever the user's own module raises, and what PyTorch says of its control flow
        raise ModelError(
            "torch.export cannot trace the module", where=users_line(problem, source), received=said(problem),
            next_step="run torch.export.export(module.eval(), example inputs) where it is made, and mend what it names",
        ) from problem  # fmt: skip


def said(problem: BaseException) -> str:
    """What an exception says, in a line of a bounded length: PyTorch's go on for pages."""
    lines = [line.strip() for line in say(problem).splitlines() if line.strip()]
    return " ".join(lines[:3])
