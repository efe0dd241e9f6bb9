"""The proof that two files compute the same: both run in child processes, on every runtime that is at hand.

It knows jobs and their answers. A runtime that crashes or hangs is a value: the file before is then run against itself,
which tells whether the file after is the cause.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from edgekit.documents.diet import Proof, RuntimeProof
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
    outcome = next((one for one in ("different", "same") if one in outcomes), "not run")
    return Proof(outcome=outcome, runtimes=found)  # type: ignore[arg-type]


def _is_at_hand(name: str) -> bool:
    return is_installed(PACKAGES.get(name, "ai_edge_litert"))


def _compared(worker: Worker, job: dict[str, Any], progress: Progress) -> RuntimeProof:
    answer = worker.run(job, progress=progress, time_limit_s=FLOOR_S + 2 * job["seconds"])
    if not isinstance(answer, Failed):
        return msgspec.convert(answer.value, RuntimeProof)
    alone = worker.run({**job, "after": job["before"], "inputs": 1}, time_limit_s=FLOOR_S)
    if isinstance(alone, Failed):
        return RuntimeProof(runtime=TITLES[job["runtime"]], outcome="not run", asked=job["inputs"], reason=alone.reason)
    reason = f"it runs the file before alone; of both: {answer.reason}"
    return RuntimeProof(runtime=TITLES[job["runtime"]], outcome="different", asked=job["inputs"], reason=reason)
