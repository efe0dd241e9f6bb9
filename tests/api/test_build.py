"""The whole build: by the API from any kind of script, from the command line, again from the cache, cut, stopped."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import jsonschema
import psutil
import pytest

pytestmark = pytest.mark.tf
ROOT = Path(__file__).resolve().parents[2]
BUILD = ("build", "--device", "rpi4", "--out", "out")
SCHEMA = json.loads((ROOT / "docs" / "report.schema.json").read_text())

KERAS3_SCRIPT = """
import keras
import tensorflow
import numpy as np
import edgekit

layers = keras.layers
keras.utils.set_random_seed(0)
model = keras.Sequential([layers.Input((8, 8, 1)), layers.Conv2D(16, 3, activation="silu"), layers.BatchNormalization(),
                          layers.Conv2D(16, 3, activation="hard_silu"), layers.Flatten(), layers.Dense(4, activation="softmax")])
model.compile(loss="sparse_categorical_crossentropy")
model.save("model.keras")
with np.load("data.npz") as file:
    arrays = dict(file)

class Batches(keras.utils.PyDataset):
    def __init__(self, split):
        super().__init__()
        self.x, self.y = arrays["x_" + split], arrays["y_" + split]
    def __len__(self):
        return len(self.x) // 8
    def __getitem__(self, index):
        return self.x[index * 8 : index * 8 + 8], self.y[index * 8 : index * 8 + 8]

first = edgekit.build(model, arrays, device="rpi4", max_drop=100, out="api", seed=0)
second = edgekit.build(model, {"train": Batches("train"), "test": Batches("test")}, device=["rpi4"], max_drop=100, out="stream", seed=0)
assert second[0].report == first.report, "the same data as a stream gives another report"
print(first.path, first.report.outcome)
"""
TF_KERAS_SCRIPT = """
import edgekit
import numpy as np
import tensorflow as tf
import tf_keras

layers = tf_keras.layers
tf_keras.utils.set_random_seed(0)
model = tf_keras.Sequential([layers.Input((8, 8, 1)), layers.Conv2D(4, 3, activation="relu"), layers.Flatten(), layers.Dense(4)])
with np.load("data.npz") as file:
    train = tf.data.Dataset.from_tensor_slices((file["x_train"], file["y_train"])).batch(10)
    test = tf.data.Dataset.from_tensor_slices((file["x_test"], file["y_test"])).batch(10)
seen = set()
result = edgekit.build(model, (train, test), device="rpi4", max_drop=100, out="api", progress=lambda *event: seen.add(event[0]))
assert any("calibrating" in phase for phase in seen), seen
print(result.path, result.report.outcome)
"""


def run_script(folder: Path, text: str, cache: Path) -> str:
    """Runs a script without a `__main__` guard; what it prints."""
    (folder / "script.py").write_text(text)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "EDGEKIT_CACHE": str(cache)}
    environment.pop("TF_USE_LEGACY_KERAS", None)
    done = subprocess.run(
        [sys.executable, "script.py"], cwd=folder, env=environment, capture_output=True, text=True, timeout=180
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.splitlines()[-1]


def report_of(folder: Path) -> dict:
    """The report in a result's folder, valid against the published schema and true to the files beside it."""
    report = json.loads((folder / "report.json").read_text())
    jsonschema.validate(report, SCHEMA)
    manifest = json.loads((folder / "manifest.json").read_text())
    for name, record in manifest["files"].items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == record["sha256"], name
    if report.get("chosen"):
        assert report["chosen"]["sha256"] == manifest["files"]["model.tflite"]["sha256"]
    return report


def without_tensorflow(folder: Path) -> dict[str, str]:
    """Variables under which importing TensorFlow is an error."""
    for name in ("tensorflow", "keras", "tf_keras"):
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").write_text(f"raise ImportError('{name} was imported')")
    return {"PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)])}


def test_a_keras3_object_then_its_file_then_the_cache(edgekit_command, tiny_project, tmp_path):
    cache = tmp_path / "cache"
    assert run_script(tiny_project, KERAS3_SCRIPT, cache) == "api/rpi4/model.tflite pass"
    by_api = report_of(tiny_project / "api" / "rpi4")
    (tiny_project / "edgekit.toml").write_text('model = "model.keras"\ndata = "data.npz"\n[goal]\nmax_drop = 100\n')
    done = edgekit_command(*BUILD, "--json", folder=tiny_project, cache=cache)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report == report_of(tiny_project / "out" / "rpi4")
    assert report["chosen"]["sha256"] == by_api["chosen"]["sha256"]
    assert report["data"]["keras_rebuilt_error"] < 1e-5
    decided, accuracy = report["decisions"], report["chosen"]["metrics"]["accuracy"]["value"]
    assert decided["kind"] == "classes" and sum(map(sum, decided["confusion"])) == decided["samples"] == 32
    assert sum(row[at] for at, row in enumerate(decided["confusion"])) == round(accuracy * 32)
    lost = report["chosen"]["metrics"]["accuracy_drop"]["value"]
    assert (decided["lost"] - decided["gained"]) * 100 / 32 == pytest.approx(lost)

    hidden = without_tensorflow(tmp_path / "poison")
    again = edgekit_command(*BUILD, "--json", folder=tiny_project, cache=cache, **hidden)
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout) == report
    changed = edgekit_command(*BUILD, "--seed", "1", folder=tiny_project, cache=cache, **hidden)
    assert (changed.returncode, "tensorflow was imported" in changed.stderr) == (3, True), "the poison does not work"


@pytest.mark.slow  # its parts: tests/ingest/test_functions_tf.py, and an object that is kept in make/workshop/test_load.py
def test_a_tf_keras_object_and_a_tf_data_dataset(tiny_project, tmp_path):
    (tiny_project / "edgekit.toml").unlink()
    assert run_script(tiny_project, TF_KERAS_SCRIPT, tmp_path / "cache") == "api/rpi4/model.tflite pass"
    report = report_of(tiny_project / "api" / "rpi4")
    assert report["data"]["loss"] == "sparse_categorical_crossentropy_from_logits"
    assert report["data"]["samples"]["test"] == 32


def test_nothing_fits_and_time_is_up(edgekit_command, tiny_project):
    """One build for three promises: the closest is written, the miss is named with figures, and so is what time cut."""
    arguments = (*BUILD, "--max-flash", "6KiB", "--max-latency", "1s", "--time-budget", "1ms", "--no-cache", "--json")
    temporary = tiny_project / "tmp"
    temporary.mkdir()
    done = edgekit_command(*arguments, folder=tiny_project, cache=tiny_project / "cache", TMPDIR=str(temporary))
    assert done.returncode == 1, done.stderr
    report = report_of(tiny_project / "out" / "rpi4")
    assert json.loads(done.stdout) == report
    assert report["outcome"] == "fail" and (tiny_project / "out" / "rpi4" / "model.tflite").is_file()
    flash = next(check for check in report["checks"] if check["name"] == "flash")
    assert (flash["outcome"], flash["limit"]) == ("fail", 6144)
    assert flash["value"] == (tiny_project / "out" / "rpi4" / "model.tflite").stat().st_size > 6144
    assert report["summary"].startswith("nothing fits: 6.0 KiB of flash is too little for every candidate")
    assert "; the time budget cut the search: " in report["summary"]
    (finding,) = [one for one in report["findings"] if one["name"] == "time_cut"]
    assert "int8" in finding["what"] and "--time-budget" in finding["advice"]
    manifest = json.loads((tiny_project / "out" / "rpi4" / "manifest.json").read_text())
    assert manifest["provenance"]["time_cut_search"] is True
    assert "int8" in manifest["provenance"]["not_tried"]
    assert not (tiny_project / "cache").exists() and not list(temporary.iterdir()), "--no-cache leaves nothing"


def told_of(folder: Path, devices: list[str], reports: list[dict]) -> None:
    """The events of a build: valid, in order, as many trials as the reports have, and the paths of files that are there."""
    schema = json.loads((ROOT / "docs" / "events.schema.json").read_text())
    events = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    for event in events:
        jsonschema.validate(event, schema)
    kinds = [event["event"] for event in events]
    assert kinds[:2] == ["started", "opened"] and kinds[-1] == "ended" and events[0]["devices"] == devices
    assert [event["seconds"] for event in events] == sorted(event["seconds"] for event in events)
    for report in reports:
        mine = [event for event in events if event.get("device") == report["device"]]
        over = [event for event in mine if event["event"] == "trial_finished"]
        tried = [event["candidate"] for event in over if event["outcome"] != "skipped"]
        assert {one["technique"] for one in report["declined"]} >= {event["candidate"] for event in over} - set(tried)
        assert tried == [found["candidate"] for found in report["candidates"]]
        assert [event["known"] >= event["number"] for event in mine if "known" in event].count(False) == 0
        best = [event["candidate"] for event in mine if event["event"] == "best"][-1]
        assert best == report["chosen"]["candidate"] == mine[-1]["candidate"]
        assert mine[-1]["event"] == "finished" and mine[-1]["metrics"] == report["chosen"]["metrics"]
        assert all((folder / path).exists() for path in mine[-1]["paths"].values())


CHAIN = '[[chain]]\nsteps = ["pruning", "clustering"]\n'


@pytest.mark.parametrize("chain", ["", pytest.param(CHAIN, marks=pytest.mark.slow)])
def test_two_devices_share_what_they_have_in_common(edgekit_command, tiny_project, tmp_path, chain):
    """rpi4 and pixel-4 take the same files: each is trained and converted once."""
    cache = tmp_path / "cache"
    with (tiny_project / "edgekit.toml").open("a") as toml:
        toml.write(chain)
    arguments = (*BUILD, "--device", "pixel-4", "--json", "--events", "events.jsonl")
    done = edgekit_command(*arguments, folder=tiny_project, cache=cache, timeout_s=240)
    assert done.returncode == 0, done.stderr
    told_of(tiny_project, ["rpi4", "pixel-4"], json.loads(done.stdout))
    reports = json.loads(done.stdout)
    assert [report["device"] for report in reports] == ["rpi4", "pixel-4"]
    names = [{found["candidate"] for found in report["candidates"]} for report in reports]
    assert len(names[0] & names[1]) > 1
    steps = [found["steps"][:-1] for report in reports for found in report["candidates"]]
    trained = {json.dumps(one[: count + 1]) for one in steps for count in range(len(one))}
    assert len(trained) == (2 if chain else 0), "the chain's two stages; no control, for what is chosen is not trained"
    made = {kind: len(list((cache / kind).glob("*"))) for kind in ("models", "data", "stages", "artifacts")}
    assert (made["models"], made["data"], made["stages"]) == (1, 1, len(trained))
    ended = {
        one["technique"] for report in reports for one in report["declined"] if one["reason"].startswith("takes more")
    }
    assert made["artifacts"] == len(names[0] | names[1] | ended), "a trial that ended early made its file too"


def test_interrupted_by_the_user(tiny_project, tmp_path):
    """SIGINT to the whole foreground group, as Ctrl-C sends it, while a worker has work."""
    mark = f"edgekit-interrupt-{os.getpid()}"
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "EDGEKIT_CACHE": str(tmp_path / "cache"),
        "EDGEKIT_TEST_MARK": mark,
    }
    command = [sys.executable, "-m", "edgekit", *BUILD]
    process = subprocess.Popen(
        command, cwd=tiny_project, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True, preexec_fn=heed_interrupts,
    )  # fmt: skip
    while not list((tmp_path / "cache").glob("models/*")):
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    time.sleep(0.5)
    os.killpg(process.pid, signal.SIGINT)
    stdout, stderr = process.communicate(timeout=20)
    assert process.returncode == 130, stderr
    assert "Traceback" not in stderr and "interrupted" in stderr
    assert stdout == "" and not [path for path in (tiny_project / "out").rglob("*") if path.is_file()]
    assert marked(mark) == []
    assert not list((tmp_path / "cache" / "scratch").iterdir())


def heed_interrupts() -> None:
    """A shell's background job ignores SIGINT, and so would all that it starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def marked(mark: str) -> list[psutil.Process]:
    """Living processes that were started under a mark in their environment, a moment after the end."""
    time.sleep(0.3)
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("EDGEKIT_TEST_MARK") == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found
