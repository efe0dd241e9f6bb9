"""Findings on arrays: copies between and within splits, inputs that carry nothing, ranges that are not one."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from edgekit.ingest.dataset import Dataset
from edgekit.ingest.fingerprints import hashes, is_image, small_pictures
from edgekit.ingest.looking import look
from edgekit.ingest.spool import spool_result
from edgekit.progress import no_progress
from edgekit.sanity.copies import copies
from edgekit.sanity.inputs import inputs

ROOT = Path(__file__).resolve().parent.parent.parent
OPTIONS = {"validation": 0.2}


@pytest.fixture
def seen(tmp_path):
    """What is seen of arrays, spooled as a build does it."""

    def see(**arrays):
        target = tmp_path / str(len(list(tmp_path.iterdir())))
        target.mkdir()
        names = {name: np.asarray(array) for name, array in arrays.items()}
        for split in ("train", "test", "val"):
            if f"x_{split}" in names and f"y_{split}" not in names:
                names[f"y_{split}"] = np.arange(len(names[f"x_{split}"])) % 2
        dataset: Dataset = spool_result(names, target, names=(), options=OPTIONS, seed=0, progress=no_progress)
        return look(dataset, no_progress)

    return see


def found(seen_of, *, are_classes=True):
    return {one.name: one for one in copies(seen_of, are_classes=are_classes)}


GENERATOR = np.random.default_rng(0)
TABLE = GENERATOR.standard_normal((400, 10)).astype("float32")


def images(count, seed=0, side=32, channels=3):
    """Smooth pictures of which no two are alike."""
    generator, places = np.random.default_rng(seed), np.linspace(0, 4, side)
    between = np.maximum(0, 1 - np.abs(places[:, None] - np.arange(5)))  # linear between 5 x 5 points
    coarse = generator.integers(0, 256, (count, 5, 5, channels))
    return np.einsum("yi,nijc,xj->nyxc", between, coarse, between).astype(np.uint8)


def as_jpeg(image, quality=75):
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(image.squeeze()).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file)).reshape(image.shape)


def test_test_samples_that_stand_in_training_are_counted(seen):
    one = found(seen(x_train=TABLE[:300], x_test=np.r_[TABLE[:40], TABLE[300:360]]))
    assert list(one) == ["test_in_training"]
    assert (
        one["test_in_training"].what == "40 of 100 (40.0%) samples of test stand in the training split value for value"
    )
    assert found(seen(x_train=TABLE[:300], x_test=TABLE[300:])) == {}


def test_they_are_found_in_another_type_and_behind_a_validation_split(seen):
    one = found(
        seen(x_train=TABLE[:300].astype("float64"), x_test=np.r_[TABLE[:40], TABLE[300:360]], x_val=TABLE[360:])
    )
    assert list(one) == ["test_in_training"]
    one = found(
        seen(x_train=TABLE[:200], x_val=np.r_[TABLE[:50], TABLE[200:250]], x_test=np.r_[TABLE[200:240], TABLE[300:]])
    )
    assert sorted(one) == ["test_in_validation", "validation_in_training"]


@pytest.mark.parametrize(
    "change",
    [
        lambda image: as_jpeg(image),
        lambda image: np.clip(image + np.random.default_rng(1).normal(0, 5, image.shape), 0, 255).astype(np.uint8),
        lambda image: np.where(np.arange(image.size).reshape(image.shape) == 40, 255 - image, image).astype(np.uint8),
        lambda image: np.clip(image * 1.05 + 4, 0, 255).astype(np.uint8),
    ],
    ids=["jpeg", "noise", "one pixel", "brighter"],
)
def test_images_that_were_encoded_anew_are_found(seen, change):
    pytest.importorskip("PIL")
    train = images(300)
    test = np.r_[np.stack([change(image) for image in train[:30]]), images(70, seed=9)]
    one = found(seen(x_train=train, x_test=test))
    assert list(one) == ["test_in_training"]
    what = one["test_in_training"].what
    assert (
        27 <= int(what.split()[0]) <= 30
        and "images of test that were looked at nearly equal one of the training" in what
    )


def test_images_that_all_resemble_each_other_are_no_copies(seen):
    """Parts on one conveyor belt: whatever is near in training is as near in a fresh test."""
    belt = images(1)[0].astype(float)
    noisy = np.clip(belt + np.random.default_rng(3).normal(0, 4, (400, *belt.shape)), 0, 255).astype(np.uint8)
    assert found(seen(x_train=noisy[:300], x_test=noisy[300:])) == {}


def test_digits_have_no_copies(seen):
    with np.load(ROOT / "examples" / "digits" / "digits.npz") as data:
        of_digits = seen(**data)
    assert found(of_digits) == {} and inputs(of_digits) == []
    assert of_digits.overlaps[0].looked == 360 and of_digits.overlaps[0].near == 0


def test_coarse_tables_have_equals_by_chance(seen):
    generator = np.random.default_rng(0)
    rows = generator.integers(0, 2, (600, 5))
    assert found(seen(x_train=rows[:400], x_test=rows[400:], y_train=generator.integers(0, 2, 400))) == {}


def test_copies_within_a_split_and_with_another_target(seen):
    twice = np.r_[TABLE[:300], TABLE[:30]]
    one = found(seen(x_train=twice, y_train=np.zeros(330, int), x_test=TABLE[300:]))
    assert list(one) == ["duplicates"] and "of train are copies of another one there" in one["duplicates"].what
    targets = np.r_[np.zeros(300, int), np.ones(30, int)]
    one = found(seen(x_train=twice, y_train=targets, x_test=TABLE[300:], y_test=np.zeros(100, int)))
    assert sorted(one) == ["conflicting_labels", "duplicates"]
    assert "conflicting_labels" not in found(
        seen(x_train=twice, y_train=targets, x_test=TABLE[300:]), are_classes=False
    )
    one = found(seen(x_train=TABLE[:300], y_train=np.zeros(300, int), x_test=TABLE[:50], y_test=np.ones(50, int)))
    assert "50 samples of test stand in" in one["conflicting_labels"].what.replace("all ", "")


def test_blank_samples(seen):
    test = images(100, seed=4)
    test[:5] = 255
    assert (
        "5 of 100 (5.0%) samples of test have one value throughout"
        in found(seen(x_train=images(200), x_test=test))["blank_samples"].what
    )


def test_hashes_go_by_value():
    rows = np.array([[0.0, 1.0], [-0.0, 1.0], [1.0, 0.0]])
    first, flat = hashes([rows])
    assert first[0] == first[1] != first[2] and flat.tolist() == [False] * 3
    assert (hashes([rows.astype("float32")])[0] == first).all()
    assert (hashes([rows, rows])[0] != hashes([rows, rows[::-1]])[0]).any()
    wide = np.zeros((3, 50_000), np.uint8)
    wide[1, 25_000], wide[2, 0] = 1, 1
    hashed, flat = hashes([wide])
    assert len(set(hashed.tolist())) >= 2 and flat[0]


def test_a_large_sample_that_was_hashed_in_part_is_compared_in_full(seen):
    first = np.random.default_rng(0).integers(0, 255, (20, 60_000)).astype(np.uint8)
    second = first[:10].copy()
    second[:, 7_000] ^= 1  # between the stretches that are read
    assert hashes([first[:10]])[0].tolist() == hashes([second])[0].tolist()
    assert seen(x_train=first, x_test=second).overlaps[0].exact == 0


def test_small_pictures_are_of_length_one_and_blank_ones_of_none():
    some = np.r_[images(3), np.full((1, 32, 32, 3), 7, np.uint8)]
    made = small_pictures(some, np.arange(4))
    assert made.shape == (4, 256) and np.linalg.norm(made, axis=1).round(4).tolist() == [1, 1, 1, 0]
    large = small_pictures(np.kron(some, np.ones((1, 8, 8, 1))), np.arange(4))
    assert large.shape == (4, 256) and ((made * large).sum(axis=1)[:3] > 0.99).all(), "the same pictures, larger"
    assert [is_image(shape) for shape in ((28, 28), (28, 28, 1), (8, 8, 4), (7, 30), (100,), (8, 8, 9))] == [
        True
    ] * 3 + [False] * 3


def about_inputs(seen_of):
    return {one.name: one.what for one in inputs(seen_of)}


def test_a_constant_input(seen):
    one = about_inputs(seen(x_train=np.full((50, 4), 3.0), x_test=TABLE[:50, :4]))
    assert one == {"constant_input": "the input is 3 in every value of train, validation"}


def test_features_and_channels_that_never_vary(seen):
    still = TABLE.copy()
    still[:, 2] = 0.5
    assert (
        "item 2 of the input (1 of 10" in about_inputs(seen(x_train=still[:300], x_test=still[300:]))["still_features"]
    )
    signal = GENERATOR.standard_normal((60, 20, 3))
    signal[..., 1] = 0
    assert "item 1 of" in about_inputs(seen(x_train=signal[:40], x_test=signal[40:]))["still_features"]
    flat_digits = np.repeat(TABLE[:, :1], 64, axis=1)
    flat_digits[:, [0, 8]] = 0
    assert about_inputs(seen(x_train=flat_digits[:300], x_test=flat_digits[300:])) == {}, (
        "the margin of flattened images"
    )


@pytest.mark.parametrize(
    ("train", "test", "is_found"),
    [
        (TABLE[:300] * 255, TABLE[300:], True),
        (TABLE[:300], TABLE[300:] * 4.5, True),
        (TABLE[:300], TABLE[300:] + 9, True),
        (TABLE[:300], TABLE[300:] * 1.5 + 0.5, False),
        (TABLE[:300], TABLE[300:305] * 9, False),
    ],
    ids=["scaled by 255", "wider", "shifted", "a little otherwise", "five samples"],
)
def test_splits_of_different_ranges(seen, train, test, is_found):
    assert ("split_ranges" in about_inputs(seen(x_train=train, x_test=test))) == is_found
