"""Kills: SIGKILL at random moments of a short build that trains, and what is left afterwards.

    python tools/kill.py --kills 200 --out /tmp/kill

One build is left in peace. Others of the same project, each with an empty cache, are killed again and again until one
gets to its end. Moments are drawn over the whole build, and just after a new entry has appeared in the cache; the
victim is the build, the build with the guards of its workers, or a worker alone. After each kill: no process is left,
every entry of the cache is whole, none that was finished is made again, and every file under a final name is what the
manifest says or what the build in peace wrote. At the end of each round: the bytes of every stage, artifact and model
are those of the build in peace, and no scratch is left. What is not so is a finding, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
from tiny_project import ROOT, write_project

MARK = "EDGEKIT_KILL_MARK"
MADE = ("models", "data", "stages", "artifacts", "measurements", "predictions")
PATIENCE_S = 600.0
# A blow falls within so long of a start: each attempt goes on where the last one was, so that the blows of a round are
# spread over the whole build.
LATEST_S = 10.0
# Soon: the guard of a worker kills it as its parent dies. With the guard dead too, a worker goes as soon as native code
# lets it see that its pipe has ended.
SOON_S = {"build and guards": 60.0}
Entries = dict[str, tuple[int, int]]


class Build:
    """The same build again and again, in a folder of its own: cache, output, temporary files."""

    def __init__(self, folder: Path, project: Path) -> None:
        self.cache, self.out, self.temporary, self._project = folder / "cache", folder / "out", folder / "tmp", project
        self.temporary.mkdir(parents=True)
        self._mark = f"{os.getpid()}-{folder}"

    def start(self) -> subprocess.Popen[bytes]:
        """One more attempt; every process that comes of it carries the mark in its environment."""
        environment = {
            **os.environ, "PYTHONPATH": str(ROOT), "EDGEKIT_CACHE": str(self.cache), "TMPDIR": str(self.temporary), MARK: self._mark,
        }  # fmt: skip
        command = [sys.executable, "-m", "edgekit", "build", "--device", "rpi4", "--quiet", "--out", str(self.out)]
        return subprocess.Popen(
            command,
            cwd=self._project,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def finish(self) -> tuple[float, str]:
        """Run to the end: the seconds it took, and what went wrong."""
        began, process = time.monotonic(), self.start()
        _, said = process.communicate(timeout=PATIENCE_S)
        return time.monotonic() - began, said.decode() if process.returncode else ""

    def living(self, within_s: float) -> list[psutil.Process]:
        """Processes of this build that live, so many seconds from now at the latest."""
        deadline = time.monotonic() + within_s
        while (found := self._marked()) and time.monotonic() < deadline:
            time.sleep(0.05)
        return found

    def _marked(self) -> list[psutil.Process]:
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.environ().get(MARK) == self._mark and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found

    def entries(self) -> Entries:
        """Inode and time of every finished entry."""
        found = {}
        for kind in MADE:
            for path in self.cache.glob(f"{kind}/*"):
                stat = path.stat()
                found[str(path.relative_to(self.cache))] = (stat.st_ino, stat.st_mtime_ns)
        return found

    def bytes_made(self) -> dict[str, str]:
        """SHA-256 of every model and file that was made, by its entry."""
        patterns = ("stages/*/model.h5", "artifacts/*/model.tflite")
        return {
            str(path.relative_to(self.cache)): _sha256(path)
            for pattern in patterns
            for path in self.cache.glob(pattern)
        }

    def model(self) -> Path:
        return self.out / "rpi4" / "model.tflite"


class Torture:
    """Rounds of kills, with what was counted and what was found."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._folder, self._rng = folder, random.Random(seed)
        self.counts: collections.Counter[str] = collections.Counter()
        self.findings: list[str] = []
        write_project(folder / "project")
        self._peace = Build(folder / "peace", folder / "project")
        self.seconds, problem = self._peace.finish()
        if problem:
            raise SystemExit(f"the build in peace failed:\n{problem}")
        self.stages = sum(name.startswith("stages/") for name in self._peace.entries())
        if not self.stages:
            raise SystemExit("nothing was trained: the build is no test of anything")

    def round(self, kills: int) -> None:
        """Kill a build at most so many times, with an empty cache at first, and let it end."""
        self.counts["rounds"] += 1
        folder = self._folder / f"round-{self.counts['rounds']}"
        build, seen, hurt = Build(folder, self._folder / "project"), dict[str, tuple[int, int]](), False
        for _ in range(kills):
            victim = self._rng.choice(("build", "build", "build", "build and guards", "worker"))
            if not self._kill(build, victim):
                break
            hurt |= victim == "worker"
            seen = self._inspect(build, seen, victim)
        began = len(self.findings)
        _, problem = build.finish()
        self._expect(not problem, f"the last build failed: {problem}")
        self._inspect(build, seen, "the last build")
        self._compare(build, exact=not hurt)
        if len(self.findings) == began:
            shutil.rmtree(folder)

    def _kill(self, build: Build, victim: str) -> bool:
        """Start a build and strike; False where it had already ended."""
        process = build.start()
        self._wait(build, process)
        if process.poll() is not None:
            process.communicate()
            self.counts["ended before the blow"] += 1
            return False
        children = psutil.Process(process.pid).children()
        workers = [child for child in children if "read" not in " ".join(child.cmdline())]
        targets = {
            "build": [],
            "build and guards": [child for child in children if child not in workers],
            "worker": workers[:1],
        }[victim]
        for target in targets:
            with contextlib.suppress(psutil.Error):
                target.kill()
        if victim != "worker":
            os.kill(process.pid, signal.SIGKILL)
        process.communicate(timeout=PATIENCE_S)
        if victim == "worker":
            if not targets:
                return True
            self._expect(process.returncode in (0, 1, 2), f"a killed worker ended its build with {process.returncode}")
        self.counts["kills"] += 1
        self.counts[f"kills of: {victim}"] += 1
        return True

    def _wait(self, build: Build, process: subprocess.Popen[bytes]) -> None:
        """Until a moment of the whole build, or until just after a new entry."""
        moment = time.monotonic() + self._rng.uniform(0.1, min(LATEST_S, self.seconds))
        after_entry, before = self._rng.random() < 0.5, len(build.entries())
        while time.monotonic() < moment and process.poll() is None:
            time.sleep(0.005)
            if after_entry and len(build.entries()) > before:
                time.sleep(self._rng.uniform(0, 0.05))
                self.counts["kills just after a new entry"] += process.poll() is None
                return

    def _inspect(self, build: Build, seen: Entries, after: str) -> Entries:
        """What must hold after every blow."""
        left = [" ".join(process.cmdline()) for process in build.living(SOON_S.get(after, 5.0))]
        self._expect(not left, f"after {after}: processes are left: {left}")
        now = build.entries()
        again = [name for name in seen if now.get(name) != seen[name]]
        self.counts["trained twice"] += sum(name.startswith("stages/") for name in again)
        self._expect(not again, f"after {after}: finished entries are gone or were made again: {again}")
        from edgekit.jobs.cache import Cache

        looked = Cache(build.cache)  # as the next build does it, this sweeps what the dead left
        for name in now:
            self._expect(looked.find(*name.split("/")) is not None, f"after {after}: {name} is not whole")
        self._final_names(build, after)
        self.counts["trainings"] += sum(name.startswith("stages/") for name in now if name not in seen)
        return now

    def _final_names(self, build: Build, after: str) -> None:
        """Every file of the result is what the manifest says; without a manifest, whole and what it should be."""
        folder = build.out / "rpi4"
        manifest = folder / "manifest.json"
        if manifest.exists():
            for name, record in json.loads(manifest.read_text())["files"].items():
                self._expect(
                    (folder / name).is_file() and _sha256(folder / name) == record["sha256"],
                    f"after {after}: {name} is wrong",
                )
            self.counts["results with a manifest"] += 1
        elif build.model().exists():
            self._expect(
                _sha256(build.model()) == _sha256(self._peace.model()),
                f"after {after}: a wrong model under its final name",
            )

    def _compare(self, build: Build, *, exact: bool) -> None:
        """The end of a round against the build in peace."""
        mine, theirs = build.bytes_made(), self._peace.bytes_made()
        differ = [name for name in theirs if mine.get(name) != theirs[name]]
        self._expect(not differ, f"other bytes than the build in peace: {differ}")
        self._expect(
            not exact or set(build.entries()) == set(self._peace.entries()), "other entries than the build in peace"
        )
        self._expect(_sha256(build.model()) == _sha256(self._peace.model()), "another model than the build in peace")
        left = [
            *(build.cache / "scratch").iterdir(),
            *build.temporary.iterdir(),
            *build.out.rglob(".edgekit-writing-*"),
        ]
        self._expect(not left, f"left behind: {[str(path) for path in left]}")

    def _expect(self, holds: bool, otherwise: str) -> None:
        if not holds:
            self.findings.append(f"round {self.counts['rounds']}: {otherwise}")
            print(self.findings[-1], file=sys.stderr, flush=True)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--most", type=int, default=16, help="kills of one round, before it is left to end")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("kill-out"))
    given = parser.parse_args()
    out = given.out.resolve()
    shutil.rmtree(out, ignore_errors=True)
    sys.path.insert(0, str(ROOT))
    began, torture = time.monotonic(), Torture(out, given.seed)
    while torture.counts["kills"] < given.kills:
        torture.round(min(given.most, given.kills - torture.counts["kills"]))
        print(f"{torture.counts['kills']} kills in {torture.counts['rounds']} rounds", file=sys.stderr, flush=True)
    summary = {
        **dict(sorted(torture.counts.items())), "stages of a build": torture.stages, "trained twice": torture.counts["trained twice"],
        "seconds of a build in peace": round(torture.seconds, 1), "seconds": round(time.monotonic() - began), "findings": torture.findings,
    }  # fmt: skip
    (out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    print(json.dumps(summary, indent=2))
    return 1 if torture.findings else 0


if __name__ == "__main__":
    sys.exit(main())
