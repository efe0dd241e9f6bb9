"""The proof that two files compute the same: both run in child processes, on every runtime that is at hand.

It knows jobs and their answers. If a runtime crashes, hangs or finds a difference, the file before is run against itself,
which tells whether the file after is the cause.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from edgekit.documents.diet import Proof, RuntimeProof, Sameness
from edgekit.jobs.limits import FLOOR_S, memory_limit
from edgekit.jobs.worker import Failed, Worker
from edgekit.machine.extras import is_installed
from edgekit.measure.children import MODULE
from edgekit.measure.runtimes.variants import PACKAGES, TITLES, VARIANTS
from edgekit.progress import Progress, no_progress

TIME_LIMIT_S = 60.0
"""Seconds that the inputs of one runtime may take; reference kernels need minutes for hundreds of a large model's."""


def prove_same(
    before: Path,
    after: Path,
    *,
    inputs: int,
    runtimes: Sequence[str] | None = None,
    time_limit_s: float = TIME_LIMIT_S,
    progress: Progress = no_progress,
) -> Proof:
    """Whether two `.tflite` files give the same outputs to the bit for the same random inputs.

    `runtimes` are names of `VARIANTS`, by default all that are installed. Each runs `inputs` inputs, or as many as
    `time_limit_s` allows, at least one: hundreds are wanted, since a bias that is rounded otherwise shows in one of
    dozens, and rarely in the first. Besides the outputs, the names, shapes and quantization of both ends must be the
    same, and the nodes of the main graph with those of a delegate.
    """
    asked = [name for name in VARIANTS if _is_at_hand(name)] if runtimes is None else list(runtimes)
    job = {"before": str(before.resolve()), "after": str(after.resolve()), "inputs": inputs, "seconds": time_limit_s}
    with Worker(MODULE, memory_bytes=memory_limit()) as worker:
        found = tuple(_compared(worker, {"do": "same", "runtime": name, **job}, progress) for name in asked)
    outcomes = {one.outcome for one in found}
    outcome: Sameness = "different" if "different" in outcomes else "same" if "same" in outcomes else "not run"
    return Proof(outcome=outcome, runtimes=found)


def _is_at_hand(name: str) -> bool:
    return is_installed(PACKAGES.get(name, "ai_edge_litert"))


def _compared(worker: Worker, job: dict[str, Any], progress: Progress) -> RuntimeProof:
    answer = worker.run(job, progress=progress, time_limit_s=FLOOR_S + 2 * job["seconds"])
    found = None if isinstance(answer, Failed) else msgspec.convert(answer.value, RuntimeProof)
    if found is not None and found.outcome != "different":
        return found
    itself = worker.run({**job, "after": job["before"], "inputs": found.inputs if found else 1}, time_limit_s=FLOOR_S)
    if found is None:
        assert isinstance(answer, Failed)
        if isinstance(itself, Failed):
            return _said(job, "not run", itself.reason)
        return _said(job, "different", f"it runs the file before alone; of both: {answer.reason}")
    if not isinstance(itself, Failed) and msgspec.convert(itself.value, RuntimeProof).outcome == "different":
        return _said(job, "not run", "the file before gives other outputs for the same input each time")
    return found


def _said(job: dict[str, Any], outcome: Sameness, reason: str) -> RuntimeProof:
    return RuntimeProof(runtime=TITLES[job["runtime"]], outcome=outcome, asked=job["inputs"], reason=reason)
