"""Bad input by the command: a clear message, the exit code of the contract, nothing written.

Cases that a light process can refuse start no TensorFlow; the others load a model in the real worker. One of each kind
runs as a process of its own, as a user runs it. What a worker says of a bad model is in tests/make/workshop.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import edgekit
from edgekit.errors import DataError, ModelError
from edgekit.ingest import opening
from edgekit.ingest.model import open_data
from edgekit.jobs.cache import CACHE_VARIABLE, Cache
from edgekit.progress import no_progress
from edgekit.project.project_file import DataTable

BUILD = ("build", "--device", "rpi4", "--out", "out")


def rewrite(folder: Path, **arrays: np.ndarray | None) -> None:
    """The project's data with some arrays in place of its own (None: left out)."""
    with np.load(folder / "data.npz") as data:
        kept = {**data, **arrays}
    np.savez(folder / "data.npz", **{name: array for name, array in kept.items() if array is not None})


def refused(done: subprocess.CompletedProcess[str], folder: Path, *words: str, code: int = 2) -> None:
    """The message names everything it should, there is no traceback, and nothing is in --out."""
    said = " ".join(done.stderr.split())
    assert done.returncode == code, said
    assert "Traceback" not in said and "itself failed" not in said
    assert done.stdout == ""
    for word in words:
        assert word in said, f"{word!r} is not in: {said}"
    assert [path for path in (folder / "out").rglob("*") if path.is_file()] == []


def no_model(folder: Path) -> None:
    (folder / "edgekit.toml").write_text('model = "model.keras"\ndata = "data.npz"\n')
    (folder / "modell.keras").write_text("")


def text_model(folder: Path) -> None:
    (folder / "edgekit.toml").write_text('model = "text.h5"\ndata = "data.npz"\n')
    (folder / "text.h5").write_text("no model")


def no_data(folder: Path) -> None:
    (folder / "data.npz").rename(folder / "dota.npz")


def nan_in_data(folder: Path) -> None:
    images = np.ones((8, 8, 8, 1), np.float32)
    images[3, 0, 0, 0] = np.nan
    rewrite(folder, x_test=images, y_test=np.arange(8) % 4)


def empty_class(folder: Path) -> None:
    rewrite(folder, y_train=np.where(np.arange(48) % 4 == 2, 3, np.arange(48) % 4))


def empty_class_folder(folder: Path) -> None:
    (folder / "edgekit.toml").write_text('model = "models:plain"\ndata = "images"\n')
    from PIL import Image

    for split in ("train", "test"):
        for label in ("cat", "dog"):
            (folder / "images" / split / label).mkdir(parents=True)
            if (split, label) != ("train", "dog"):
                Image.new("L", (8, 8)).save(folder / "images" / split / label / "1.png")


def different_lengths(folder: Path) -> None:
    rewrite(folder, y_train=np.arange(40) % 4)


def different_shapes(folder: Path) -> None:
    rewrite(folder, x_test=np.ones((32, 9, 8, 1), np.float32))


def no_test_split(folder: Path) -> None:
    rewrite(folder, x_test=None, y_test=None)


def pickled_data(folder: Path) -> None:
    rewrite(folder, y_train=np.array([{"label": 1}] * 48, dtype=object))


def data_no_archive(folder: Path) -> None:
    (folder / "data.npz").write_bytes(pickle.dumps([1, 2, 3]))


def data_truncated(folder: Path) -> None:
    whole = (folder / "data.npz").read_bytes()
    (folder / "data.npz").write_bytes(whole[: len(whole) // 2])


def no_project(folder: Path) -> None:
    (folder / "edgekit.toml").unlink()


def wrong_project_key(folder: Path) -> None:
    (folder / "edgekit.toml").write_text('model = "models:plain"\ndata = "data.npz"\n[goal]\nmax_dorp = 1\n')


def wrong_project_unit(folder: Path) -> None:
    (folder / "edgekit.toml").write_text('model = "models:plain"\ndata = "data.npz"\n[budget]\nflash = "12 parsecs"\n')


def project_with(line: str) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        (folder / "edgekit.toml").write_text(f'model = "models:plain"\ndata = "data.npz"\n{line}\n')

    return write


def nothing_changed(folder: Path) -> None:
    """The arguments alone are wrong."""


def profile(change: Callable[[str], str]) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        source = Path(__file__).parent.parent / "device_profiles" / "rpi4.toml"
        text = source.read_text(encoding="utf-8")
        changed = change(text)
        assert changed != text
        (folder / "mine.toml").write_text(changed, encoding="utf-8")

    return write


MINE = ("build", "--device", "mine.toml", "--out", "out")
LIGHT = [
    pytest.param(no_model, BUILD, ("the model does not exist", "model.keras", "modell.keras"), id="no model"),
    pytest.param(no_project, BUILD, ("no edgekit.toml", "edgekit init", "--project"), id="no edgekit.toml"),
    pytest.param(wrong_project_key, BUILD, ("unknown key 'max_dorp'", "goal.max_dorp", "max_drop"), id="project key"),
    pytest.param(wrong_project_unit, BUILD, ("budget.flash", "12 parsecs"), id="project unit"),
    pytest.param(project_with('[budget]\nram = "1e30GiB"'), BUILD, ("budget.ram", "received: 1e30GiB", "1B to 1048576GiB"), id="project huge"),
    pytest.param(project_with('time_budget = "0ms"'), BUILD, ("time_budget", "received: 0ms", "1ms to 8760h"), id="project no time"),
    pytest.param(nothing_changed, (*BUILD, "--max-latency", "1e-400ms"), ("--max-latency", "1e-400ms", "1ns to 8760h"), id="option tiny"),
    pytest.param(nothing_changed, ("build", "--device", "rpi44", "--out", "out"), ("rpi44", "did you mean", "rpi4"), id="device"),
    pytest.param(nothing_changed, ("build", "--out", "out"), ("no device", "--device"), id="no device"),
    pytest.param(profile(lambda text: text + "\ncolour = 1\n"), MINE, ("mine.toml", "colour"), id="profile key"),
    pytest.param(profile(lambda text: text.replace("GiB", "Gigs")), MINE, ("mine.toml", "Gigs"), id="profile unit"),
    pytest.param(nothing_changed, (*BUILD, "--max-flash", "5 parsecs"), ("--max-flash", "5 parsecs"), id="option unit"),
]  # fmt: skip
IN_WORKER = [
    pytest.param(no_data, ("the data does not exist", "dota.npz"), id="no data"),
    pytest.param(text_model, ("not a Keras model", "text.h5", "SavedModel"), id="no model file"),
    pytest.param(nan_in_data, ("no finite number", "x_test", "sample 3"), id="NaN in data"),
    pytest.param(empty_class, ("an empty class", "y_train", "label 2"), id="empty class"),
    pytest.param(empty_class_folder, ("an empty class", "train/dog"), id="empty class folder"),
    pytest.param(different_lengths, ("different lengths", "48", "40"), id="lengths"),
    pytest.param(different_shapes, ("shape", "(9, 8, 1)", "(8, 8, 1)"), id="shapes"),
    pytest.param(no_test_split, ("no test split", "x_test"), id="no test split"),
    pytest.param(pickled_data, ("pickled", "y_train", "--trust"), id="pickle"),
    pytest.param(data_no_archive, ("not an .npz archive", "data.npz"), id="no archive"),
    pytest.param(data_truncated, ("not an .npz archive", "data.npz"), id="truncated archive"),
]


@pytest.mark.parametrize(("spoil", "arguments", "words"), LIGHT)
def test_it_is_refused_before_anything_is_loaded(edgekit_here, tiny_project, spoil, arguments, words):
    spoil(tiny_project)
    refused(edgekit_here(*arguments, folder=tiny_project), tiny_project, *words)


def test_the_command_as_a_process_says_the_same(edgekit_command, edgekit_here, tiny_project):
    no_model(tiny_project)
    done, here = edgekit_command(*BUILD, folder=tiny_project), edgekit_here(*BUILD, folder=tiny_project)
    assert (done.returncode, done.stdout, done.stderr) == (here.returncode, here.stdout, here.stderr) and done.stderr


@pytest.fixture(scope="session")
def loaded(shared: Callable[..., Path]) -> Path:
    """One cache for all: the model that is not spoilt is loaded once."""
    return shared("loaded")


@pytest.mark.tf
@pytest.mark.parametrize(("spoil", "words"), IN_WORKER)
def test_it_is_refused_when_it_is_read(edgekit_here, tiny_project, loaded, spoil, words):
    spoil(tiny_project)
    refused(edgekit_here(*BUILD, folder=tiny_project, cache=loaded), tiny_project, *words)


CHANGED_DATA = {
    "more labels than outputs": ({"y_train": np.arange(48) % 5}, ("labels do not match", "0 to 4", "0 to 3")),
    "another shape than the model's": (
        {"x_train": np.ones((48, 8, 8), np.float32), "x_test": np.ones((32, 8, 8), np.float32)},
        ("another shape", "(8, 8)", "add a channel axis"),
    ),
    "two inputs for one": (
        {"x_train_1": np.ones((48, 2), np.float32), "x_test_1": np.ones((32, 2), np.float32)},
        ("another number of inputs", "2", "1"),
    ),
}


@pytest.mark.tf
@pytest.mark.parametrize("case", CHANGED_DATA)
def test_data_that_does_not_go_with_the_model(edgekit_here, tiny_project, loaded, case):
    arrays, words = CHANGED_DATA[case]
    rewrite(tiny_project, **arrays)
    refused(edgekit_here(*BUILD, folder=tiny_project, cache=loaded), tiny_project, *words)


FOREVER = """
import time

def model():
    time.sleep(600)

data = model
"""


def test_data_that_never_comes_is_not_waited_for(tmp_path):
    (tmp_path / "forever.py").write_text(FOREVER)
    with Cache(tmp_path / "cache") as cache, pytest.raises(DataError) as caught:
        open_data(DataTable(source="forever:data"), root=tmp_path, cache=cache, progress=no_progress, time_limit_s=2.0)
    assert "time limit of 2 s" in caught.value.received and "--time-budget" in caught.value.next_step
    assert list((tmp_path / "cache" / "scratch").iterdir()) == []


@pytest.mark.tf
def test_a_model_that_never_comes_is_not_waited_for(tiny_project, tmp_path, monkeypatch):
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setattr(opening, "LEAST_OPENING_S", 2.0)
    (tiny_project / "forever.py").write_text(FOREVER)
    with pytest.raises(ModelError) as caught:
        edgekit.build("forever:model", device="rpi4", project=tiny_project, out=tmp_path / "out", time_budget="1s")
    assert "time limit of 2 s" in caught.value.received and "--time-budget" in caught.value.next_step
    assert not (tmp_path / "out").exists()


HUGE = (
    '{"module": "keras", "class_name": "Sequential", "registered_name": null, "config": {"name": "s", "layers": ['
    '{"module": "keras.layers", "class_name": "InputLayer", "config": {"batch_shape": [null, 100000], "name": "i"}}, '
    '{"module": "keras.layers", "class_name": "Dense", "config": {"name": "d", "units": 1000000}}]}}'
)


@pytest.mark.tf
@pytest.mark.slow  # TensorFlow itself asks again for ten seconds; a file that cannot be loaded is in test_refused.py
def test_a_model_that_asks_for_all_memory_fails_alone(edgekit_command, tiny_project):
    with zipfile.ZipFile(tiny_project / "model.keras", "w") as archive:
        archive.writestr("config.json", HUGE)
        archive.writestr("metadata.json", '{"keras_version": "3.15.0"}')
        archive.writestr("model.weights.h5", b"")
    done = edgekit_command(*BUILD, "--model", "model.keras", folder=tiny_project)
    refused(done, tiny_project, "the model cannot be loaded", "model.keras")


@pytest.fixture
def full_disk(tmp_path: Path):
    """A file system of 200 KiB; skips where this user may mount none."""
    folder = tmp_path / "full"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(folder)], capture_output=True)
    if os.geteuid() != 0 or mounted.returncode != 0:
        pytest.skip(f"mounting a small tmpfs needs root: {mounted.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.tf
def test_no_space_for_the_cache(edgekit_command, tiny_project, full_disk):
    (full_disk / "filler").write_bytes(b"0" * 190 * 1024)
    done = edgekit_command(*BUILD, folder=tiny_project, cache=full_disk / "cache")
    refused(done, tiny_project, "no space", "EDGEKIT_CACHE")


def test_no_space_for_the_result(edgekit_command, tiny_project, full_disk):
    (full_disk / "filler").write_bytes(b"0" * 200 * 1024)
    out = full_disk / "out"
    done = edgekit_command("build", "--device", "rpi4", "--out", out, folder=tiny_project)
    refused(done, tiny_project, "cannot be written", "--out")
    assert [path for path in out.rglob("*") if path.is_file()] == []


def test_a_folder_that_may_not_be_written(edgekit_command, tiny_project):
    (tiny_project / "file").write_text("")
    done = edgekit_command("build", "--device", "rpi4", "--out", tiny_project / "file", folder=tiny_project)
    refused(done, tiny_project, "cannot be written", "--out")
