"""Model and data objects of the caller's process, put where files would be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgekit.errors import DataError, ModelError
from edgekit.ingest.objects import keep_data, keep_model
from edgekit.ingest.wanted import Wanted
from edgekit.jobs.cache import Cache
from edgekit.progress import no_progress
from edgekit.project.project_file import DataTable

X, Y = np.arange(48, dtype=np.float32).reshape(12, 4), np.arange(12) % 3


class KerasLike:
    """What of a Keras model of either kind is asked for here."""

    loss = None

    def __init__(self, weight=1.0, fails=None):
        self._weights, self._fails = [np.full((2, 2), weight, np.float32)], fails

    def get_weights(self):
        return self._weights

    def get_config(self):
        return {}

    def to_json(self):
        return "{}"

    def save(self, path: Path):
        if self._fails:
            raise self._fails
        path.write_bytes(self._weights[0].tobytes())


def keep(data, cache, **more):
    return keep_data(data, more.pop("table", None), wanted=Wanted(), seed=0, cache=cache, progress=no_progress)


def test_a_model_object_is_kept_by_its_content(tmp_path):
    cache = Cache(tmp_path)
    first = keep_model(KerasLike(), cache)
    assert Path(first.source).is_file()
    assert keep_model(KerasLike(), cache).source == first.source
    assert keep_model(KerasLike(weight=2.0), cache).source != first.source


@pytest.mark.parametrize("model", [3, object(), [KerasLike()], X])
def test_what_is_no_model(tmp_path, model):
    with pytest.raises(ModelError, match="not a Keras model") as caught:
        keep_model(model, Cache(tmp_path))
    assert caught.value.received == type(model).__name__


def test_a_model_that_cannot_be_saved_leaves_nothing(tmp_path):
    with pytest.raises(ModelError, match="cannot be saved") as caught:
        keep_model(KerasLike(fails=NotImplementedError("a custom layer has no get_config")), Cache(tmp_path))
    assert "get_config" in caught.value.received and not (tmp_path / "objects").exists()


def test_data_objects_are_spooled_and_kept_by_their_content(tmp_path):
    cache = Cache(tmp_path)
    first = keep({"train": (X, Y), "test": (X, Y)}, cache)
    np.testing.assert_array_equal(first.inputs("test")[0], X)
    assert Path(first.root).is_relative_to(tmp_path / "data") and list((tmp_path / "scratch").iterdir()) == []
    again = keep(((X, Y), (X, Y)), cache)
    assert (again.root, again.sha256) == (first.root, first.sha256)
    assert keep(((X + 1, Y), (X, Y)), cache).sha256 != first.sha256


def test_the_options_of_the_project_hold_for_objects(tmp_path):
    table = DataTable(source="unused", validation=0.5)
    assert keep(((X, Y), (X, Y)), Cache(tmp_path), table=table).splits["validation"].samples == 6


def test_bad_data_objects_leave_nothing(tmp_path):
    for data in ((X, Y), {"train": (X * np.nan, Y), "test": (X, Y)}, 3):
        with pytest.raises(DataError):
            keep(data, Cache(tmp_path))
    assert not (tmp_path / "data").exists() and list((tmp_path / "scratch").iterdir()) == []


def test_labels_that_were_text_are_kept_apart_from_the_same_numbers(tmp_path):
    cache, words = Cache(tmp_path), np.array(["run", "sit", "walk"])
    numbers = np.arange(12) % 3
    x = np.arange(48, dtype=np.float32).reshape(12, 4)
    plain = keep(((x, numbers), (x, numbers)), cache)
    named = keep(((x, words[numbers]), (x, words[numbers])), cache)
    assert (plain.labels, named.labels) == ((), ("run", "sit", "walk"))
    assert plain.sha256 == named.sha256, "what is trained on is the same"
