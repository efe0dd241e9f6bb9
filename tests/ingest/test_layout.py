"""Folders of pictures as people have them: by names alone, and split where there are no split folders."""

from __future__ import annotations

import os
import unicodedata

import numpy as np
import pytest

from edgekit.errors import DataError
from edgekit.ingest.layout import read_layout

Image = pytest.importorskip("PIL.Image")


def pictures(root, *names):
    """Small pictures whose shade is their place in the row."""
    for shade, name in enumerate(names):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (4, 3), shade).save(path)
    return root


def many(root, folder="", classes=("cat", "dog"), count=10, ending="png"):
    return pictures(root, *(f"{folder}{name}/{number}.{ending}" for name in classes for number in range(count)))


def test_whatever_is_left_out_is_counted_and_named(tmp_path, open_source):
    photos, outside = many(many(tmp_path / "photos", "train/"), "test/", count=2), tmp_path / "outside.png"
    cat = photos / "train" / "cat"
    for name in ("._0.png", "Thumbs.db", "notes.txt", "scan.pdf"):
        (cat / name).write_bytes(b"x")
    pictures(photos, "train/stray.png", "train/cat/more/0.png", "train/cat/shot.avif.png")
    pictures(tmp_path, "outside.png")
    (cat / "out.png").symlink_to(outside)
    (cat / "gone.png").symlink_to(tmp_path / "nowhere.png")
    (cat / "inside.png").symlink_to(photos / "train" / "dog" / "0.png")
    (cat / "folder.png").mkdir()
    os.mkfifo(cat / "pipe.png")
    found = open_source("photos")
    (note,) = [note for note in found.notes if note.startswith("left out of the data")]
    assert found.splits["train"].samples + found.splits["validation"].samples == 20 + 2
    for part in (
        "1 hidden (train/cat/._0.png)",
        "3 with an ending that is no picture's (train/cat/Thumbs.db, train/cat/notes.txt, train/cat/scan.pdf)",
        "1 not in a class folder (train/stray.png)",
        "2 sub-folders of a class (train/cat/folder.png/, train/cat/more/)",
        "1 links out of the data's folder (train/cat/out.png)",
        "1 broken links (train/cat/gone.png)",
        "1 not a regular file (train/cat/pipe.png)",
    ):
        assert part in note


def test_folders_may_be_links_and_endings_in_any_case(tmp_path, open_source):
    many(tmp_path / "elsewhere", ending="JPEG")
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "Train").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "photos" / "TEST").symlink_to(tmp_path / "elsewhere")
    found = open_source("photos")
    assert (found.labels, found.splits["test"].samples) == (("cat", "dog"), 20)
    first = found.content_sha256
    Image.new("L", (4, 3), 200).save(tmp_path / "elsewhere" / "cat" / "0.JPEG")
    assert open_source("photos").content_sha256 != first, "what a link leads to counts in the cache's key"


def test_classes_alone_are_split_by_the_seed_and_said(tmp_path, open_source):
    pictures(
        many(tmp_path / "photos", classes=("cat", "dog", "eel")), *(f"eel/more{number}.png" for number in range(20))
    )
    found = open_source("photos")
    y = found.targets("test")[0]
    assert np.bincount(y).tolist() == [2, 2, 6] and found.labels == ("cat", "dog", "eel")
    assert found.splits["train"].samples + found.splits["validation"].samples == 40
    (note,) = [note for note in found.notes if note.startswith("test: ")]
    assert "10 of 50 pictures are held out as one, stratified by class, seed 0, and 40 are left for training" in note
    shades = [sorted(open_source("photos", seed=seed).inputs("test")[0][:, 0, 0, 0].tolist()) for seed in (0, 0, 1)]
    assert shades[0] == shades[1] != shades[2]
    train = found.inputs("train")[0][:, 0, 0, 0].tolist()
    assert sorted(train + found.inputs("test")[0][:, 0, 0, 0].tolist()) == sorted([*range(30), *range(20)])
    assert open_source("photos", test=0.5).splits["test"].samples == 25


def test_a_training_folder_alone_is_split_too(tmp_path, open_source):
    found = open_source(str(many(tmp_path / "photos", "train/")))
    assert found.splits["test"].samples == 4


@pytest.mark.parametrize("name", ["val", "valid", "Validation"])
def test_a_validation_folder_is_the_test_split_where_there_is_no_other(tmp_path, open_source, name):
    photos = many(many(tmp_path / "photos", "train/"), f"{name}/", count=3)
    found = open_source("photos")
    assert (found.splits["test"].samples, found.splits["validation"].samples) == (6, 4)
    assert any(f"no test folder, so {name}/ is the test split" in note for note in found.notes)
    many(photos, "test/", count=1)
    found = open_source("photos")
    assert (found.splits["test"].samples, found.splits["validation"].samples) == (2, 6)
    assert not any("test" in note for note in found.notes)


def test_the_classes_of_a_test_folder_are_all_tested(tmp_path, open_source):
    many(many(tmp_path / "photos", "train/"), "test/", count=3)
    assert open_source("photos/test", need=("test",), whole=True).splits["test"].samples == 6


def test_a_class_may_bear_a_name_of_a_split(tmp_path):
    layout = read_layout(many(tmp_path / "vehicles", classes=("bus", "train"), count=1))
    assert layout.labels == ("bus", "train") and layout.splits == {"all": (("bus/0.png", 0), ("train/0.png", 1))}


def test_names_in_other_scripts_and_accents_written_in_two_ways(tmp_path, open_source):
    composed, taken_apart = (unicodedata.normalize(form, "Müsli") for form in ("NFC", "NFD"))
    many(many(tmp_path / "photos", "train/", (composed, "苹果")), "test/", (taken_apart, "苹果"), 1)
    found = open_source("photos", in_child=True)
    assert found.labels == (composed, "苹果") and found.splits["test"].samples == 2


def test_a_name_that_is_no_text_is_read_and_shown(tmp_path, open_source):
    many(many(tmp_path / "photos", "train/", count=2), "test/", count=2)
    for ending in (b".png", b".txt"):
        os.link(tmp_path / "photos/train/cat/0.png", os.fsencode(tmp_path / "photos/train/cat") + b"/\xff" + ending)
    found = open_source("photos", in_child=True)
    assert found.splits["train"].samples + found.splits["validation"].samples == 5
    assert any("'train/cat/\\udcff.txt'" in note for note in found.notes)


def test_the_order_of_the_classes_may_be_the_models(tmp_path, open_source):
    many(many(tmp_path / "photos", "train/"), "test/", count=1)
    found = open_source("photos", classes=("dog", "cat"))
    assert found.labels == ("dog", "cat") and found.inputs("test")[0][:, 0, 0, 0].tolist() == [1, 0]
    with pytest.raises(DataError, match="classes are not those of the folder") as caught:
        open_source("photos", classes=("cat", "dogs"))
    assert caught.value.where == "[data] classes" and caught.value.next_step == "did you mean 'dog'?"


def test_every_class_without_pictures_is_named_with_what_lies_there(tmp_path, refused):
    photos = many(many(tmp_path / "photos", "train/", ("cat", "dog", "eel")), "test/", ("cat",), 1)
    (photos / "test" / "dog").mkdir()
    (photos / "test" / "dog" / "a.heic").write_bytes(b"x")
    error = refused("photos")
    assert error.what == "an empty class" and error.where == str(photos / "test" / "dog")
    assert error.received == "no pictures in test/dog, test/eel; left out were 1 with an ending that is no picture's"


@pytest.mark.parametrize(
    ("names", "what"),
    [
        (["train/0.png", "test/0.png"], "no class folders: the pictures lie in the split's folder itself"),
        (["train/a/0.png", "val/a/0.png", "Valid/a/0.png"], "two folders of one split"),
        (["train/a/0.png", "test/a/0.png"], "fewer than two classes"),
        (["0.png", "1.png"], "fewer than two classes"),
        (["train/a\n/0.png", "train/b/0.png", "test/b/0.png"], "a class name with characters that cannot be printed"),
    ],
)
def test_folders_that_cannot_be_used(tmp_path, refused, names, what):
    pictures(tmp_path / "photos", *names)
    assert refused("photos").what == what
