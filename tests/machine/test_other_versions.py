"""A Python of another environment is asked what it has, whatever it writes beside its answer; nothing that it starts is left."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from pathlib import Path

import psutil
import pytest

from edgekit.machine.other_versions import MOST_BYTES, NoAnswer, ask


def program(tmp_path: Path, text: str) -> str:
    path = tmp_path / "python"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def until_gone(process: int) -> bool:
    """Whether a process ends soon: it was killed, and a busy machine may take a moment."""
    with contextlib.suppress(psutil.NoSuchProcess):
        for _ in range(500):
            if psutil.Process(process).status() == psutil.STATUS_ZOMBIE:
                return True
            time.sleep(0.02)
        return False
    return True


def test_a_greeting_before_the_answer_and_warnings_after_it_are_left_out(tmp_path):
    python = program(tmp_path, f'echo "welcome {{}}"\n"{sys.executable}" "$@"\necho late >&2\nexit 3')
    found = ask(python, ("msgspec", "no-such-distribution"), 20.0)
    assert found["python"].startswith("3.") and found["msgspec"] and "no-such-distribution" not in found


def test_it_is_asked_in_words_of_every_version_of_python(tmp_path):
    """Python 2.7 has no f-strings, no importlib.metadata and no print function."""
    from edgekit.machine.other_versions import ASKED

    assert "print" not in ASKED and 'f"' not in ASKED and "except ImportError" in ASKED


def test_what_hangs_ends_with_all_that_it_started(tmp_path):
    python = program(tmp_path, f'sleep 100 & echo $! > "{tmp_path}/pid"; wait')
    with pytest.raises(NoAnswer, match="did not end within"):
        ask(python, (), 0.5)
    assert until_gone(int((tmp_path / "pid").read_text()))


def test_one_that_closes_its_output_and_stays_is_not_waited_for(tmp_path):
    with pytest.raises(NoAnswer, match="did not end within"):
        ask(program(tmp_path, "exec >&- 2>&-; sleep 100"), (), 0.3)


def test_a_deep_line_and_a_long_one_are_no_answer(tmp_path):
    (tmp_path / "text").write_text("[" * (MOST_BYTES // 2) + "\n" + "\x1b[31m")
    with pytest.raises(NoAnswer) as caught:
        ask(program(tmp_path, f'cat "{tmp_path}/text"'), (), 20.0)
    assert "\\x1b[31m" in str(caught.value) and len(str(caught.value)) < 300


def test_what_cannot_be_started_is_told_by_the_system(tmp_path):
    with pytest.raises(NoAnswer) as caught:
        ask(str(tmp_path / "gone"), (), 1.0)
    assert not caught.value.started and str(caught.value) == os.strerror(2)
