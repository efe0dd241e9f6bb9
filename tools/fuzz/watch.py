"""A folder that is watched, and the reading process in it: whether it lives, answers in time, and writes elsewhere.

HOME, TMPDIR, the working folder and the input lie in one tree, several levels deep, so that a path like `../../x`
still ends in it. Only the cache, and what a route says it writes, may change.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from corpus import ROOT

READERS = Path(__file__).with_name("readers.py")
LIMIT_S = 240.0


class Sandbox:
    """One reading process in a watched tree; it is started again after a crash or a hang."""

    def __init__(self, root: Path, corpus: Path) -> None:
        self.root, self._corpus = root, corpus
        self.deep = root / "a" / "b" / "c"
        self.input = self.deep / "input"
        for folder in ("home", "tmp", "here"):
            (self.deep / folder).mkdir(parents=True)
        self._process: subprocess.Popen[str] | None = None
        self._lines: queue.Queue[str] = queue.Queue()
        self._sound = self._tree()

    def ask(self, route: str, path: Path, arguments: list[str] | None) -> dict[str, Any]:
        """What came of an input, or that the process died, was too slow, or wrote where it must not."""
        process = self._process or self._start()
        assert process.stdin is not None
        job = {"route": route, "path": str(path), **({} if arguments is None else {"arguments": arguments})}
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(json.dumps(job) + "\n")
            process.stdin.flush()
        try:
            line = self._lines.get(timeout=LIMIT_S)
        except queue.Empty:
            self.close()
            return {"outcome": "hang", "said": f"no answer in {LIMIT_S:g} s", "error": ""}
        if not line:
            code = process.wait()
            tail = (self.root / "log").read_text(errors="replace")[-4000:]
            self.close()
            return {"outcome": "crash", "said": f"the reading process ended with {code}", "error": tail}
        return json.loads(line)

    def strays(self) -> list[str]:
        """What was written outside the output since the last time; it is removed."""
        found = self._tree()
        changed = sorted(name for name in {*found, *self._sound} if found.get(name) != self._sound.get(name))
        for name in changed:
            stray = self.root / name
            if stray.is_dir() and not stray.is_symlink():
                shutil.rmtree(stray, ignore_errors=True)
            else:
                stray.unlink(missing_ok=True)
        return changed

    def clear_input(self) -> None:
        shutil.rmtree(self.input, ignore_errors=True)
        self.input.mkdir()

    def close(self) -> None:
        """Kill the reading process with all its children."""
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()

    def _start(self) -> subprocess.Popen[str]:
        environment = {
            **os.environ, "HOME": str(self.deep / "home"), "TMPDIR": str(self.deep / "tmp"), "EDGEKIT_CACHE": str(self.root / "cache"),
            "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(self.deep / "home"), "PYTHONDONTWRITEBYTECODE": "1",
        }  # fmt: skip
        golden = ROOT / "tests" / "golden" / "int8.tflite"
        self._process = subprocess.Popen(
            [sys.executable, str(READERS), str(self._corpus), str(golden)], cwd=self.deep / "here", env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=(self.root / "log").open("w"), start_new_session=True,
        )  # fmt: skip
        self._lines = queue.Queue()
        threading.Thread(target=_pump, args=(self._process, self._lines), daemon=True).start()
        return self._process

    def _tree(self) -> dict[str, tuple[int, int]]:
        """Size and time of every file and folder but those that may change."""
        found = {}
        for folder, folders, names in os.walk(self.root):
            if Path(folder) == self.root:
                folders[:] = [name for name in folders if name != "cache"]
                names = [name for name in names if name != "log"]
            if Path(folder) == self.deep:
                folders[:] = [name for name in folders if name != "input"]
            for name in [*folders, *names]:
                stat = os.lstat(os.path.join(folder, name))
                is_folder = name in folders
                found[os.path.relpath(os.path.join(folder, name), self.root)] = (
                    (0, 0) if is_folder else (stat.st_size, stat.st_mtime_ns)
                )
        return found


def _pump(process: subprocess.Popen[str], lines: queue.Queue[str]) -> None:
    assert process.stdout is not None
    with contextlib.suppress(ValueError, OSError):
        for line in process.stdout:
            lines.put(line)
    lines.put("")
