"""What a model that is a finished file rules out: techniques that train, and every rounding where it is quantized already."""

from __future__ import annotations

from collections.abc import Sequence

from edgekit.documents.candidate import Declined, Step
from edgekit.errors import ProjectError
from edgekit.techniques import technique
from edgekit.techniques.interface import Conversion, Task, Technique


def ruled_out_by_file(task: Task, method: Technique) -> Declined | None:
    """Why a technique is not asked about the model, by whether that is a file; None where it is asked. The control has its own ways in."""
    quantized = task.facts.quantized
    if isinstance(method, Conversion) and method.takes_quantized != bool(quantized):
        why = f"the file is quantized already ({quantized}): rounded once more, it would only lose"
        return method.declined(why if quantized else "the model is no quantized file")
    if method.kind == "training" and method.role == "candidate" and task.facts.untrainable:
        return method.declined(task.facts.untrainable)
    return None


def require_file_takes(task: Task, steps: Sequence[Step], where: str) -> None:
    """Raise `ProjectError` for a chain of the project's own that trains where the model is a file, and for any where that is quantized."""
    if task.facts.quantized:
        raise ProjectError(
            "the model is a quantized file, which no technique changes", where=where, received=task.facts.quantized, allowed="no chain",
            next_step="leave the chain out, or give the float model",
        )  # fmt: skip
    if not task.facts.untrainable:
        return
    training = [step.technique for step in steps if technique(step.technique, where=where).kind == "training"]
    if training:
        raise ProjectError(
            f"the chain trains, and {task.facts.untrainable}", where=where, received=" + ".join(training),
            allowed="chains of a conversion alone", next_step=f"leave {training[0]} out of the chain, or give that model",
        )  # fmt: skip
