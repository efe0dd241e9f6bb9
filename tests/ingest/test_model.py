"""Opening models and data: what is asked of the worker, what is said of a bad path, and that the content is the key."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edgekit.documents.facts import ModelFacts
from edgekit.errors import DataError, ModelError, ProjectError
from edgekit.ingest.first_look import HDF5
from edgekit.ingest.model import open_data, open_model
from edgekit.jobs.cache import Cache
from edgekit.jobs.worker import Done, Failed
from edgekit.progress import no_progress
from edgekit.project.project_file import DataTable, ModelTable
from edgekit.values import to_json

FACTS = ModelFacts(sha256="0", format="keras", inputs=(), outputs=(), layers=(), output_kinds=("softmax",))


class Answering:
    """Stands where the pool of TensorFlow workers stands, and keeps the jobs it is asked."""

    def __init__(self, answer=None):
        self.jobs, self._answer = [], answer

    def run(self, job, *, progress, time_limit_s=None):
        from pathlib import Path

        self.jobs.append(job)
        if self._answer is None:
            (Path(job["target"]) / "facts.json").write_text(to_json(FACTS), encoding="utf-8")
        return self._answer or Done(value=None)


@pytest.fixture
def opened(tmp_path):
    def open_it(source, pool, *, seed=0, trust=False, imports=(), version="", held=None):
        table = ModelTable(source=source, version=version, held=held or {})
        return open_model(
            table,
            root=tmp_path,
            cache=Cache(tmp_path / "cache"),
            pool=pool,
            seed=seed,
            imports=imports,
            trust=trust,
            progress=no_progress,
        )

    return open_it


def test_a_model_is_loaded_once_and_its_content_is_the_key(tmp_path, opened):
    (tmp_path / "a.keras").write_bytes(HDF5 + b"one")
    (tmp_path / "b.keras").write_bytes(HDF5 + b"one")
    pool = Answering()
    first = opened("a.keras", pool)
    assert first.facts == FACTS and pool.jobs[0]["source"] == str(tmp_path / "a.keras")
    again = opened("a.keras", pool), opened("b.keras", pool), opened("a.keras", pool, seed=9)
    assert {(one.folder, one.key) for one in again} == {(first.folder, first.key)} and len(pool.jobs) == 1
    assert again[1].job["source"] == str(tmp_path / "b.keras"), "the original is read from where the user named it"
    (tmp_path / "a.keras").write_bytes(HDF5 + b"two")
    assert opened("a.keras", pool).key != first.key and len(pool.jobs) == 2
    assert opened("a.keras", pool, trust=True).key != first.key, "trust may give another model"


def test_a_function_counts_by_its_source_version_seed_and_imports(tmp_path, opened):
    (tmp_path / "own_model.py").write_text("def make(): return 1", encoding="utf-8")
    (tmp_path / "own_layer.py").write_text("A = 1", encoding="utf-8")
    pool = Answering()
    ways = [{}, {"seed": 1}, {"version": "2"}, {"imports": ("own_layer",)}]
    keys = {opened("own_model:make", pool, **way).key for way in ways}
    assert len(keys) == len(pool.jobs) == 4 and pool.jobs[0]["is_function"]
    (tmp_path / "own_layer.py").write_text("A = 2", encoding="utf-8")
    assert opened("own_model:make", pool, imports=("own_layer",)).key not in keys


def test_an_import_counts_by_the_values_that_inputs_are_held_at(tmp_path, opened):
    onnx = pytest.importorskip("onnx", reason="needs the `onnx` extra")
    pytest.importorskip("onnxruntime", reason="needs the `onnx` extra")
    digits = Path(__file__).resolve().parents[2] / "examples" / "onnx" / "digits.onnx"
    model = onnx.load(digits)
    for name, kind in (("sr", onnx.TensorProto.INT64), ("gain", onnx.TensorProto.FLOAT)):
        model.graph.input.append(onnx.helper.make_tensor_value_info(name, kind, []))
    onnx.save(model, tmp_path / "net.onnx")
    pool = Answering()
    ways = [{}, {"sr": 16000}, {"sr": 8000}, {"gain": 1.0}, {"gain": 2.0}, {"sr": 16000, "gain": 1.0}]
    keys = [opened("net.onnx", pool, held=held).key for held in ways]
    assert len(set(keys)) == len(pool.jobs) == len(ways)
    assert [job["held"] for job in pool.jobs] == ways
    assert opened("net.onnx", pool, held={"sr": 8000}).key == keys[2] and len(pool.jobs) == len(ways)
    with pytest.raises(ProjectError, match="no input 'srr'"):
        opened("net.onnx", pool, held={"srr": 1})
    with pytest.raises(ProjectError, match="every input of the model is held"):
        opened("net.onnx", pool, held={"sr": 1, "gain": 1, "image": 0})
    assert len(pool.jobs) == len(ways), "what is wrong is told before a worker is asked"


@pytest.mark.parametrize("source", ["a.keras", "net.tflite", "own_model:make"])
def test_inputs_of_a_model_of_another_kind_are_not_held(tmp_path, opened, source):
    (tmp_path / "a.keras").write_bytes(HDF5 + b"one")
    golden = Path(__file__).resolve().parents[1] / "golden" / "float32.tflite"
    (tmp_path / "net.tflite").write_bytes(golden.read_bytes())
    (tmp_path / "own_model.py").write_text("def make(): return 1", encoding="utf-8")
    pool = Answering()
    with pytest.raises(ProjectError, match=r"only of a model in ONNX or of PyTorch") as caught:
        opened(source, pool, held={"sr": 16000})
    problem = caught.value
    assert (problem.where, problem.received) == ("edgekit.toml: model.held", f"sr of {source}")
    assert "leave held out" in problem.next_step and not pool.jobs


def test_a_worker_that_fails_is_an_error_with_the_end_of_its_log(tmp_path, opened):
    (tmp_path / "a.keras").write_bytes(HDF5 + b"one")
    failed = Failed(reason="the process ended with signal SIGSEGV", detail="first\nlast words\n\n")
    with pytest.raises(ModelError, match="cannot be loaded") as caught:
        opened("a.keras", Answering(failed))
    assert "SIGSEGV" in caught.value.received and caught.value.next_step == "the log ends with: last words"
    assert not (tmp_path / "cache" / "models").exists(), "a failure is not kept"


def test_a_path_that_there_is_not_suggests_the_nearest_before_any_worker_starts(tmp_path, opened):
    (tmp_path / "model.keras").write_bytes(HDF5 + b"one")
    pool = Answering()
    with pytest.raises(ModelError, match="the model does not exist") as caught:
        opened("modle.keras", pool)
    assert caught.value.next_step == "did you mean 'model.keras'?" and pool.jobs == []
    with pytest.raises(DataError, match="the data does not exist") as caught:
        open_data(DataTable(source="none/d.npz"), root=tmp_path, cache=Cache(tmp_path / "c"), progress=no_progress)
    assert "relative to the project" in caught.value.next_step


def test_a_link_to_nothing_is_told_as_that_and_not_suggested(tmp_path, opened):
    (tmp_path / "model.pt2").symlink_to("gone.pt2")
    with pytest.raises(ModelError, match="the model does not exist") as caught:
        opened("model.pt2", Answering())
    assert caught.value.received == "a link to gone.pt2" and "did you mean" not in caught.value.next_step


@pytest.mark.parametrize(
    "name", ["model.onnx", "model.keras", "model.pt2", "model.pt", "model.tflite", "data.npz", "data.csv", "data"]
)
def test_links_in_a_circle_are_told_as_that(tmp_path, opened, name):
    (tmp_path / name).symlink_to("other")
    (tmp_path / "other").symlink_to(name)
    with pytest.raises((ModelError, DataError), match="does not exist") as caught:
        if name.startswith("data"):
            open_data(DataTable(source=name), root=tmp_path, cache=Cache(tmp_path / "c"), progress=no_progress)
        else:
            opened(name, Answering())
    assert caught.value.received == f"symbolic links in a circle: {name} is a link to other"
    assert "point at" in caught.value.next_step and caught.value.where == str(tmp_path / name)


@pytest.mark.parametrize("ending", [".keras", ".onnx", ".pt2", ".pt", ".tflite", ".npz", ".csv"])
def test_a_name_that_no_file_can_have_is_told(tmp_path, opened, ending):
    with pytest.raises((ModelError, DataError)) as caught:
        if ending in (".npz", ".csv"):
            source = DataTable(source="a" * 3000 + ending)
            open_data(source, root=tmp_path, cache=Cache(tmp_path / "c"), progress=no_progress)
        else:
            opened("a" * 3000 + ending, Answering())
    assert "too long" in caught.value.received


@pytest.mark.parametrize("name", ["net.keras", "net.h5", "net", "net.onnx", "net.pt2", "net.pt", "net.tflite"])
def test_three_gigabytes_of_nothing_are_refused_unread(tmp_path, opened, name, monkeypatch):
    """By what the file begins with, or by its size: nothing is hashed, and no worker is asked."""
    with (tmp_path / name).open("wb") as file:
        file.truncate(3 * 2**30)
    monkeypatch.setattr(Cache, "digest", lambda self, path: pytest.fail("it was read whole"))
    pool = Answering()
    with pytest.raises(ModelError, match="not a") as caught:
        opened(name, pool)
    assert not pool.jobs and caught.value.received and caught.value.allowed and caught.value.next_step


@pytest.mark.parametrize("name", ["net.keras", "net.onnx", "net.pt2", "net.pt", "net.tflite", "data.npz"])
def test_what_git_lfs_keeps_in_the_place_of_a_file_is_told_as_that(tmp_path, opened, name):
    (tmp_path / name).write_text("version https://git-lfs.github.com/spec/v1\noid sha256:abc\nsize 12345\n")
    with pytest.raises((ModelError, DataError), match="not a") as caught:
        if name == "data.npz":
            open_data(DataTable(source=name), root=tmp_path, cache=Cache(tmp_path / "c"), progress=no_progress)
        else:
            opened(name, Answering())
    assert caught.value.received == "what Git LFS keeps in the place of a file"
    assert caught.value.next_step == "get the file itself: git lfs pull"


def test_a_keras_file_that_broke_off_is_told_as_that(tmp_path, opened):
    (tmp_path / "net.keras").write_bytes(b"PK\x03\x04" + bytes(200))
    with pytest.raises(ModelError, match="not a Keras model") as caught:
        opened("net.keras", Answering())
    assert caught.value.received.startswith("a zip archive without its end")


def test_a_folder_without_a_model_is_refused_before_anybody_is_asked(tmp_path, opened):
    (tmp_path / "net.onnx").mkdir()
    (tmp_path / "net.onnx" / "notes.txt").write_text("x")
    with pytest.raises(ModelError, match="a folder that is no SavedModel") as caught:
        opened("net.onnx", Answering())
    assert caught.value.received == "a folder with notes.txt in it" and ".onnx" in caught.value.allowed


def test_a_pipe_is_refused_before_anybody_waits_for_it(tmp_path, opened):
    os.mkfifo(tmp_path / "a.keras")
    os.mkfifo(tmp_path / "a.npz")
    with pytest.raises(ModelError, match="neither a file nor a folder"):
        opened("a.keras", Answering())
    with pytest.raises(DataError, match="neither a file nor a folder"):
        open_data(
            DataTable(source="a.npz"),
            root=tmp_path,
            cache=Cache(tmp_path / "cache"),
            seed=0,
            wanted=None,
            trust=False,
            progress=no_progress,
        )
