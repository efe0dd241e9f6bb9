"""The diet of the chosen file: shown to have changed nothing on the device's runtime, or left out.

Every candidate's file was put on it when it was made, so that all are compared alike; the proof is taken of the one that
is written.
"""

from __future__ import annotations

from pathlib import Path

from edgekit.documents.diet import FileDiet
from edgekit.progress import Progress
from edgekit.search.trials import Finished, TrialRunner
from edgekit.units import format_size
from edgekit.values import Value


class Slim(Value):
    """The file to write, with the facts of its diet and the note of the report."""

    path: str
    diet: FileDiet | None
    note: str | None = None


def proven(chosen: Finished, runner: TrialRunner, *, progress: Progress) -> Slim:
    """The chosen file after its diet where that is shown to compute the same, else the file before it."""
    after, before = Path(chosen.tflite or ""), chosen.before
    if before is None:
        return Slim(path=str(after), diet=None)
    if before.path is None:
        return Slim(path=str(after), diet=FileDiet(flash_before=after.stat().st_size, reason=before.reason))
    proof = runner.same(Path(before.path), after, progress=progress)
    size = Path(before.path).stat().st_size
    if proof.outcome == "same":
        return Slim(
            path=str(after),
            diet=FileDiet(flash_before=size, savings=before.savings, proof=proof),
            note=_saved(size - after.stat().st_size, proof.runtimes[0].inputs, proof.runtimes[0].runtime),
        )
    why = f"the file is kept as it was converted, {format_size(size)}: its diet is not shown to change nothing ({proof.reason})"
    return Slim(path=before.path, diet=FileDiet(flash_before=size, reason=why, proof=proof), note=f"warning: {why}")


def _saved(saved: int, inputs: int, runtime: str) -> str:
    return (
        f"the file is {format_size(saved)} smaller than before its diet, without what no runtime reads; "
        f"its outputs on {inputs} random inputs on {runtime} are the same to the bit"
    )
