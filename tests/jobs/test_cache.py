"""The cache: entries appear whole or not at all, damage is found, and nothing is left behind."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from edgekit.errors import DataError, InputError, OutputError
from edgekit.ingest.dataset import mapped
from edgekit.jobs import cache as module
from edgekit.jobs.cache import CACHE_VARIABLE, Cache, file_digest, key


def write(text: str):
    def make(folder: Path) -> None:
        (folder / "part").mkdir()
        (folder / "part" / "text").write_text(text, encoding="utf-8")

    return make


def refuse(folder: Path) -> None:
    raise AssertionError("made again")


def files(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def test_an_entry_is_made_once_and_found_by_the_next_process(tmp_path):
    with Cache(tmp_path) as cache:
        assert cache.find("things", "k") is None
        folder = cache.folder("things", "k", write("one"))
        assert (folder / "part" / "text").read_text(encoding="utf-8") == "one"
        assert cache.folder("things", "k", refuse) == folder
    assert Cache(tmp_path).folder("things", "k", refuse) == folder
    assert files(tmp_path) == ["things/k/entry.json", "things/k/part/text"]


def test_values_are_json_builtins(tmp_path):
    cache = Cache(tmp_path)
    assert cache.value("values", "k", lambda: {"a": [1, None, "x"]}) == {"a": [1, None, "x"]}
    assert cache.value("values", "k", lambda: "other") == {"a": [1, None, "x"]}


def test_a_maker_that_fails_leaves_nothing(tmp_path):
    def fail(folder: Path) -> None:
        (folder / "half").write_text("half", encoding="utf-8")
        raise DataError("wrong")

    cache = Cache(tmp_path)
    with pytest.raises(DataError, match="wrong"):
        cache.folder("things", "k", fail)
    assert files(tmp_path) == [] and cache.find("things", "k") is None
    assert list((tmp_path / "scratch").iterdir()) == []


DAMAGES = [
    "changed", "shortened", "removed", "a folder in its place", "a link in its place", "index removed", "index damaged", "index odd",
    "index of nothing", "index with less in it", "index nested without end",
]  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_entry_is_removed_and_made_again(tmp_path, damage):
    cache = Cache(tmp_path)
    folder = cache.folder("things", "k", write("one"))
    part, index = folder / "part" / "text", folder / "entry.json"
    {
        "changed": lambda: part.write_text("two", encoding="utf-8"),
        "shortened": lambda: part.write_text("", encoding="utf-8"),
        "removed": part.unlink,
        "a folder in its place": lambda: (part.unlink(), part.mkdir()),
        "a link in its place": lambda: (part.rename(tmp_path / "moved"), part.symlink_to(tmp_path / "moved")),
        "index removed": index.unlink,
        "index damaged": lambda: index.write_bytes(b'{"part/text": ['),
        "index odd": lambda: index.write_bytes(b'{"part/text": 3}'),
        "index of nothing": lambda: index.write_bytes(b"{}"),
        "index with less in it": lambda: index.write_bytes(
            re.sub(rb'"files":{[^}]*}', b'"files":{}', index.read_bytes())
        ),
        "index nested without end": lambda: index.write_bytes(b"[" * 100_000),
    }[damage]()
    assert cache.find("things", "k") is None and not folder.exists()
    assert cache.notes == ["the cache's entry things/k was damaged and has been made again"]
    assert (cache.folder("things", "k", write("new")) / "part" / "text").read_text(encoding="utf-8") == "new"


def test_what_is_no_folder_in_the_place_of_an_entry_is_removed_too(tmp_path):
    cache = Cache(tmp_path / "cache")
    (tmp_path / "cache" / "things").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "mine").touch()
    (tmp_path / "cache" / "things" / "file").touch()
    (tmp_path / "cache" / "things" / "link").symlink_to(tmp_path / "elsewhere")
    for name in ("file", "link"):
        assert (cache.folder("things", name, write("one")) / "part" / "text").is_file()
    assert (tmp_path / "elsewhere" / "mine").exists() and len(cache.notes) == 2


def test_a_large_file_counts_by_its_size(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "HASHED_BYTES", 2)
    cache = Cache(tmp_path)
    part = cache.folder("things", "k", write("one")) / "part" / "text"
    part.write_text("two", encoding="utf-8")
    assert cache.find("things", "k") is not None
    part.write_text("three", encoding="utf-8")
    assert cache.find("things", "k") is None


def test_the_scratch_of_a_dead_process_is_swept_and_that_of_a_living_one_is_not(tmp_path):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    scratch = tmp_path / "scratch"
    for owner in (dead.pid, os.getppid()):
        (scratch / f"{platform.node()}-{owner}-abc").mkdir(parents=True)
        (scratch / f"{platform.node()}-{owner}-abc" / "half").write_text("half", encoding="utf-8")
    elsewhere = scratch / f"another-host-{dead.pid}-abc"
    elsewhere.mkdir()
    with Cache(tmp_path) as cache, cache.scratch() as mine:
        Cache(tmp_path)
        assert sorted(path.name for path in scratch.iterdir()) == sorted(
            [f"{platform.node()}-{os.getppid()}-abc", elsewhere.name, mine.name]
        )
    assert not mine.exists()


KILLED = """
import sys, time
from pathlib import Path
from edgekit.jobs.cache import Cache

def make(folder):
    (folder / "half").write_text("half")
    print("half", flush=True)
    time.sleep(600)

Cache(Path(sys.argv[1])).folder("things", "k", make)
"""


def test_a_maker_that_is_killed_leaves_no_entry_and_its_scratch_is_swept(tmp_path):
    maker = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert maker.stdout.readline() == "half\n"
    maker.kill()
    maker.wait()
    maker.stdout.close()
    assert [path for path in files(tmp_path) if path.endswith("half")], "it was at work"
    cache = Cache(tmp_path)
    assert cache.find("things", "k") is None and files(tmp_path) == []


RACER = """
import sys, time
from pathlib import Path
from edgekit.jobs.cache import Cache

def make(folder):
    print("making", flush=True)
    sys.stdin.readline()
    (folder / "who").write_text(sys.argv[2])

folder = Cache(Path(sys.argv[1])).folder("things", "k", make)
print((folder / "who").read_text(), flush=True)
"""


def test_two_processes_that_make_one_entry_end_with_one_whole_entry(tmp_path):
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACER, str(tmp_path), name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for name in ("first", "second")
    ]
    assert [racer.stdout.readline() for racer in racers] == ["making\n", "making\n"]
    answers = [racer.communicate("go\n", timeout=20)[0].strip() for racer in racers]
    assert [racer.returncode for racer in racers] == [0, 0]
    assert answers == ["first", "first"], "the faster one's entry stays"
    assert Cache(tmp_path).find("things", "k") is not None
    assert files(tmp_path) == ["things/k/entry.json", "things/k/who"]


def test_many_threads_and_one_entry(tmp_path):
    cache, made = Cache(tmp_path), []

    def use(number: int) -> None:
        folder = cache.folder("things", "k", write(str(number)))
        made.append((folder / "part" / "text").read_text(encoding="utf-8"))

    threads = [threading.Thread(target=use, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 8 and len(set(made)) == 1


def test_fresh_leaves_nothing_and_does_not_look_at_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "kept"))
    Cache().folder("things", "k", write("old"))
    before = files(tmp_path)
    with Cache(fresh=True) as cache:
        folder = cache.folder("things", "k", write("new"))
        assert (folder / "part" / "text").read_text(encoding="utf-8") == "new"
        assert not folder.is_relative_to(tmp_path)
    assert not cache.root.exists() and files(tmp_path) == before


def test_the_root_is_named_by_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "there"))
    assert Cache().root == tmp_path / "there"
    monkeypatch.delenv(CACHE_VARIABLE)
    assert module.default_root().name == "edgekit"


def test_a_root_that_cannot_be_made_is_an_error_of_the_output(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    for root in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/edgekit")):
        with pytest.raises(OutputError) as caught:
            Cache(root)
        assert caught.value.exit_code == 2 and CACHE_VARIABLE in caught.value.next_step


@pytest.fixture
def read_only(tmp_path):
    """A cache whose scratch folder cannot be written any more; works for root too, for whom permissions do not."""
    cache = Cache(tmp_path)
    cache.folder("things", "k", write("one"))
    (tmp_path / "scratch").rmdir()
    (tmp_path / "scratch").write_text("", encoding="utf-8")
    return cache


def test_a_root_that_became_read_only(read_only):
    assert read_only.folder("things", "k", refuse).is_dir(), "what is there can still be used"
    with pytest.raises(OutputError) as caught:
        read_only.folder("things", "other", write("one"))
    assert CACHE_VARIABLE in caught.value.next_step
    with pytest.raises(OutputError), read_only.scratch():
        pass


@pytest.mark.skipif(os.geteuid() == 0, reason="permissions do not hold for root")
def test_a_root_without_permission(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(OutputError, match="cannot be written"):
            Cache(tmp_path)
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full is Linux's")
def test_a_full_disk_is_named_as_such(tmp_path):
    def fill(folder: Path) -> None:
        with open("/dev/full", "wb", buffering=0) as full:
            full.write(b"x")

    with pytest.raises(OutputError, match="no space left") as caught:
        Cache(tmp_path).folder("things", "k", fill)
    assert "free some space" in caught.value.next_step and files(tmp_path) == []


def test_a_file_elsewhere_that_cannot_be_used_is_not_blamed_on_the_cache(tmp_path):
    missing = tmp_path / "elsewhere" / "labels.txt"

    def read(folder: Path) -> None:
        missing.read_bytes()

    with pytest.raises(InputError) as caught:
        Cache(tmp_path / "cache").folder("things", "k", read)
    assert caught.value.where == str(missing) and not isinstance(caught.value, OutputError)
    assert "cache" not in str(caught.value).replace(str(tmp_path), "") and files(tmp_path) == []


def test_keys_depend_on_every_part_and_not_on_their_order():
    assert key(a=1, b={"x": 1, "y": 2}) == key(b={"y": 2, "x": 1}, a=1)
    assert len({key(a=1), key(a=2), key(b=1), key(a="1"), key(a=[1]), key(a=None)}) == 6


def test_the_digest_of_a_folder_sees_names_and_contents(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x").write_text("1", encoding="utf-8")
    first = file_digest(tmp_path)
    (tmp_path / "a" / "x").rename(tmp_path / "a" / "y")
    second = file_digest(tmp_path)
    (tmp_path / "a" / "y").write_text("2", encoding="utf-8")
    assert len({first, second, file_digest(tmp_path)}) == 3


def test_a_remembered_digest_is_forgotten_when_the_file_changes(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "HASHED_BYTES", 4)
    data = tmp_path / "data"
    data.mkdir()
    (data / "large").write_bytes(b"12345678")
    cache = Cache(tmp_path / "cache")
    first = cache.digest(data / "large")
    assert first == file_digest(data / "large") and cache.digest(data) == file_digest(data)
    monkeypatch.setattr(module, "file_digest", lambda path: pytest.fail("read again"))
    assert cache.digest(data / "large") == first
    monkeypatch.undo()
    time.sleep(0.02)
    (data / "large").write_bytes(b"87654321")
    assert cache.digest(data / "large") == file_digest(data / "large") != first


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"\x93NUMPY\x01\x00\x10\x00{'descr': '<f4'}", b"PK\x03\x04"])
def test_a_damaged_array_of_a_data_set_is_an_error_that_names_it(tmp_path, content):
    path = tmp_path / "x.npy"
    path.write_bytes(content)
    with pytest.raises(DataError, match="damaged") as caught:
        mapped(path)
    assert caught.value.where == str(path) and caught.value.received


def test_a_processor_with_fewer_cores_is_another(monkeypatch):
    """TensorFlow's sums depend on how many threads share them, and so do the bytes of what is trained."""
    import edgekit.jobs.cache

    monkeypatch.setattr(edgekit.jobs.cache, "usable_cores", lambda: 1)
    one = edgekit.jobs.cache.processor()
    monkeypatch.setattr(edgekit.jobs.cache, "usable_cores", lambda: 2)
    assert one != edgekit.jobs.cache.processor()
    assert one.endswith(", 1 core")
