"""Whether the workers of a cluster can take a build's jobs: each must see the build's folder, and be like this machine.

Another processor or version gives other bytes, and the cache's keys name one of each: a worker that differs is
refused, and the error names the differences.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

from edgekit.errors import ClusterError, ProjectError
from edgekit.jobs.cache import CACHE_VARIABLE
from edgekit.make.cluster.remote import TOKEN, alike, examine, modules_of
from edgekit.project.project import Project

MOST_SHOWN = 8
STARTS_S = 8.0
"""Seconds to wait for a first worker: a cluster that grows on demand may have none yet."""
ANSWERS_S = 30.0


def check(client: Any, temporary: Path, project: Project, *, where: str) -> dict[str, str]:
    """What all workers and this machine have in common.

    Raises `ClusterError` if there is no worker or one does not answer in time, and `ProjectError` that names every worker
    that differs, and how.
    """
    folder, token = temporary / "meeting", uuid4().hex
    folder.mkdir()
    (folder / TOKEN).write_text(token)
    try:
        client.wait_for_workers(1, timeout=STARTS_S)
        asked = (str(folder), token, project.root, project.imports)
        found = client.run(examine, *asked, on_error="return", callback_timeout=ANSWERS_S)
    except Exception as problem:  # dask passes on whatever its transports raise
        raise ClusterError(
            "the scheduler has no worker that answers",
            where=f"--scheduler {where}",
            received=f"{type(problem).__name__}: {problem}"[:300],
            next_step=f"start workers with `dask worker {where}`",
        ) from None
    modules = modules_of(project.root, project.imports)
    wrong = {worker: list(_wrong(answer, folder, token, modules)) for worker, answer in sorted(found.items())}
    lines = [f"\n    {worker}: {problem}" for worker, problems in wrong.items() for problem in problems]
    if lines:
        more = len(lines) - MOST_SHOWN
        shown = "".join(lines[:MOST_SHOWN]) + (f"\n    and {more} more" if more > 0 else "")
        raise ProjectError(
            f"{sum(map(bool, wrong.values()))} of {len(wrong)} workers cannot take jobs of this machine",
            where=f"--scheduler {where}",
            received=shown,
            allowed="workers that share the cache's folder, with the same edgekit, packages and processor as here",
            next_step="stop those, or mend them and start them again: a worker that was started before an update still "
            "has what was there then",
        )
    return alike()


def _wrong(answer: Any, folder: Path, token: str, modules: str) -> Iterator[str]:
    """Why a worker cannot take jobs, one line for each reason."""
    if isinstance(answer, Exception):
        yield f"it cannot run edgekit's jobs ({type(answer).__name__}: {str(answer).strip()[:200]})"
        return
    if answer["problem"] or not _is_seen(folder / answer["seen"], token):
        reason = answer["problem"] or "what it writes is not seen here"
        yield f"it does not share the cache's folder, which is {folder.parent.parent.parent} here ({reason}); see {CACHE_VARIABLE}"
    mine, theirs = alike(), answer["alike"]
    for name in sorted({*mine, *theirs}):
        if mine.get(name) != theirs.get(name):
            yield f"{name}: {theirs.get(name, 'not installed')} there, {mine.get(name, 'not installed')} here"
    if answer["modules"] != modules:
        yield f"the modules of --import: {answer['modules'][:60]} there, {modules[:60]} here"


def _is_seen(path: Path, token: str) -> bool:
    try:
        return path.read_text() == token
    except OSError:
        return False
