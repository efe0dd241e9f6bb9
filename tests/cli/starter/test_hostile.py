"""A folder of a stranger's: damaged and crafted files, links in circles, names of any kind. A look ends, and says so."""

from __future__ import annotations

import os
import struct
import zipfile

import numpy as np
import pytest

from edgekit.cli.starter import look
from edgekit.cli.starter.bounded import LARGEST_CONFIG
from edgekit.cli.starter.walk import walk

GARBAGE = (
    b"",
    b"\0" * 40,
    b"PK\x03\x04" + b"\xff" * 200,
    b"PK\x05\x06" + b"\xff" * 18,
    os.urandom(3000),
    b"\x89HDF\r\n\x1a\n",
)


@pytest.mark.parametrize("name", ["m.keras", "m.h5", "d.npz", "s.py", "export/saved_model.pb"])
def test_garbage_is_a_near_miss_with_a_reason(folder, name):
    for content in GARBAGE:
        folder.text(name, "").write_bytes(content)
        found = look(folder.root)
        assert not found.ready and found.model is None and found.data is None
        assert len(found.near) == (name != "s.py")
        assert all(one.reason and one.reason.isprintable() for one in found.near)


def test_every_truncation_of_good_files(folder):
    model, data = folder.keras().read_bytes(), folder.npz().read_bytes()
    for share in range(0, 100, 7):
        (folder.root / "model.keras").write_bytes(model[: len(model) * share // 100])
        (folder.root / "data.npz").write_bytes(data[: len(data) * share // 100])
        assert {one.what for one in look(folder.root).near} == {"model", "data"}


def test_bombs_are_not_unpacked(folder, monkeypatch):
    """Far more blanks than a configuration has, and a header that claims a petabyte."""
    unpacked = []

    class Counted(zipfile.ZipExtFile):
        def read(self, n=-1):
            unpacked.append(len(content := super().read(n)))
            return content

    monkeypatch.setattr(zipfile, "ZipExtFile", Counted)
    with zipfile.ZipFile(folder.root / "m.keras", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("metadata.json", "{}")
        with archive.open("config.json", "w") as member:
            for _ in range(40):
                member.write(b" " * 2**20)
    claimed = b"\x93NUMPY\x01\x00" + struct.pack("<H", 118)
    header = repr({"descr": "<f8", "fortran_order": False, "shape": (2**40, 2**10)}).encode().ljust(117) + b"\n"
    with zipfile.ZipFile(folder.root / "d.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("x_train", "y_train", "x_test", "y_test"):
            archive.writestr(f"{name}.npy", claimed + header)
    found = look(folder.root)
    assert max(unpacked) == LARGEST_CONFIG and sum(unpacked) < LARGEST_CONFIG + 2**20
    assert found.model is None and found.near[0].source == "m.keras"
    assert found.data is None or found.data.labels is None


def test_configurations_that_are_no_models(folder):
    for text in ("[]", "5", "null", '{"class_name": "Sequential"}', "[" * 50_000, '{"class_name": "Sequential", "config": [1]}',
                 '{"class_name": "Sequential", "config": {"layers": [null]}}', '{"class_name": ["Model"], "config": {"layers": 4}}',
                 '{"class_name": "Functional", "config": {"layers": [{}], "output_layers": [["x"]]}}'):  # fmt: skip
        with zipfile.ZipFile(folder.root / "m.keras", "w") as archive:
            archive.writestr("config.json", text)
            archive.writestr("metadata.json", "{}")
        found = look(folder.root)
        assert (found.model is None) == bool(found.near), text


def test_pickles_and_strange_arrays_are_read_by_their_headers_alone(folder):
    folder.npz(
        "pickled.npz", y_train=np.array([{"a": 1}] * 12, dtype=object), x_train=np.array([print] * 12, dtype=object)
    )
    found = look(folder.root)
    assert any("--trust" in note for note in found.notes)
    for y in (np.array(5), np.zeros((0,)), np.zeros((3, 0)), np.array(["a", "b"]), np.array([-1, 2]), np.array([1j])):
        folder.npz("pickled.npz", y_train=y)
        assert look(folder.root).data.labels is None


def test_links_in_a_circle_and_pipes_and_folders_in_the_place_of_files(folder):
    folder.keras()
    (folder.root / "loop").symlink_to(folder.root)
    (folder.root / "self").symlink_to("self")
    (folder.root / "gone.keras").symlink_to("nowhere")
    (folder.root / "folder.keras").mkdir()
    os.mkfifo(folder.root / "pipe.keras")
    os.mkfifo(folder.root / "pipe.npz")
    os.mkfifo(folder.root / "pipe.py")
    found = look(folder.root)
    assert (found.model.source, found.other_models) == ("model.keras", ())
    assert [one.source for one in found.near] == ["folder.keras"], "told as what it is"


def test_names_that_are_no_utf8_are_left_out_and_said(folder):
    path = os.fsencode(folder.root) + b"/model-\xff.keras"
    os.rename(folder.keras(), path)
    found = look(folder.root)
    assert found.model is None and "no UTF-8" in found.notes[0]


def test_a_giant_folder_is_looked_at_up_to_the_limit(folder):
    for index in range(40):
        folder.text(f"{index % 4}/{index}.txt", "")
    whole, cut = walk(folder.root, (".txt",)), walk(folder.root, (".txt",), most=20)
    assert (len(whole.files), whole.entries, whole.notes) == (40, 44, ())
    assert cut.entries == 20 and len(cut.files) == 16
    assert cut.notes == ("stopped after 20 files and folders: what lies deeper was not looked at",)
    folder.keras("a/b/c/d/model.keras")
    folder.keras("a/b/c/d/e/deeper.keras")
    assert look(folder.root).model.source == "a/b/c/d/model.keras"
    assert look(folder.root).other_models == ()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_said(folder):
    folder.keras().chmod(0)
    (folder.root / "closed").mkdir(mode=0)
    found = look(folder.root)
    assert "Permission denied" in found.near[0].reason and "closed" in found.notes[0]
