"""What a data function may return: arrays in every form, and streams told apart by what they can do."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from edgekit.errors import DataError
from edgekit.ingest.arrays import ArrayWriter
from edgekit.ingest.spool import spool_result
from edgekit.ingest.wanted import Wanted
from edgekit.progress import no_progress
from edgekit.project.project_file import DataTable
from edgekit.values import to_builtins

X, Y = np.arange(48, dtype=np.float32).reshape(12, 4), np.arange(12) % 3


class TfDataLike:
    """Enough of a `tf.data.Dataset`: an element spec, a cardinality, tensors with `numpy()`."""

    element_spec = "anything"

    def __init__(self, batches, cardinality=-2):
        self._batches, self._cardinality = batches, cardinality

    def cardinality(self):
        return np.int64(self._cardinality)

    def __iter__(self):
        for x, y in self._batches:
            yield Tensor(x), Tensor(y)


class Tensor:
    def __init__(self, array):
        self._array = array

    def numpy(self):
        return self._array


class PyDatasetLike:
    """Enough of a Keras `PyDataset`: batches by number, and iterating over it would never end."""

    def __init__(self, batches):
        self._batches = batches

    def __len__(self):
        return len(self._batches)

    def __getitem__(self, index):
        return self._batches[index % len(self._batches)]


def batches(x=X, y=Y, size=5):
    return [(x[start : start + size], y[start : start + size]) for start in range(0, len(x), size)]


def generator():
    yield from batches()


@pytest.fixture
def write(tmp_path):
    """What the API does with the caller's data: spool it here."""

    def spooled(result, names=(), output_names=()):
        options = {"validation": 0.25}
        return spool_result(
            result, tmp_path, names=names, output_names=output_names, options=options, seed=0, progress=no_progress
        )

    return spooled


FORMS = {
    "arrays by name": lambda: {"x_train": X, "y_train": Y, "x_test": X, "y_test": Y},
    "arrays by name and number": lambda: {"x_train_0": X, "y_train_0": Y, "x_test_0": X, "y_test_0": Y},
    "splits of tuples": lambda: {"train": (X, Y), "test": (X, Y)},
    "splits of lists": lambda: {"train": [X, Y], "test": [X, Y]},
    "a pair of pairs": lambda: ((X, Y), (X, Y)),
    "a list of pairs": lambda: [(X, Y), (X, Y)],
    "tf.data of known length": lambda: {"train": TfDataLike(batches(), 3), "test": TfDataLike(batches(), 3)},
    "tf.data of unknown length": lambda: (TfDataLike(batches()), TfDataLike(batches())),
    "keras datasets": lambda: {"train": PyDatasetLike(batches()), "test": PyDatasetLike(batches())},
    "generators": lambda: {"train": generator(), "test": generator()},
    "iterables of lists": lambda: {"train": iter([list(b) for b in batches()]), "test": generator()},
    "weights that are None": lambda: {"train": iter([(*b, None) for b in batches()]), "test": (X, Y)},
    "mappings of one": lambda: {"train": iter([({"x": x}, {"y": y}) for x, y in batches()]), "test": (X, Y)},
    "tensors": lambda: {"train": (Tensor(X), Tensor(Y)), "test": (Tensor(X), Tensor(Y))},
    "no validation": lambda: {"train": (X, Y), "validation": None, "test": (X, Y)},
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_arrays(write, form):
    found = write(FORMS[form]())
    for split in ("train", "test"):
        np.testing.assert_array_equal(found.inputs(split)[0], X)
        np.testing.assert_array_equal(found.targets(split)[0], Y)
    assert found.splits["validation"].samples == 3


def singles(x=X, y=Y):
    yield from zip(x, y, strict=True)


class TorchLike:
    """Enough of a tensor of torch that is being trained: `numpy()` alone is refused."""

    def __init__(self, array):
        self._array, self._detached = array, False

    def detach(self):
        self._detached = True
        return self

    def cpu(self):
        return self

    def numpy(self):
        assert self._detached, "Can't call numpy() on Tensor that requires grad"
        return self._array


class LoaderLike:
    """Enough of torch's `DataLoader`: a length, and batches that are lists."""

    def __len__(self):
        return 3

    def __iter__(self):
        return ([TorchLike(x), TorchLike(y)] for x, y in batches())


KNOWN = {
    **FORMS,
    "single samples of a generator": lambda: {"train": singles(), "test": singles()},
    "generator functions": lambda: (generator, singles),
    "a function that gives arrays": lambda: (lambda: (X, Y), lambda: (X, Y)),
    "tf.data unbatched": lambda: (TfDataLike(list(singles()), 12), TfDataLike(list(singles()))),
    "a list of pairs": lambda: (list(singles()), batches(size=3)),
    "lists of lists": lambda: ((X.tolist(), Y.tolist()), (X.tolist(), Y.tolist())),
    "lists of arrays": lambda: ((list(X), list(Y)), (list(X), Y)),
    "a tuple of arrays": lambda: ((tuple(X), tuple(Y)), (X, Y)),
    "inputs in a list of one": lambda: (([X], [Y]), ([X], Y)),
    "tensors of torch": lambda: ((TorchLike(X), TorchLike(Y)), LoaderLike()),
    "a data set of torch": lambda: (PyDatasetLike(list(singles())), PyDatasetLike(list(singles()))),
    "mappings of samples": lambda: (iter([({"x": x}, y) for x, y in singles()]), (X, Y)),
}  # fmt: skip


@pytest.mark.parametrize("form", KNOWN)
def test_every_form_gives_the_same_arrays_where_the_model_is_known(tmp_path, form):
    found = spool_result(
        KNOWN[form](), tmp_path, options={"validation": 0.25}, seed=0, progress=no_progress,
        wanted=Wanted(names=("x",), output_names=("y",), input_shapes=((4,),), output_shapes=((3,),)),
    )  # fmt: skip
    for split in ("train", "test"):
        np.testing.assert_array_equal(found.inputs(split)[0], X)
        np.testing.assert_array_equal(found.targets(split)[0], Y)


def test_single_samples_of_several_inputs(tmp_path):
    wanted = Wanted(names=("a", "b"), output_names=("y",), input_shapes=((4,), (2, 2)), output_shapes=((3,),))
    samples = [((x, x.reshape(2, 2)), y) for x, y in singles()]
    by_name = [({"b": x.reshape(2, 2), "a": x}, y) for x, y in singles()]
    found = spool_result(
        (iter(samples), iter(by_name)),
        tmp_path,
        options={"validation": 0.25},
        seed=0,
        progress=no_progress,
        wanted=wanted,
    )
    for split in ("train", "test"):
        np.testing.assert_array_equal(found.inputs(split)[0], X)
        np.testing.assert_array_equal(found.inputs(split)[1], X.reshape(12, 2, 2))


def test_labels_that_are_text_are_numbered_in_the_order_of_the_alphabet(write, tmp_path):
    words = np.array(["walk", "run", "sit"])[Y]
    found = write({"train": (X, words.tolist()), "test": iter([(X[:6], words[:6]), (X[6:], words[6:].astype(object))])})
    assert found.labels == ("run", "sit", "walk")
    for split in ("train", "test"):
        assert found.targets(split)[0].tolist() == [(2, 0, 1)[number] for number in Y]
    assert "targets: text, 3 classes in the order run, sit, walk" in found.notes


def test_a_stream_without_an_end_is_not_read_for_ever(write, monkeypatch):
    def forever():
        while True:
            yield X, Y

    monkeypatch.setattr("edgekit.ingest.streams.MOST_BYTES", 10_000)
    with pytest.raises(DataError, match="a stream that may have no end") as caught:
        write((forever, (X, Y)))
    assert "itertools.islice" in caught.value.next_step and caught.value.where == "data: train"
    ends = PyDatasetLike([(X, Y)] * 100)
    assert write({"train": ends, "test": (X, Y)}).splits["train"].samples == 900, "what has a length may be long"


def test_frames_of_pandas(tmp_path):
    pandas = pytest.importorskip("pandas")
    wanted = Wanted(names=("x",), output_names=("y",), input_shapes=((4, 1),), output_shapes=((3,),), classes=3)
    frame = pandas.DataFrame(X, columns=list("abcd")).astype({"a": "Int64"})
    words = pandas.Series(np.array(["walk", "run", "sit"])[Y])

    def write(result, **options):
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        table = to_builtins(DataTable(source="data", **options))
        return spool_result(result, folder, options=table, seed=0, progress=no_progress, wanted=wanted)

    for targets in (words, words.astype("category"), pandas.Series(Y)):
        found = write(((frame, targets), (frame, targets)))
        np.testing.assert_array_equal(found.inputs("test")[0], X[..., None])
        assert found.targets("test")[0].tolist()[:3] == ([0, 1, 2] if targets.dtype.kind in "iu" else [2, 0, 1])
    whole = frame.assign(label=words)
    found = write((whole, whole), target="label")
    assert found.labels == ("run", "sit", "walk") and found.splits["test"].samples == 12
    assert write(whole, target="label", test=0.25).splits["test"].samples == 3
    with pytest.raises(DataError, match="a data frame without a named target") as caught:
        write((whole, whole))
    assert "frame['label']" in caught.value.next_step
    with pytest.raises(DataError, match="a column that holds no numbers") as caught:
        write(((whole, words), (frame, words)))
    assert caught.value.where == "data: train: x_0: column 'label'"
    frame.loc[3, "c"] = None
    with pytest.raises(DataError, match="a missing value") as caught:
        write(((frame, words), (frame, words)))
    assert caught.value.where == "data: train: x_0: row 3, column 'c'"


def test_frames_of_polars(write):
    polars = pytest.importorskip("polars")
    frame, words = polars.DataFrame(X), polars.Series(np.array(["walk", "run", "sit"])[Y].tolist())
    found = write(((frame, words), (frame, words)))
    np.testing.assert_array_equal(found.inputs("train")[0], X)
    assert found.labels == ("run", "sit", "walk")


def test_names_for_class_numbers(write, tmp_path):
    options = {"validation": 0.25, "classes": ["a", "b", "c"]}
    found = spool_result(((X, Y), (X, Y)), tmp_path, options=options, seed=0, progress=no_progress)
    assert found.labels == ("a", "b", "c")
    with pytest.raises(DataError, match="more class numbers than names"):
        spool_result(
            ((X, Y), (X, Y)), tmp_path, options={**options, "classes": ["a", "b"]}, seed=0, progress=no_progress
        )


@pytest.mark.parametrize(
    "result", [((X, Y), (X[:6], Y[:6]), (X, Y)), {"train": (X, Y), "val": (X[:6], Y[:6]), "test": (X, Y)}]
)
def test_a_validation_split_may_be_given(write, result):
    found = write(result)
    assert found.splits["validation"].samples == 6 and found.splits["validation"].rows is None


def test_several_inputs_by_position_and_by_name(write):
    wide = np.hstack([X, X])
    by_name = [({"b": b[0], "a": np.hstack([b[0], b[0]])}, b[1]) for b in batches()]
    found = write({"train": iter(by_name), "test": ({"a": wide, "b": X}, Y)}, names=("a", "b"))
    assert [array.shape for array in found.inputs("train")] == [(12, 8), (12, 4)]
    np.testing.assert_array_equal(found.inputs("train")[1], X)
    np.testing.assert_array_equal(found.inputs("test")[0], wide)
    found = write({"train": ((X, wide), (Y, X)), "test": ((X, wide), (Y, X))})
    assert [array.shape for array in found.inputs("test")] == [(12, 4), (12, 8)]
    assert [array.shape for array in found.targets("test")] == [(12,), (12, 4)]


def test_arrays_are_named_as_the_function_names_them(write):
    by_key = write({"x_train_image": X, "y_train": Y, "x_test": X, "y_test": Y}, names=("image",))
    assert [by_key.splits["train"].inputs[0].name, by_key.splits["test"].inputs[0].name] == ["x_train_image", "x_test"]
    by_place = write({"train": ((X, X), Y), "test": ((X, X), Y)}, names=("a", "b"))
    assert [one.name for one in by_place.splits["train"].inputs] == ["train: x_0", "train: x_1"]


def test_several_targets_by_name(write):
    by_name = [(x, {"b": y, "a": x[:, 0]}) for x, y in batches()]
    found = write({"train": iter(by_name), "test": (X, {"a": X[:, 0], "b": Y})}, output_names=("a", "b"))
    for split in ("train", "test"):
        np.testing.assert_array_equal(found.targets(split)[0], X[:, 0])
        np.testing.assert_array_equal(found.targets(split)[1], Y)


def test_weights_of_samples_are_refused(write):
    """They would be dropped: neither the training nor the metric takes them."""
    with pytest.raises(DataError, match="weights of samples, which are not used") as caught:
        write({"train": iter([(*b, np.ones(len(b[0]))) for b in batches()]), "test": (X, Y)})
    assert caught.value.where == "data: train" and "(x, y)" in caught.value.next_step


def test_names_that_the_model_does_not_have(write):
    def refused(part, **names):
        with pytest.raises(DataError) as caught:
            write({"train": part, "test": (X, Y)}, **names)
        return caught.value

    found = refused((X, {"a": Y, "c": Y}), names=("image",), output_names=("a", "b"))
    assert found.what == "targets by other names than the model's outputs"
    assert (found.received, found.allowed) == ("a, c", "a, b") and "outputs" in found.next_step
    found = refused((X, {"a": Y}), output_names=("a", "b"))
    assert (found.received, found.allowed) == ("a", "a, b")
    found = refused(({"a": X, "b": X}, Y))
    assert found.what == "inputs by other names than the model's inputs" and "a tuple" in found.allowed


class NoLength:
    """A `PyDataset` that knows no number of batches; iterating over it would never end."""

    def __len__(self):
        raise NotImplementedError("num_batches")

    def __getitem__(self, index):
        return X, Y


class Unfinished:
    def __iter__(self):
        yield X, Y
        raise OSError("the network is gone")


@pytest.mark.parametrize(
    ("result", "what"),
    [
        (None, "the function returned something else than data"),
        ({}, "the function returned something else than data"),
        ({"x_trian": X, "y_train": Y}, "the function returned something else than data"),
        (((X, Y),), "the function returned something else than data"),
        ({"train": 3, "test": (X, Y)}, "a split that is neither arrays nor a stream"),
        ({"train": X, "test": (X, Y)}, "a split that is not (x, y)"),
        ({"train": {"x": X, "y": Y}, "test": (X, Y)}, "a split that is not (x, y)"),
        ({"train": (X, Y, Y), "test": (X, Y)}, "a split that is not (x, y)"),
        ((X, Y), "a split that is not (x, y)"),
        ({"train": (X, Y[:5]), "test": (X, Y)}, "inputs and targets of different length"),
        ({"train": iter([(X, Y[:5])]), "test": (X, Y)}, "arrays of one split have different lengths"),
        ({"train": iter([X, X]), "test": (X, Y)}, "a batch that is not (inputs, targets)"),
        ({"train": iter([(X[0, 0], Y[0])]), "test": (X, Y)}, "a single sample where a batch is expected"),
        ({"train": {"image": X, "label": Y}, "test": (X, Y)}, "a split that is not (x, y)"),
        ({"train": iter([{"image": X, "label": Y}]), "test": (X, Y)}, "a batch that is not (inputs, targets)"),
        ((X, Y, X, Y), "the function returned something else than data"),
        ({"train": lambda size: generator(), "test": (X, Y)}, "a function that cannot be called without arguments"),
        ({"train": ([[1, 2], [3, 4], [5]], [0, 1, 2]), "test": (X, Y)}, "a list of items of different shapes"),
        ({"train": (X, ["a"] * 6 + ["b"] * 6), "test": (X, ["a", "c"] * 6)}, "labels that the training split does not have"),
        ({"train": (X, ["a"] * 12), "test": (X, ["a"] * 12)}, "fewer than two classes"),
        ({"train": NoLength(), "test": (X, Y)}, "a data set without a length"),
        (iter([1, 2]), "the function returned something else than data"),
        ({"train": iter([(X, Y), (X[:, :3], Y)]), "test": (X, Y)}, "samples of different shapes"),
        ({"train": iter([(X.astype(int), Y), (X / 3, Y)]), "test": (X, Y)}, "batches of different types"),
        ({"train": iter([]), "test": (X, Y)}, "no batches"),
        ({"train": PyDatasetLike([]), "test": (X, Y)}, "no batches"),
        ({"train": TfDataLike(batches(), -1), "test": (X, Y)}, "an endless tf.data.Dataset"),
        ({"train": ({"a": X, "c": X}, Y), "test": (X, Y)}, "inputs by other names than the model's inputs"),
        ({"train": (np.array([[object()]] * 12), Y), "test": (X, Y)}, "an array of Python objects"),
        ({"train": (X * np.nan, Y), "test": (X, Y)}, "a value that is no finite number (NaN or infinite), or beyond what float32 holds"),
        ({"train": (X, Y)}, "no test split"),
        ({"x_train": X, "x_test": X, "y_test": Y}, "a part of a split is missing"),
    ],
)  # fmt: skip
def test_bad_data_is_named(write, result, what):
    with pytest.raises(DataError) as caught:
        write(result, names=("a", "b"))
    assert caught.value.what == what, str(caught.value)


def test_batches_of_mixed_widths_are_widened_safely(write):
    stream = iter([(X[:6].astype(np.float32), Y[:6]), (X[6:].astype(np.float64), Y[6:].astype(np.int32))])
    np.testing.assert_array_equal(write({"train": stream, "test": (X, Y)}).inputs("train")[0], X)


def test_a_function_of_the_users_in_its_child(tmp_path, open_source):
    source = f"""
import numpy as np
X, Y = np.arange(48, dtype=np.float32).reshape(12, 4), np.arange(12) % 3
{inspect.getsource(batches)}
{inspect.getsource(generator)}
def make():
    print("printed by the user")
    return {{"train": generator(), "test": (X, Y)}}
def fails():
    return {{"train": 1 / 0}}
def leaves():
    raise SystemExit(3)
"""
    (tmp_path / "own_stream.py").write_text(textwrap.dedent(source), encoding="utf-8")
    found = open_source("own_stream:make", in_child=True)
    np.testing.assert_array_equal(found.inputs("train")[0], X)
    with pytest.raises(DataError, match="the function raised an error") as caught:
        open_source("own_stream:fails", in_child=True)
    assert "ZeroDivisionError" in caught.value.received and "own_stream.py" in caught.value.where
    with pytest.raises(DataError, match="ends the process") as caught:
        open_source("own_stream:leaves", in_child=True)
    assert caught.value.received == "sys.exit(3)" and "own_stream.py:" in caught.value.where


LARGE = """
import numpy as np

def stream(count):
    for number in range(count):
        yield np.full((64, 256, 256), number % 7, np.uint8), np.arange(64) % 3

def make():
    return {"train": stream(75), "test": stream(1)}
"""

CHILD = """
import json, resource, sys
from pathlib import Path
from edgekit.ingest.spool import spool

job = json.loads(sys.argv[1])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
spool(job, lambda *_: None)
print(json.dumps([before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in KiB on Linux")
def test_a_stream_of_300_mb_goes_through_little_memory(tmp_path):
    (tmp_path / "own_large.py").write_text(LARGE, encoding="utf-8")
    (tmp_path / "out").mkdir()
    job = {
        "kind": "function", "source": "own_large:make", "root": str(tmp_path), "target": str(tmp_path / "out"),
        "options": {"validation": 0.2}, "wanted": {}, "whole": False, "seed": 0, "trust": False, "need": ["train", "test"], "key": "k",
    }  # fmt: skip
    answer = subprocess.run(
        [sys.executable, "-c", CHILD, json.dumps(job)], capture_output=True, text=True, timeout=60, check=True
    )
    before, peak = json.loads(answer.stdout)
    large = (tmp_path / "out" / "x_train_0.npy").stat().st_size
    (tmp_path / "out" / "x_train_0.npy").unlink()
    assert large > 300 * 10**6
    # two batches of 4 MiB, and 32 MiB read at a time with its pages
    assert (peak - before) * 1024 < 120 * 10**6


def test_a_later_batch_of_a_wider_type_must_fit(tmp_path):
    """int8 labels and then int64 ones: what fits is kept, what would wrap around is refused."""
    writer = ArrayWriter(tmp_path / "y.npy", "y")
    writer.append(np.array([0, 1], np.int8))
    writer.append(np.array([2, 3], np.int64))
    with pytest.raises(DataError, match="different types") as caught:
        writer.append(np.array([256], np.int64))
    assert caught.value.received == "int64" and "int8" in caught.value.allowed
    writer.close()
    assert np.load(tmp_path / "y.npy").tolist() == [0, 1, 2, 3]


NOT_USED = "data: what it has for 'sr' is not used: that input is held at a value"


@pytest.mark.parametrize("form", ["keys", "mappings", "streams"])
def test_what_is_given_for_a_held_input_is_left_out_with_a_note(tmp_path, form):
    """By keys of arrays, by the names of a mapping of inputs, and in each batch of a stream."""
    rate = np.r_[np.full(6, 16000.0), np.full(6, 8000.0)]
    named = {"audio": X, "sr": rate}
    given = {
        "keys": {f"{kind}_{split}{port}": value for split in ("train", "test") for kind, port, value in (("x", "_audio", X), ("x", "_sr", rate), ("y", "", Y))},
        "mappings": {"train": (named, Y), "test": (named, Y)},
        "streams": {split: [({"audio": X[:6], "sr": rate[4:10]}, Y[:6])] * 3 for split in ("train", "test")},
    }[form]  # fmt: skip
    wanted = Wanted(names=("audio",), input_shapes=((4,),), held={"sr": 16000})
    found = spool_result(given, tmp_path, wanted=wanted, options=to_builtins(DataTable(source="d")), seed=0, progress=no_progress)  # fmt: skip
    assert [one.shape[1:] for one in found.splits["train"].inputs] == [(4,)]
    assert found.notes.count(NOT_USED) == 1
    places = ["x_train_sr", "x_test_sr"] if form == "keys" else ["train", "test"]
    counts = (12, 18) if form == "streams" else (6, 12)
    assert [(one.where, one.other, one.differ, one.count) for one in found.held] == [
        (at, "8000", *counts) for at in places
    ]
