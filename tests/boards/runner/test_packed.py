"""The packed runner is that of its source, the same bytes each time, and nothing that an old board does not know."""

from __future__ import annotations

import ast
import importlib.util
import io
import os
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from edgekit.boards.runner_protocol import Refusal, answer

ROOT = Path(__file__).parents[3]
SOURCE = ROOT / "edgekit" / "boards" / "runner"
FILES = sorted(SOURCE.glob("*.py"))
OF_OLD = set(
    "__future__ argparse array ctypes dataclasses gc glob hashlib importlib io json os platform re select signal stat "
    "subprocess sys time typing collections".split()
)


@pytest.fixture(scope="module")
def tool():
    spec = importlib.util.spec_from_file_location("make_runner", ROOT / "tools" / "make_runner.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_it_is_not_stale(tool):
    assert tool.PACKED.read_bytes() == tool.packed(), "run tools/make_runner.py"


def test_it_can_be_started_by_its_name(tool):
    assert tool.PACKED.read_bytes().startswith(b"#!/usr/bin/env python3\n")
    assert os.stat(tool.PACKED).st_mode & stat.S_IXUSR


def test_the_same_source_gives_the_same_bytes_whatever_its_times_and_rights(tool, tmp_path):
    for path in FILES:
        copy = tmp_path / path.name
        copy.write_bytes(path.read_bytes())
        copy.chmod(0o600)
        os.utime(copy, (1, 1))
    assert tool.packed(tmp_path) == tool.packed()


def test_a_change_of_the_source_makes_it_stale(tool, tmp_path):
    for path in FILES:
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "problem.py").write_bytes(b"# one line more\n")
    assert tool.packed(tmp_path) != tool.packed()
    target = tmp_path / "made.pyz"
    tool.write(target)
    assert not tool.stale(target)
    target.write_bytes(target.read_bytes() + b"\0")
    assert tool.stale(target)


def test_it_holds_its_source_and_nothing_else(tool):
    with zipfile.ZipFile(io.BytesIO(tool.PACKED.read_bytes())) as archive:
        names = archive.namelist()
        assert archive.testzip() is None
    assert sorted(names) == sorted(["__main__.py", *(f"edgekit_bench/{path.name}" for path in FILES)])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_python_3_8_can_read_it(path):
    ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 8))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_it_needs_the_standard_library_and_numpy_alone(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            assert {alias.name.split(".")[0] for alias in node.names} <= OF_OLD | {"numpy"}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            assert node.module.split(".")[0] in OF_OLD


def test_an_older_python_is_told_so_and_gets_no_traceback(tool):
    old = "import runpy, sys; sys.version_info = (3, 7, 9, 'final', 0); runpy.run_path(sys.argv[1])"
    done = subprocess.run([sys.executable, "-c", old, tool.PACKED], capture_output=True, text=True, check=False)
    assert done.returncode == 3 and done.stderr == "the runner needs Python 3.8 or newer, and this is 3.7\n"
    refusal = answer(done.stdout.encode())
    assert isinstance(refusal, Refusal) and refusal.error.kind == "missing"


def test_help_and_version_need_not_even_numpy(tool, tmp_path):
    (tmp_path / "numpy.py").write_text("raise ImportError('broken')")
    for argument, shown in (("--help", "--sustained"), ("--version", "edgekit-bench ")):
        done = subprocess.run(
            [sys.executable, tool.PACKED, argument],
            env={**os.environ, "PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert shown in done.stdout
