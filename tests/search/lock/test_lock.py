"""`build --lock` and `build --locked`: the same bytes from an empty cache, or every change by its name."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.tf
BUILD = ("build", "--device", "rpi4", "--json")
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def kept(tmp_path_factory) -> dict[str, Path]:
    return {"root": tmp_path_factory.mktemp("locked")}


@pytest.fixture
def locked(kept, tiny_project: Path, edgekit_command: Run) -> Path:
    """A project with its lock, its result in `first/`, and its cache in `cache/`; built once for all tests."""
    if "project" not in kept:
        done = edgekit_command(*BUILD, "--lock", "--out", "first", folder=tiny_project, cache=tiny_project / "cache")
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["outcome"] == "pass"
        kept["project"] = Path(shutil.copytree(tiny_project, kept["root"] / "project"))
    shutil.rmtree(tiny_project)
    shutil.copytree(kept["project"], tiny_project)
    return tiny_project


def refused(edgekit_here: Run, folder: Path, *arguments: str) -> set[str]:
    """What `--locked` says is different; nothing is built and nothing trained."""
    before = set((folder / "cache").rglob("*/*"))
    done = edgekit_here(*BUILD, "--locked", *arguments, folder=folder, cache=folder / "cache")
    assert done.returncode == 1, done.stderr
    answer = json.loads(done.stdout)
    assert answer["outcome"] == "fail" and answer["lock"] == str(folder / "edgekit.lock")
    assert all(set(one) == {"what", "locked", "now", "next_step"} for one in answer["differences"])
    assert all(one["what"] in done.stderr and one["next_step"] in done.stderr for one in answer["differences"])
    assert not (folder / "build").exists() and "Traceback" not in done.stderr
    made = {path.parts[-2] for path in set((folder / "cache").rglob("*/*")) - before}
    assert not made & {"models", "data", "stages", "artifacts", "measurements"}
    return {one["what"] for one in answer["differences"]}


def test_the_same_bytes_from_an_empty_cache_and_again_without_tensorflow(edgekit_command, locked, tmp_path):
    lock = (locked / "edgekit.lock").read_bytes()
    entry = json.loads(lock)["devices"]["rpi4"]
    shutil.rmtree(locked / "cache")
    done = edgekit_command(*BUILD, "--locked", folder=locked, cache=locked / "cache")
    assert done.returncode == 0, done.stderr
    first, second = (locked / name / "rpi4" / "model.tflite" for name in ("first", "build"))
    assert first.read_bytes() == second.read_bytes()
    report = json.loads(done.stdout)
    assert report["chosen"]["sha256"] == entry["artifact"]["sha256"]
    assert report["baseline"]["sha256"] == entry["baseline"]["sha256"]
    tried = [found["candidate"] for found in report["candidates"]]
    assert tried == ["float32", entry["artifact"]["candidate"]], "no search"
    assert any(check["name"] == "accuracy_drop" and check["outcome"] == "pass" for check in report["checks"])
    assert (locked / "edgekit.lock").read_bytes() == lock, "a locked build writes no lock"
    (tmp_path / "poison" / "tensorflow").mkdir(parents=True)
    (tmp_path / "poison" / "tensorflow" / "__init__.py").write_text("raise ImportError('imported')")
    path = f"{tmp_path / 'poison'}:{Path(__file__).resolve().parents[3]}"
    warm = edgekit_command(*BUILD, "--locked", folder=locked, cache=locked / "cache", PYTHONPATH=path)
    assert (warm.returncode, json.loads(warm.stdout)) == (0, report), warm.stderr


def test_every_change_is_named_before_anything_is_trained(edgekit_here, locked):
    data = (locked / "data.npz").read_bytes()
    (locked / "data.npz").write_bytes(data[:-1] + b"\x01")
    assert refused(edgekit_here, locked) == {"the data"}
    (locked / "data.npz").write_bytes(data)
    with (locked / "models.py").open("a") as file:
        file.write("# a change\n")
    toml = (locked / "edgekit.toml").read_text().replace("epochs = 1", "epochs = 2")
    (locked / "edgekit.toml").write_text(toml.replace("max_drop = 100", "max_drop = 50"))
    lock = locked / "edgekit.lock"
    text = lock.read_text()
    version = json.loads(text)["inputs"]["versions"]["tensorflow"]
    lock.write_text(text.replace(f'"tensorflow": "{version}"', '"tensorflow": "2.0.1"'))
    assert refused(edgekit_here, locked, "--seed", "1", "--max-flash", "1MiB") == {
        "module models", "setting seed", "setting training.epochs", "version of tensorflow",
        "rpi4: limit on accuracy_drop", "rpi4: limit on flash",
    }  # fmt: skip


def test_a_profile_of_ones_own_that_changed_is_named(edgekit_here, locked):
    root = Path(__file__).resolve().parents[3]
    profile = (root / "device_profiles" / "rpi4.toml").read_text().replace("Raspberry Pi 4", "Raspberry Pie 4")
    (locked / "mine.toml").write_text(profile)
    done = edgekit_here("build", "--device", "mine.toml", "--json", "--locked", folder=locked, cache=locked / "cache")
    assert done.returncode == 1
    assert [one["what"] for one in json.loads(done.stdout)["differences"]] == ["rpi4: device profile"]


def test_other_bytes_from_equal_inputs_are_said_to_be_so_and_not_written(edgekit_here, locked):
    lock = locked / "edgekit.lock"
    raw = json.loads(lock.read_text())
    entry = raw["devices"]["rpi4"]
    for part, told in (("artifact", "not deterministic"), ("baseline", "conversion of the unmodified model")):
        changed = json.loads(lock.read_text())
        changed["devices"]["rpi4"][part]["sha256"] = "0" * 64
        lock.write_text(json.dumps(changed))
        done = edgekit_here(*BUILD, "--locked", folder=locked, cache=locked / "cache")
        assert done.returncode == 1, done.stderr
        (one,) = json.loads(done.stdout)["differences"]
        assert one["what"] == f"rpi4: {entry[part]['candidate']}" and told in one["next_step"]
        assert not list((locked / "build").rglob("model.tflite"))
    changed["devices"]["rpi4"]["processor"] = "another one"
    lock.write_text(json.dumps(changed))
    done = edgekit_here(*BUILD, "--locked", folder=locked, cache=locked / "cache")
    assert "locked on another one" in json.loads(done.stdout)["differences"][0]["next_step"]
    raw["devices"]["rpi4"]["loaded"]["model"] = "0" * 64
    lock.write_text(json.dumps(raw))
    done = edgekit_here(*BUILD, "--locked", folder=locked, cache=locked / "cache")
    (one,) = json.loads(done.stdout)["differences"]
    assert (done.returncode, one["what"]) == (1, "the model as models:plain gave it")


def test_bad_locks_and_options_are_errors_of_usage(edgekit_here, locked):
    def code_and_message(*arguments: str) -> tuple[int, str]:
        done = edgekit_here("build", *arguments, folder=locked, cache=locked / "cache")
        assert done.stdout == "" and "Traceback" not in done.stderr
        return done.returncode, done.stderr

    code, told = code_and_message("--device", "esp32-s3", "--locked")
    assert code == 2 and "esp32-s3 is not locked" in told and "--device esp32-s3 --lock" in told
    code, told = code_and_message("--device", "rpi4", "--lock", "--locked")
    assert code == 2 and "either written or held to" in told
    code, told = code_and_message("--device", "pixel-4", "--lock", "--seed", "1")
    assert code == 2 and "other devices" in told and "setting seed" in told
    (locked / "edgekit.lock").write_text("<<<<<<< HEAD\n")
    for option in ("--lock", "--locked"):
        code, told = code_and_message("--device", "rpi4", option)
        assert code == 2 and "not a lock" in told
    (locked / "edgekit.lock").unlink()
    code, told = code_and_message("--device", "rpi4", "--locked")
    assert code == 2 and "there is no edgekit.lock" in told


@pytest.mark.slow
def test_a_trained_candidate_comes_out_the_same_from_an_empty_cache(edgekit_command, locked):
    """A lock that names a trained candidate: other bytes are laid to the training, and trained again they are the same."""
    lock = locked / "edgekit.lock"
    raw = json.loads(lock.read_text())
    steps = [{"technique": "pruning", "settings": {"sparsity": 0.5}}, {"technique": "int8", "settings": {}}]
    raw["devices"]["rpi4"]["artifact"] = {"candidate": "pruning_50+int8", "steps": steps, "sha256": "0" * 64}
    lock.write_text(json.dumps(raw))
    done = edgekit_command(*BUILD, "--locked", folder=locked, cache=locked / "cache", timeout_s=300)
    assert done.returncode == 1, done.stderr
    (one,) = json.loads(done.stdout)["differences"]
    assert "the training (pruning) or the int8 conversion after it" in one["next_step"]
    made = [
        hashlib.sha256(path.read_bytes()).hexdigest() for path in (locked / "cache").glob("artifacts/*/model.tflite")
    ]
    (sha256,) = [found for found in made if found.startswith(one["now"])]
    raw["devices"]["rpi4"]["artifact"]["sha256"] = sha256
    lock.write_text(json.dumps(raw))
    shutil.rmtree(locked / "cache")
    done = edgekit_command(*BUILD, "--locked", folder=locked, cache=locked / "cache", timeout_s=300)
    assert json.loads(done.stdout)["chosen"]["sha256"] == sha256, done.stderr
    assert hashlib.sha256((locked / "build/rpi4/model.tflite").read_bytes()).hexdigest() == sha256
    assert len(list((locked / "cache" / "stages").iterdir())) == 1, "no control, no search"


@pytest.mark.slow
def test_a_model_function_that_is_random_is_named(edgekit_command, tiny_project):
    models = tiny_project / "models.py"
    models.write_text(models.read_text().replace("set_random_seed(0)", "set_random_seed(__import__('os').getpid())"))
    assert edgekit_command(*BUILD, "--lock", folder=tiny_project).returncode == 0
    done = edgekit_command(*BUILD, "--locked", "--no-cache", "--out", "again", folder=tiny_project)
    assert done.returncode == 1, done.stderr
    (one,) = json.loads(done.stdout)["differences"]
    assert one["what"] == "the model as models:plain gave it" and "not deterministic" in one["next_step"]
    assert not list((tiny_project / "again").rglob("*.tflite"))
