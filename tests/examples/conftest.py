"""What the tests of the examples share: the command of this checkout on the PATH, and one cache for all of them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"


@pytest.fixture(scope="session")
def user_environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The variables of a user who has installed this checkout; the digits are trained once for all examples."""
    folder = tmp_path_factory.mktemp("user")
    command = folder / "bin" / "edgekit"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m edgekit "$@"\n')
    command.chmod(0o755)
    path = os.pathsep.join([str(command.parent), str(Path(sys.executable).parent), os.environ["PATH"]])
    return {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "EDGEKIT_CACHE": str(folder / "cache")}


@pytest.fixture
def run(user_environment: dict[str, str]) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs a program as that user does; what it printed is shown where a test fails."""

    def run(*line: object, folder: Path, timeout_s: float = 300, **variables: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [str(part) for part in line], cwd=folder, env={**user_environment, **variables},
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout_s,
        )  # fmt: skip
        print(f"$ {' '.join(map(str, line))}\n{done.stdout}{done.stderr}exit code {done.returncode}")
        return done

    return run


@pytest.fixture
def copied(tmp_path: Path) -> Callable[[str], Path]:
    """Copies an example, and the digits beside it, to a folder of the test's own."""

    def copied(name: str) -> Path:
        for example in {name, "digits"}:
            shutil.copytree(
                EXAMPLES / example, tmp_path / example, ignore=shutil.ignore_patterns("build", "__pycache__")
            )
        return tmp_path / name

    return copied
