"""The keys of arrays: places count before names, and a name that nobody knows is taken only where nothing else can be meant."""

from __future__ import annotations

import pytest

from edgekit.errors import DataError
from edgekit.ingest.keys import Place, expected, left_out, left_out_notes, placed, require_whole
from edgekit.ingest.wanted import Wanted

TWO = Wanted(names=("image", "my size:0"), output_names=("label",))


@pytest.mark.parametrize(
    ("key", "wanted", "place"),
    [
        ("x_train", TWO, Place("x", "train", 0)),
        ("x_val_1", TWO, Place("x", "val", 1)),
        ("x_test_image", TWO, Place("x", "test", 0)),
        ("x_test_my size:0", TWO, Place("x", "test", 1)),
        ("x_test_my_size_0", TWO, Place("x", "test", 1)),
        ("y_train_label", TWO, Place("y", "train", 0)),
        ("x_train_1", Wanted(names=("1", "0")), Place("x", "train", 1)),
        ("x_train_pixels", Wanted(), Place("x", "train", 0)),
        ("x_train_pixels", Wanted(names=("image",)), Place("x", "train", 0)),
        ("x_train_pixels", TWO, None),
        ("x_train_9999999", TWO, None),
        ("z_train", TWO, None),
        ("x_training", TWO, None),
    ],
)
def test_a_key_has_a_place_or_none(key, wanted, place):
    assert placed([key], wanted, "d").get(key) == place


def test_an_unknown_name_beside_a_known_key_stays_unread():
    assert list(placed(["x_train", "x_train_raw"], Wanted(names=("image",)), "d")) == ["x_train"]


def test_an_array_that_is_missing_among_others_is_told_by_its_name():
    require_whole({"x_train": Place("x", "train", 0), "y_test_1": Place("y", "val", 0)}, TWO, "d.npz")
    for places, missing in (
        ({"x_train_my size:0": Place("x", "train", 1)}, f"x_train_{TWO.names[0]}"),
        ({"y_test_0": Place("y", "test", 0), "y_test_2": Place("y", "test", 2)}, "y_test_1"),
    ):
        with pytest.raises(DataError, match="is missing among others") as caught:
            require_whole(places, TWO, "d.npz")
        assert caught.value.next_step == f"add {missing}" and caught.value.received == ", ".join(places)


def test_two_keys_of_one_place_are_refused_with_both():
    with pytest.raises(DataError, match="two arrays for one input") as caught:
        placed(["x_train_0", "x_train_image"], TWO, "d.npz")
    assert caught.value.received == "x_train_0, x_train_image"
    assert (caught.value.where, caught.value.exit_code) == ("d.npz", 2)


def test_an_error_tells_the_names():
    assert "x_train_my size:0" in expected(TWO) and "by name" not in expected(Wanted())


HOLDING = Wanted(names=("audio", "state"), held={"my rate": 1, "0": 2, "audio_2": 3})


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("x_train_my rate", "my rate"),
        ("x_test_my_rate", "my rate"),
        ("y_test_my_rate", ""),
        ("x_train_0", ""),
        ("x_train_audio", ""),
        ("x_train", ""),
        ("my rate", ""),
    ],
)
def test_an_array_for_an_input_that_is_held_is_left_out(key, name):
    assert left_out(key, HOLDING) == name
    assert name == "" or placed([key, "x_train_state"], HOLDING, "d") == {"x_train_state": Place("x", "train", 1)}


def test_beside_an_array_that_is_left_out_one_alone_needs_no_known_name():
    one = Wanted(names=("audio",), held={"sr": 16000})
    assert placed(["x_train_sound", "x_train_sr"], one, "d") == {"x_train_sound": Place("x", "train", 0)}
    assert left_out_notes(["sr", "sr"]) == ("data: what it has for 'sr' is not used: that input is held at a value",)
