"""`.npz` archives: unpacked, checked, split; pickles and broken files refused."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from edgekit.errors import OutputError, TrustError
from edgekit.ingest import npz
from edgekit.ingest.wanted import Wanted


def arrays(samples=30, classes=3, seed=0):
    rng = np.random.default_rng(seed)
    return {
        "x_train": rng.normal(size=(samples, 4)).astype(np.float32),
        "y_train": np.arange(samples) % classes,
        "x_test": rng.normal(size=(6, 4)).astype(np.float32),
        "y_test": np.arange(6) % classes,
    }


def save(path, **content):
    np.savez(path, **content)


def test_an_archive_becomes_memory_mapped_arrays(tmp_path, open_source):
    content = arrays()
    save(tmp_path / "d.npz", **content)
    seen = []
    found = open_source("d.npz", in_child=True, progress=lambda *event: seen.append(event))
    assert set(found.splits) == {"train", "validation", "test"}
    assert isinstance(found.inputs("train")[0], np.memmap)
    np.testing.assert_array_equal(found.inputs("train")[0], content["x_train"])
    np.testing.assert_array_equal(found.targets("test")[0], content["y_test"])
    inputs = found.splits["test"].inputs[0]
    assert (inputs.shape, inputs.dtype) == ((6, 4), "float32")
    assert (inputs.low, inputs.high) == (content["x_test"].min(), content["x_test"].max())
    assert any(event[0] == "reading d.npz" for event in seen)


def test_the_validation_split_is_taken_off_training_and_nothing_is_in_both(tmp_path, open_source):
    save(tmp_path / "d.npz", **arrays())
    found = open_source("d.npz", validation=0.2)
    train, validation = found.rows("train"), found.rows("validation")
    assert (len(train), len(validation)) == (24, 6)
    assert sorted([*train, *validation]) == list(range(30))
    assert np.bincount(found.targets("train")[0][validation]).tolist() == [2, 2, 2]
    assert "stratified" in found.notes[0] and "seed 0" in found.notes[0]
    assert open_source("d.npz", seed=1).rows("validation").tolist() != validation.tolist()


def test_an_array_that_is_missing_among_others_and_two_of_one_name_are_refused(tmp_path, refused):
    content = arrays()
    save(tmp_path / "gap.npz", **content, x_train_2=content["x_train"])
    assert refused("gap.npz").next_step == "add x_train_1"
    save(tmp_path / "twice.npz", **content)
    with zipfile.ZipFile(tmp_path / "twice.npz", "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("x_train.npy", b"")
    error = refused("twice.npz")
    assert error.what == "two arrays of one name" and error.received == "x_train"


def test_arrays_that_are_called_nearly_as_data_are_told_to_be_unused(tmp_path, open_source):
    content = arrays()
    save(tmp_path / "d.npz", **content, x_validation=content["x_test"], Y_val=content["y_test"], ids=np.arange(3))
    (note,) = [one for one in open_source("d.npz").notes if "not used" in one]
    assert note.startswith("data: x_validation, Y_val are not used: arrays are called x_train, ")


def test_a_validation_split_of_ones_own_stays(tmp_path, open_source):
    content = arrays()
    save(tmp_path / "d.npz", **content, x_val=content["x_test"], y_val=content["y_test"])
    found = open_source("d.npz")
    assert found.splits["validation"].samples == 6 and found.splits["train"].rows is None and found.notes == ()


def test_several_inputs_and_outputs_in_their_order(tmp_path, open_source):
    content = {
        f"{kind}_{split}_{index}": np.full((6, index + 1), 10.0 * index, np.float32)
        for kind in "xy" for split in ("train", "test") for index in range(11)
    }  # fmt: skip
    save(tmp_path / "d.npz", **content)
    found = open_source("d.npz")
    assert [array.shape for array in found.inputs("train")] == [(6, index + 1) for index in range(11)]
    assert [float(array[0, 0]) for array in found.targets("test")] == [10.0 * index for index in range(11)]


def test_arrays_may_have_the_names_of_the_models_inputs_and_outputs(tmp_path, open_source):
    wanted = Wanted(names=("image", "in/size:0"), output_names=("label",))
    content = {
        f"{key}_{split}_{name}": np.full((6, 2), value, np.float32)
        for split in ("train", "test") for key, name, value in (("x", "in/size:0", 2), ("y", "label", 3), ("x", "image", 1))
    }  # fmt: skip
    save(tmp_path / "d.npz", **content)
    found = open_source("d.npz", wanted=wanted)
    assert [float(array[0, 0]) for array in (*found.inputs("test"), *found.targets("test"))] == [1.0, 2.0, 3.0]


def test_two_arrays_of_one_place_are_refused(tmp_path, refused):
    content = arrays()
    save(tmp_path / "d.npz", **content, x_train_image=content["x_train"])
    error = refused("d.npz", wanted=Wanted(names=("image",), output_names=("label",)))
    assert (error.what, error.received) == ("two arrays for one input or output", "x_train, x_train_image")


def test_the_second_time_it_comes_from_the_cache(tmp_path, open_source, monkeypatch):
    save(tmp_path / "d.npz", **arrays())
    first = open_source("d.npz")
    monkeypatch.setattr("edgekit.ingest.spool.unpack", lambda *_, **__: pytest.fail("read again"))
    assert open_source("d.npz") == first


def test_the_content_counts_and_not_the_name(tmp_path, open_source):
    save(tmp_path / "d.npz", **arrays())
    first = open_source("d.npz").sha256
    (tmp_path / "d.npz").rename(tmp_path / "e.npz")
    assert open_source("e.npz").sha256 == first
    save(tmp_path / "e.npz", **arrays(seed=1))
    assert open_source("e.npz").sha256 != first


def test_only_what_is_needed_must_be_there(tmp_path, open_source, refused):
    content = arrays()
    save(tmp_path / "d.npz", x_test=content["x_test"], y_test=content["y_test"])
    error = refused("d.npz")
    assert error.what == "no train split" and "x_train" in error.next_step
    assert set(open_source("d.npz", need=("test",)).splits) == {"test"}


@pytest.mark.parametrize("dtype", [">f4", "<f8", "f2", "u1", "i8", "?"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_number_types_and_memory_orders(tmp_path, open_source, dtype, order):
    content = arrays()
    image = np.asarray(np.arange(30 * 2 * 3).reshape(30, 2, 3) % 2, dtype=dtype, order=order)
    save(tmp_path / "d.npz", **{**content, "x_train": image, "x_test": image[:6]})
    np.testing.assert_array_equal(open_source("d.npz").inputs("train")[0], image)


def changed(**more):
    return {**arrays(), **more}


def with_value(value, row):
    x = arrays()["x_train"]
    x[row, 1] = value
    return x


@pytest.mark.parametrize(
    ("content", "what", "where"),
    [
        (changed(x_train=with_value(np.nan, 7)), "no finite number", "x_train, sample 7"),
        (changed(x_train=with_value(-np.inf, 29)), "no finite number", "x_train, sample 29"),
        (changed(y_test=np.array([0.0, 1, 2, 0, np.nan, 1])), "no finite number", "y_test, sample 4"),
        (changed(x_train=np.zeros((29, 4), np.float32)), "different lengths", "train"),
        (changed(x_test=np.zeros((6, 5), np.float32)), "shapes of test and train differ", "test"),
        (changed(x_test=np.zeros((0, 4), np.float32), y_test=np.zeros(0, int)), "no samples", "x_test"),
        (changed(x_train=np.float32(3)), "no samples", "x_train"),
        (changed(y_test=np.array(list("abcabc"))), "not an array of numbers", "y_test"),
        (changed(x_train=np.zeros((30, 4), complex)), "not an array of numbers", "x_train"),
        ({k: v for k, v in arrays().items() if k != "y_train"}, "a part of a split is missing", "y_train"),
        ({k: v for k, v in arrays().items() if "test" not in k}, "no test split", None),
    ],
)  # fmt: skip
def test_bad_arrays_are_named(tmp_path, refused, content, what, where):
    save(tmp_path / "d.npz", **content)
    error = refused("d.npz")
    file = tmp_path / "d.npz"
    assert what in error.what and error.where == (f"{file}: {where}" if where else str(file)), str(error)
    assert error.received and error.allowed and error.next_step, str(error)


def test_an_array_keeps_the_name_that_the_archive_gives_it(tmp_path, open_source):
    content = arrays()
    state = {f"x_{split}_state": content[f"x_{split}"] for split in ("train", "test")}
    save(tmp_path / "d.npz", **content, **state)
    wanted = Wanted(names=("audio", "state"))
    found = open_source("d.npz", wanted=wanted)
    said = [found.place(one) for one in found.splits["validation"].inputs]
    assert said == [f"{tmp_path / 'd.npz'}: {name}" for name in ("x_train", "x_train_state")]
    (tmp_path / "d.npz").rename(tmp_path / "moved.npz")
    again = open_source("moved.npz", wanted=wanted)
    assert again.root == found.root and again.place("train") == f"{tmp_path / 'moved.npz'}: train"


def test_other_names_list_what_was_received(tmp_path, refused):
    save(tmp_path / "d.npz", images=np.zeros(3), labels=np.zeros(3))
    error = refused("d.npz")
    assert error.what == "no arrays of the expected names" and error.received == "images.npy, labels.npy"


def test_pickled_arrays_need_trust(tmp_path, refused, open_source):
    content = arrays()
    save(tmp_path / "d.npz", **{**content, "x_train": np.array([row.tolist() for row in content["x_train"]], object)})
    error = refused("d.npz", TrustError, in_child=True)
    assert "can run code" in error.what and "--trust" in error.next_step and "x_train" in error.where
    found = open_source("d.npz", trust=True)
    np.testing.assert_allclose(found.inputs("train")[0], content["x_train"])


def test_a_pickle_that_runs_code_never_does(tmp_path, refused):
    class Bomb:
        def __reduce__(self):
            return (exec, (f"open({str(tmp_path / 'boom')!r}, 'w')",))

    save(tmp_path / "d.npz", **changed(x_train=np.array([Bomb()] * 30, object)))
    refused("d.npz", TrustError)
    assert not (tmp_path / "boom").exists()


def broken(path, how):
    content = path.read_bytes()
    if how == "text":
        path.write_text("x,y\n1,2\n", encoding="utf-8")
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "cut":
        path.write_bytes(content[: len(content) // 2])
    elif how == "flipped":
        middle = len(content) // 4
        path.write_bytes(
            content[:middle] + bytes(255 - b for b in content[middle : middle + 40]) + content[middle + 40 :]
        )
    elif how == "member":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("x_train.npy", b"not an array at all")
    elif how == "short member":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("x_train.npy", b"\x93NUMPY\x01\x00\x76\x00{'descr'")


@pytest.mark.parametrize("how", ["text", "empty", "cut", "flipped", "member", "short member"])
@pytest.mark.parametrize("compressed", [False, True])
def test_a_broken_archive(tmp_path, refused, how, compressed):
    (np.savez_compressed if compressed else np.savez)(tmp_path / "d.npz", **arrays())
    broken(tmp_path / "d.npz", how)
    error = refused("d.npz")
    assert error.what in ("not an .npz archive", "not an array", "not an array of numbers"), str(error)


def test_no_space_for_the_arrays(tmp_path, monkeypatch):
    save(tmp_path / "d.npz", **arrays())
    monkeypatch.setattr(npz.shutil, "disk_usage", lambda path: type("Usage", (), {"free": 100}))
    with pytest.raises(OutputError, match="no space") as caught:
        npz.unpack(tmp_path / "d.npz", tmp_path, wanted=Wanted(), trust=False, progress=lambda *_: None)
    assert caught.value.received == "100 bytes free"


def test_what_is_no_data(tmp_path, refused):
    (tmp_path / "data.xlsx").write_text("1,2", encoding="utf-8")
    assert refused("data.xlsx").received == ".xlsx"
    save(tmp_path / "digits.npz", **arrays())
    error = refused("digit.npz")
    assert error.what == "the data does not exist" and error.next_step == "did you mean 'digits.npz'?"


def test_arrays_for_an_input_that_is_held_are_left_out_with_a_note(tmp_path, open_source):
    rate = {f"x_{split}_sr": np.full(count, 16000) for split, count in (("train", 30), ("test", 6))}
    save(tmp_path / "d.npz", **arrays(), **rate)
    found = open_source("d.npz", wanted=Wanted(names=("audio",), held={"sr": 16000}))
    assert [one.path for one in found.splits["train"].inputs] == ["x_train_0.npy"]
    assert "data: what it has for 'sr' is not used: that input is held at a value" in found.notes
    assert found.held == () and not (Path(found.root) / "held.npy").exists()
    assert len(open_source("d.npz", wanted=Wanted(names=("audio", "sr"))).splits["train"].inputs) == 2


def test_other_values_for_a_held_input_are_kept_by_their_key(tmp_path, open_source):
    pickled, rate = np.array([{}] * 6, object), np.array([8000] * 5 + [16000])
    save(tmp_path / "d.npz", **arrays(), x_train_sr=np.int64(8000), x_test_sr=rate, x_val_sr=pickled, x_test_on=pickled)
    found = open_source("d.npz", wanted=Wanted(names=("audio",), held={"sr": 16000, "on": True}))
    told = [(one.name, one.where, one.held, one.other, one.differ, one.count) for one in found.held]
    assert told == [("sr", "x_train_sr", "16000", "8000", 1, 1), ("sr", "x_test_sr", "16000", "8000", 5, 6)]
