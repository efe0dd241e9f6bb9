"""`edgekit.inspect`: rows and sums of files, the order asked for, the cache of a Keras model's facts, bad input."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

import edgekit
from edgekit.documents.inspection import Inspection
from edgekit.emit.schema import schema_text
from edgekit.errors import InputError, ModelError, ProfileError
from edgekit.jobs.pool import Pool
from edgekit.torch_file.kinds import OLD_FORM
from edgekit.values import from_json, to_json

GOLDEN = Path(__file__).parents[1] / "golden"
FILES = sorted(GOLDEN.glob("*.tflite"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_golden_file_is_an_inspection_by_its_schema(path):
    found = edgekit.inspect(path, device="rpi4")
    jsonschema.Draft202012Validator(json.loads(schema_text("inspect.schema.json"))).validate(json.loads(to_json(found)))
    assert from_json(to_json(found), Inspection) == found
    assert found.metrics["flash"].value == path.stat().st_size
    assert sum(row.flash_bytes for row in found.operators) + found.other_bytes == path.stat().st_size
    assert sum(row.flash_share for row in found.operators) == pytest.approx(1 - found.other_bytes / path.stat().st_size)
    assert max(row.memory_share for row in found.operators) == 1
    assert {row.index for row in found.operators} == set(range(len(found.operators)))
    assert not found.layers


@pytest.mark.parametrize(
    ("by", "field"),
    [("flash", "flash_bytes"), ("memory", "memory_bytes"), ("macs", "macs"), ("parameters", "parameters")],
)
def test_the_heaviest_come_first(by, field):
    rows = edgekit.inspect(GOLDEN / "int8.tflite", by=by).operators
    weights = [getattr(row, field) for row in rows]
    assert weights == sorted(weights, reverse=True)
    assert len({row.index for row in rows}) == 6


def test_rows_of_one_weight_keep_the_models_order():
    rows = edgekit.inspect(GOLDEN / "int8.tflite", by="macs").operators
    assert [row.index for row in rows] == [0, 1, 3, 4, 2, 5]  # 1296, 1296, 1152, 24, 0, 0


def test_in_order_is_the_models():
    found = edgekit.inspect(GOLDEN / "int8.tflite", in_order=True)
    assert [row.index for row in found.operators] == list(range(6))
    assert (found.order, found.peak_index) == ("model", 1)


def test_latency_needs_a_device_and_sums_to_the_prediction():
    assert all(row.latency is None for row in edgekit.inspect(GOLDEN / "int8.tflite").operators)
    found = edgekit.inspect(GOLDEN / "int8.tflite", device="rpi4", by="latency")
    total = found.metrics["latency"]
    assert total.basis == "predicted" and total.low < total.value < total.high
    assert sum(row.latency.value for row in found.operators) == pytest.approx(total.value)
    times = [row.latency.value for row in found.operators]
    assert times == sorted(times, reverse=True)
    with pytest.raises(InputError, match="device"):
        edgekit.inspect(GOLDEN / "int8.tflite", by="latency")


def test_a_loop_says_why_it_has_no_latency():
    found = edgekit.inspect(GOLDEN / "loop.tflite", device="rpi4")
    assert found.metrics["latency"].value is None and "WHILE" in found.metrics["latency"].reason
    assert all(row.latency is None for row in found.operators)


def test_a_tflite_is_known_by_its_bytes(tmp_path):
    path = tmp_path / "model.bin"
    path.write_bytes((GOLDEN / "int8.tflite").read_bytes())
    assert edgekit.inspect(path).format == ".tflite"


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda path: None, "no such model file"),
        (lambda path: path.mkdir(), "no such model file"),
        (lambda path: path.write_bytes(b""), "not a .tflite file"),
        (lambda path: path.write_bytes(os.urandom(4000)), "not a .tflite file"),
        (lambda path: path.write_bytes((GOLDEN / "int8.tflite").read_bytes()[:2000]), "damaged"),
    ],
    ids=["missing", "folder", "empty", "garbage", "truncated"],
)
def test_a_bad_file_is_a_model_error_that_names_it(make, says, tmp_path):
    path = tmp_path / "bad.tflite"
    make(path)
    with pytest.raises(ModelError, match=says) as caught:
        edgekit.inspect(path)
    assert "bad.tflite" in caught.value.where


@pytest.mark.parametrize("name", ["/dev/zero", "/dev/null", "folder", "garbage.keras", "empty.h5", "unreadable.keras"])
def test_what_is_no_model_is_said_before_anything_is_started(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Pool, "run", None)
    (tmp_path / "folder").mkdir()
    (tmp_path / "garbage.keras").write_bytes(b"\x00garbage" * 99)
    (tmp_path / "empty.h5").write_bytes(b"")
    (tmp_path / "unreadable.keras").symlink_to("/proc/self/mem")
    with pytest.raises(ModelError) as caught:
        edgekit.inspect(name)
    assert name in caught.value.where


def test_a_file_of_pytorch_without_a_network_is_told_by_its_own_reader(tmp_path, monkeypatch):
    monkeypatch.setenv("EDGEKIT_CACHE", str(tmp_path / "cache"))
    for name in ("old.pt", "old.pt2"):  # a state_dict as torch.save wrote it before PyTorch 1.6
        (tmp_path / name).write_bytes(OLD_FORM + b"".join(pickle.dumps(one, protocol=2) for one in (1001, {}, {})))
        with pytest.raises(ModelError, match="weights, and no network") as caught:
            edgekit.inspect(tmp_path / name, project=tmp_path)
        assert name in caught.value.where


def test_bad_arguments_are_named(tmp_path):
    with pytest.raises(InputError, match="sorted by"):
        edgekit.inspect(GOLDEN / "int8.tflite", by="size")
    with pytest.raises(ProfileError):
        edgekit.inspect(GOLDEN / "int8.tflite", device="rpi44")
    with pytest.raises(ModelError, match="does not exist"):
        edgekit.inspect(tmp_path / "model.keras", project=tmp_path)
    with pytest.raises(ModelError):
        edgekit.inspect("a\0b.tflite")


@pytest.mark.tf
def test_a_keras_models_facts_are_taken_once(tmp_path, monkeypatch):
    monkeypatch.setenv("EDGEKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models.py").write_text(
        "def small():\n"
        "    import tf_keras\n"
        "    layers = tf_keras.layers\n"
        "    return tf_keras.Sequential([\n"
        "        layers.Input((8, 8, 1), name='image'), layers.Conv2D(4, 3, name='convolution'),\n"
        "        layers.BatchNormalization(name='norm'), layers.ReLU(name='relu'), layers.Flatten(name='flat'),\n"
        "        layers.Dense(3, activation='softmax', name='classes')])\n"
    )
    first = edgekit.inspect("models:small", by="memory")

    def never(*_, **__):
        raise AssertionError("the worker was asked again")

    monkeypatch.setattr(Pool, "run", never)
    assert edgekit.inspect("models:small", by="memory") == first
    rows = {row.name: row for row in first.layers}
    assert first.layers[0].name == "flat" and first.peak_index == rows["flat"].index
    assert rows["flat"].memory_bytes == 2 * 4 * (6 * 6 * 4)
    assert rows["convolution"].flash_bytes == 4 * (3 * 3 * 4 + 4)
    assert rows["convolution"].memory_bytes == 4 * (8 * 8 + 6 * 6 * 4)
    assert (rows["norm"].merged_into, rows["relu"].merged_into) == ("convolution", "convolution")
    assert rows["classes"].flash_bytes == 4 * (6 * 6 * 4 * 3 + 3)
    assert first.metrics["flash"].basis == "predicted"
    assert first.metrics["parameters"].value == 9 * 4 + 4 + 4 * 4 + 144 * 3 + 3
    assert (first.path, first.output_kinds) == ("models:small", ("softmax",))


@pytest.mark.tf
@pytest.mark.slow
@pytest.mark.parametrize("kind", ["model.keras", "model.h5", "saved_model"])
def test_every_kind_of_file_gives_the_same_layers(kind, tmp_path, monkeypatch):
    script = (
        "import os; os.environ['TF_USE_LEGACY_KERAS'] = '1'; import tf_keras; layers = tf_keras.layers\n"
        "model = tf_keras.Sequential([layers.Input((4,), name='x'), layers.Dense(3, name='dense')])\n"
        f"model.save({kind!r}, **({{'save_format': 'tf'}} if {kind!r} == 'saved_model' else {{}}))\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True, capture_output=True)
    monkeypatch.setenv("EDGEKIT_CACHE", str(tmp_path / "cache"))
    found = edgekit.inspect(tmp_path / kind)
    (dense,) = [layer for layer in found.layers if layer.name == "dense"]
    assert (dense.parameters, dense.macs, dense.flash_bytes) == (4 * 3 + 3, 4 * 3, 4 * (4 * 3 + 3))
