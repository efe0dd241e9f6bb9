"""Builds in a world that is in order no longer: two at once, a cache that rots, a disk that fills, a clock that jumps.

Each runs the real command. Kills have a file of their own.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.tf
ROOT = Path(__file__).resolve().parent.parent
BUILD = ("build", "--device", "rpi4", "--json", "--quiet")
DAY_S = 86_400


def start(folder: Path, out: Path, cache: Path, **variables: str) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "EDGEKIT_CACHE": str(cache), **variables}
    command = [sys.executable, "-m", "edgekit", *BUILD, "--out", str(out)]
    return subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def finish(process: subprocess.Popen[bytes], *, timeout_s: float = 300) -> dict:
    stdout, stderr = process.communicate(timeout=timeout_s)
    assert process.returncode == 0, stderr.decode()
    return json.loads(stdout)


def is_whole(folder: Path) -> bool:
    """Whether a result holds what its manifest lists, and nothing of a build's own."""
    files = json.loads((folder / "manifest.json").read_text())["files"]
    assert {path.name for path in folder.iterdir()} == {*files, "manifest.json"}
    return all(hashlib.sha256((folder / name).read_bytes()).hexdigest() == files[name]["sha256"] for name in files)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny project in `project`, built in peace: `cache`, `out`."""
    folder = tmp_path_factory.mktemp("built")
    sys.path.insert(0, str(ROOT / "tools"))
    try:
        from tiny_project import write_project
    finally:
        sys.path.pop(0)
    write_project(folder / "project")
    toml = folder / "project" / "edgekit.toml"
    toml.write_text(toml.read_text().replace('currency = "download"\n', ""))
    finish(start(folder / "project", folder / "out", folder / "cache"))
    return folder


@pytest.fixture
def copied(built: Path, tmp_path: Path) -> Path:
    """The same with a cache and an output of the test's own."""
    shutil.copytree(built, tmp_path / "copied")
    return tmp_path / "copied"


def model(folder: Path) -> bytes:
    return (folder / "rpi4" / "model.tflite").read_bytes()


def test_every_kind_of_damaged_entry_is_made_again_with_a_note(built, copied):
    entries: dict[str, Path] = {
        path.parent.parent.name: path.parent for path in sorted(copied.glob("cache/*/*/entry.json"))
    }
    assert set(entries) >= {"models", "data", "artifacts", "measurements", "predictions", "scores", "drops"}
    for entry in entries.values():
        part = max(
            (path for path in entry.iterdir() if path.name != "entry.json"), key=lambda path: path.stat().st_size
        )
        content = bytearray(part.read_bytes())
        content[len(content) // 2] ^= 0x40
        part.write_bytes(bytes(content))
    report = finish(start(copied / "project", copied / "out", copied / "cache"))
    for kind, entry in entries.items():
        note = f"the cache's entry {kind}/{entry.name[:8]} was damaged and has been made again"
        assert note in report["notes"]
    assert model(copied / "out") == model(built / "out") and is_whole(copied / "out" / "rpi4")
    again = finish(start(copied / "project", copied / "out", copied / "cache"))
    assert not [note for note in again["notes"] if "damaged" in note], "it is mended"


@pytest.mark.slow
def test_two_builds_at_once_in_one_folder(built, tmp_path):
    both = [start(built / "project", tmp_path / "out", tmp_path / "cache") for _ in range(2)]
    reports = [finish(process) for process in both]
    assert [report["outcome"] for report in reports] == ["pass", "pass"]
    assert is_whole(tmp_path / "out" / "rpi4") and model(tmp_path / "out") == model(built / "out")
    assert list((tmp_path / "cache" / "scratch").iterdir()) == []


def test_two_results_written_into_one_folder_again_and_again(tmp_path):
    """What lies there at the end is one of the two, and never a part of each."""
    script = """
import sys
from pathlib import Path
from edgekit.files import prepare, replace_files
for turn in range(150):
    text = f"{sys.argv[2]} {turn}".encode()
    prepare(Path(sys.argv[1]))
    replace_files(Path(sys.argv[1]), {"a": text, "b": text}, last=("manifest.json", b'{"files": {"a": 1, "b": 1}}'))
"""
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path / "out"), name], env={**os.environ, "PYTHONPATH": str(ROOT)}
        )
        for name in ("first", "second")
    ]
    assert [writer.wait(120) for writer in writers] == [0, 0]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a", "b", "manifest.json"]
    assert (tmp_path / "out" / "a").read_bytes() == (tmp_path / "out" / "b").read_bytes()


@pytest.mark.slow
def test_two_projects_at_once_share_a_cache_and_nothing_else(built, copied, tmp_path):
    other = copied / "project"
    models = other / "models.py"
    models.write_text(
        models.read_text().replace("layers.Conv2D(16, 3, use_bias=False)", "layers.Conv2D(12, 3, use_bias=False)", 1)
    )
    alone = finish(start(other, tmp_path / "alone", tmp_path / "cache-alone"))
    both = [
        start(project, tmp_path / name, tmp_path / "cache")
        for name, project in (("one", built / "project"), ("two", other))
    ]
    reports = [finish(process) for process in both]
    assert reports[1]["chosen"]["sha256"] == alone["chosen"]["sha256"] != reports[0]["chosen"]["sha256"]
    assert model(tmp_path / "one") == model(built / "out") and model(tmp_path / "two") == model(tmp_path / "alone")


@contextlib.contextmanager
def mounted(folder: Path, options: str) -> Iterator[Path]:
    """A file system of its own in a folder; skips where this user may mount none."""
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True)
    if os.geteuid() != 0 or done.returncode != 0:
        pytest.skip(f"mounting a tmpfs needs root: {done.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def refused(process: subprocess.Popen[bytes], *words: str) -> None:
    stdout, stderr = process.communicate(timeout=300)
    said = " ".join(stderr.decode().split())
    assert process.returncode == 2 and stdout == b"", said
    assert "Traceback" not in said
    for word in words:
        assert word in said, said


@pytest.mark.slow
def test_a_disk_that_fills_while_the_cache_is_written(built, tmp_path):
    out = tmp_path / "out"
    with mounted(tmp_path / "small", "size=160k") as disk:
        refused(start(built / "project", out, disk / "cache"), "no space", "EDGEKIT_CACHE")
        assert not out.exists() or not [path for path in out.rglob("*") if path.is_file()]
        assert not list((disk / "cache" / "scratch").iterdir())
        subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)
        finish(start(built / "project", out, disk / "cache"))
        assert model(out) == model(built / "out"), "with room it goes on, and to the same end"


@pytest.mark.slow
def test_no_space_in_the_folder_for_temporary_files(built, tmp_path):
    """Python takes the next folder of its list, and TensorFlow's temporary files lie in the cache."""
    with mounted(tmp_path / "temporary", "size=4k") as folder:
        (folder / "filler").write_bytes(b"0" * 4096)
        finish(start(built / "project", tmp_path / "out", tmp_path / "cache", TMPDIR=str(folder)))
        assert model(tmp_path / "out") == model(built / "out")
        assert [path.name for path in folder.iterdir()] == ["filler"]


def test_a_read_only_output_and_a_read_only_cache(built, tmp_path):
    with mounted(tmp_path / "locked", "ro,size=1m") as folder:
        refused(start(built / "project", folder / "out", built / "cache"), "the result cannot be written", "--out")
        refused(start(built / "project", tmp_path / "out", folder / "cache"), "EDGEKIT_CACHE")


def test_a_project_that_may_only_be_read_is_left_as_it_was(built, tmp_path):
    before = sorted(path.name for path in (built / "project").iterdir())
    assert before == ["data.npz", "edgekit.toml", "models.py"], "no __pycache__ of the user's modules"


# Patched in every process that the build starts: each call of the clock is a day before or after the one before it.
JUMPING = """
import itertools, time
_true, _turn = time.time, itertools.count()
def _jumping():
    return _true() + (-86400, 0, 86400)[next(_turn) % 3]
time.time = _jumping
time.time_ns = lambda: int(_jumping() * 1e9)
"""


@pytest.mark.slow
def test_a_clock_that_jumps_by_days(built, tmp_path):
    (tmp_path / "sitecustomize.py").write_text(JUMPING)
    paths = os.pathsep.join((str(tmp_path), str(ROOT)))
    report = finish(start(built / "project", tmp_path / "out", tmp_path / "cache", PYTHONPATH=paths))
    assert model(tmp_path / "out") == model(built / "out")
    assert all(0 <= candidate["seconds"] < DAY_S / 100 for candidate in report["candidates"])
    manifest = json.loads((tmp_path / "out" / "rpi4" / "manifest.json").read_text())
    assert not manifest["provenance"]["time_cut_search"], "no deadline was passed by the jumps"


def test_files_from_tomorrow_and_from_last_year_are_files(built, copied):
    """The clock went back after the cache was written, or the cache was restored with old times."""
    for turn, path in enumerate(sorted(copied.rglob("*"))):
        moved = path.stat().st_mtime + (DAY_S, -365 * DAY_S)[turn % 2]
        os.utime(path, (moved, moved))
    report = finish(start(copied / "project", copied / "again", copied / "cache"))
    assert model(copied / "again") == model(built / "out")
    assert not [note for note in report["notes"] if "damaged" in note]
