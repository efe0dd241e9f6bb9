"""A build that is killed at any moment, workers and all, loses nothing that was finished and leaves nobody behind."""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

pytestmark = pytest.mark.tf
ROOT = Path(__file__).resolve().parent.parent
MARK = "EDGEKIT_TEST_MARK"
TRAINED = ("models", "data", "stages", "artifacts")


class Builds:
    """Starts the same build again and again, and tells every process that came of it by a mark in its environment."""

    def __init__(self, project: Path, cache: Path) -> None:
        self.project, self.cache = project, cache
        self._mark = f"{os.getpid()}-{cache}"

    def start(self) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "EDGEKIT_CACHE": str(self.cache), MARK: self._mark}
        command = [
            sys.executable,
            "-m",
            "edgekit",
            "build",
            "--device",
            "rpi4",
            "--out",
            str(self.cache.parent / "out"),
        ]
        return subprocess.Popen(
            command, cwd=self.project, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            start_new_session=True,
        )  # fmt: skip

    def finish(self) -> float:
        """Run to the end; the seconds it took."""
        started = time.monotonic()
        process = self.start()
        _, stderr = process.communicate(timeout=240)
        assert process.returncode == 0, stderr.decode()
        return time.monotonic() - started

    def kill_at_random(self, generator: random.Random, longest_s: float) -> None:
        process = self.start()
        time.sleep(generator.uniform(0.2, longest_s))
        process.kill()
        process.communicate()
        assert self.left_over() == [], "a worker outlived its parent"

    def kill_a_worker(self, generator: random.Random, longest_s: float) -> None:
        """SIGKILL to one child of a running build, which must go on or fail that trial alone, and end by itself."""
        process = self.start()
        time.sleep(generator.uniform(0.5, longest_s))
        with contextlib.suppress(psutil.Error):
            for child in psutil.Process(process.pid).children()[:1]:
                child.kill()
        process.communicate(timeout=240)
        assert self.left_over() == []

    def left_over(self) -> list[str]:
        """Commands of living processes of these builds, two seconds after the end at the latest."""
        deadline = time.monotonic() + 2
        while (found := self._living()) and time.monotonic() < deadline:
            time.sleep(0.05)
        return found

    def _living(self) -> list[str]:
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.environ().get(MARK) == self._mark and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(" ".join(process.cmdline()))
        return found

    def entries(self) -> dict[str, tuple[int, int]]:
        """Inode and time of every finished entry."""
        return {
            str(path.relative_to(self.cache)): ((stat := path.stat()).st_ino, stat.st_mtime_ns)
            for kind in TRAINED
            for path in self.cache.glob(f"{kind}/*")
        }

    def bytes_made(self) -> dict[str, str]:
        """SHA-256 of every model and file that was made, by its entry."""
        return {
            str(path.relative_to(self.cache)): hashlib.sha256(path.read_bytes()).hexdigest()
            for pattern in ("stages/*/model.h5", "artifacts/*/model.tflite")
            for path in self.cache.glob(pattern)
        }

    def result(self) -> bytes:
        return (self.cache.parent / "out" / "rpi4" / "model.tflite").read_bytes()


def downloads(project: Path) -> Path:
    """The project with trained candidates: what is to be made small is the download."""
    toml = project / "edgekit.toml"
    toml.write_text(toml.read_text().replace("max_drop = 100", 'max_drop = 100\ncurrency = "download"'))
    return project


def torture(project: Path, folder: Path, blows: list[Callable[[Builds, random.Random, float], None]]) -> None:
    generator = random.Random(0)
    undisturbed = Builds(project, folder / "undisturbed" / "cache")
    seconds = undisturbed.finish()
    killed = Builds(project, folder / "killed" / "cache")
    finished: dict[str, tuple[int, int]] = {}
    for blow in blows:
        blow(killed, generator, seconds)
        now = killed.entries()
        assert finished.items() <= now.items(), "a finished entry was made again"
        finished = now
    killed.finish()
    assert finished.items() <= killed.entries().items()
    assert killed.left_over() == [] and not list((killed.cache / "scratch").iterdir())
    assert set(killed.entries()) == set(undisturbed.entries())
    assert killed.bytes_made() == undisturbed.bytes_made()
    assert killed.result() == undisturbed.result()


def test_three_blows(tiny_project, tmp_path):
    torture(tiny_project, tmp_path, [Builds.kill_at_random, Builds.kill_a_worker, Builds.kill_at_random])


@pytest.mark.slow
def test_many_blows_while_it_trains(tiny_project, tmp_path):
    blows = [Builds.kill_at_random, Builds.kill_at_random, Builds.kill_a_worker, Builds.kill_at_random] * 4
    torture(downloads(tiny_project), tmp_path, blows)
