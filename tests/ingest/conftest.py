"""Data of every kind goes into a cache of the test's own, in this process or, slower, in the real child."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgekit.errors import DataError, EdgekitError
from edgekit.ingest import model as inputs
from edgekit.ingest.dataset import Dataset
from edgekit.ingest.spool import spool
from edgekit.jobs.cache import Cache
from edgekit.jobs.worker import Done, Failed, Worker
from edgekit.progress import Progress, no_progress
from edgekit.project.project_file import DataTable


class Here:
    """What a child process answers, without the process."""

    def __init__(self, module: str, *, environment: dict[str, str]) -> None:
        assert module == "edgekit.ingest"

    def __enter__(self) -> Here:
        return self

    def __exit__(self, *exc: object) -> None:
        pass

    def run(self, job: dict[str, Any], *, progress: Progress, time_limit_s: float | None = None) -> Done | Failed:
        try:
            return Done(value=spool(job, progress))
        except EdgekitError:
            raise
        except Exception as problem:
            return Failed(reason=f"{type(problem).__name__}: {problem}")


@pytest.fixture
def open_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Dataset]:
    """Open a source that lies in `tmp_path`; keywords are keys of `[data]` and of `open_data`."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def open_it(source: str, in_child: bool = False, **more: Any) -> Dataset:
        monkeypatch.setattr(inputs, "Worker", Worker if in_child else Here)
        options = {name: more.pop(name) for name in list(more) if name in DataTable.__struct_fields__}
        cache = Cache(tmp_path / "cache")
        more = {"progress": no_progress, **more}
        return inputs.open_data(DataTable(source=source, **options), root=tmp_path, cache=cache, **more)

    return open_it


@pytest.fixture
def refused(open_source: Callable[..., Dataset], tmp_path: Path) -> Callable[..., DataError]:
    """The error that opening a source ends with; nothing may be left in the cache."""

    def refuse(source: str, error: type = DataError, **more: Any) -> Any:
        with pytest.raises(error) as caught:
            open_source(source, **more)
        assert not (tmp_path / "cache" / "data").exists() or not list((tmp_path / "cache" / "data").iterdir())
        assert list((tmp_path / "cache" / "scratch").iterdir()) == []
        return caught.value

    return refuse
