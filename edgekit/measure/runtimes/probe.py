"""The job `probe`: whether a runtime opens the model of `edgekit.machine.probe`, and gives the right answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgekit.machine.probe import ANSWER, INPUT
from edgekit.measure.runtimes.interface import Refused
from edgekit.measure.runtimes.registry import runtime
from edgekit.progress import Progress


def probe(job: dict[str, Any], progress: Progress) -> Any:
    """Run `job["model"]` on `job["runtime"]`: its name and version, and `problem`, empty if there is none."""
    import numpy as np

    found = runtime(job["runtime"])
    session = found.open(Path(job["model"]))
    if isinstance(session, Refused):
        return {"runtime": found.describe(), "problem": f"it refuses a dense layer: {session.reason}"}
    (answer,) = session.run([np.array([INPUT], np.float32)])
    right = np.array_equal(answer, np.array([ANSWER], np.float32))
    problem = "" if right else f"it answers {answer.tolist()} where {[list(ANSWER)]} is right"
    return {"runtime": found.describe(), "problem": problem}
