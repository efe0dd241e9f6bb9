"""What a look into a folder finds and chooses, and what it says of what it cannot use."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from edgekit.cli.starter import look
from edgekit.cli.starter.text import model_line

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"

MODEL_SCRIPT = """
import {keras}

def build(size=8):
    model = {keras}.Sequential([])
    if size:
        return model
    return model

def wants(size):
    return build()

def _private():
    return build()

def indirect():
    return build()
"""


def test_a_model_and_arrays_that_agree(folder):
    folder.keras()
    folder.npz()
    found = look(folder.root)
    assert found.ready and not found.problems and not found.missing
    assert (found.model.source, found.model.input_shape, found.model.outputs) == ("model.keras", (8, 8, 1), 4)
    assert (found.model.activation, found.model.loss) == ("softmax", "sparse_categorical_crossentropy")
    assert (found.data.source, found.data.sample_shape, found.data.labels) == ("data.npz", (8, 8, 1), 4)
    assert (found.metric, found.metric_reason) == ("accuracy", "the targets are class numbers")


def test_an_empty_folder_says_what_where_and_what_would_do(folder):
    found = look(folder.root)
    assert not found.ready and (found.model, found.data) == (None, None)
    assert [one.what for one in found.missing] == ["model", "data"]
    assert "0 files and folders" in found.missing[0].looked
    assert ".keras" in found.missing[0].accepted and "x_train" in found.missing[1].accepted


def test_the_pair_that_agrees_is_chosen_and_the_others_are_named(folder):
    folder.keras("a.keras", shape=(96, 96, 3), outputs=2)
    folder.keras("deep/model.keras")
    folder.npz("a.npz", x=(4,))
    folder.npz("z.npz")
    found = look(folder.root)
    assert (found.model.source, found.data.source) == ("deep/model.keras", "z.npz")
    assert (found.other_models, found.other_data) == (("a.keras",), ("a.npz",))


def test_a_pair_that_contradicts_itself_is_written_with_its_problem(folder):
    folder.keras(outputs=3)
    folder.npz(x=(8, 8))
    found = look(folder.root)
    assert not found.ready and found.model and found.data
    assert found.problems == (
        "samples of data.npz are 8 x 8, and model.keras takes 8 x 8 x 1", "data.npz has 4 classes, and model.keras has 3 outputs",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("y", "model", "metric", "problem"),
    [
        (np.linspace(0, 1, 12), {"outputs": 1, "activation": "linear"}, "mae", False),
        (np.eye(4)[np.arange(12) % 4], {}, "accuracy", False),
        (np.linspace(0, 1, 24).reshape(12, 2), {"outputs": 2, "activation": "linear"}, "mae", False),
        (np.arange(12) % 2, {"outputs": 1, "activation": "sigmoid"}, "accuracy", False),
        ((np.arange(12) % 4).astype("float32"), {}, "accuracy", True),
        (20 + np.arange(12) % 5, {"outputs": 1, "activation": "linear", "loss": "mse"}, "mae", False),
        (20 + np.arange(12) % 5, {"outputs": 1, "activation": "linear", "loss": None}, "mae", False),
        (np.arange(12) % 2, {"outputs": 1, "activation": "linear", "loss": "mae"}, "mae", False),
        (np.arange(12) % 2, {"outputs": 1, "activation": "linear", "loss": None}, "accuracy", False),
        (np.arange(12) % 2.0, {"outputs": 1, "activation": "sigmoid"}, "accuracy", False),
        (np.linspace(0, 1, 12), {"outputs": 1, "activation": "sigmoid", "loss": "mse"}, "mae", False),
        (np.eye(4)[np.arange(12) % 4], {"loss": "mse"}, "accuracy", False),
        (
            (np.arange(24).reshape(12, 2) % 3 > 0).astype(int),
            {"outputs": 2, "activation": "sigmoid"},
            "accuracy",
            False,
        ),
        (np.arange(24).reshape(12, 2) * 7, {"outputs": 2, "activation": "linear", "loss": "huber"}, "mae", False),
        (np.arange(96).reshape(12, 8) % 4, {}, "accuracy", False),
    ],
)
def test_the_metric_follows_the_targets(folder, y, model, metric, problem):
    folder.keras(**model)
    folder.npz(y=y)
    found = look(folder.root)
    assert (found.metric, bool(found.problems)) == (metric, problem)


@pytest.mark.parametrize(
    "loss",
    [
        "MeanSquaredError",
        {"module": "keras.losses", "class_name": "MeanSquaredError", "config": {"name": "mean_squared_error"}},
        {"module": "builtins", "class_name": "function", "config": "mean_squared_error"},
        ["log_cosh"],
        {"out": "poisson"},
    ],
)
def test_a_loss_is_read_however_it_was_given(folder, loss):
    folder.keras(outputs=1, activation="linear", loss=loss)
    folder.npz(y=np.arange(12) % 2)
    found = look(folder.root)
    assert found.metric == "mae" and "compiled with" in found.metric_reason
    assert found.data.targets == "numbers" and found.data.labels is None


def test_the_activation_is_found_inside_a_wrapper(folder):
    inner = {"class_name": "Dense", "config": {"units": 4, "activation": "softmax"}}
    layers = [
        {"class_name": "InputLayer", "config": {"batch_shape": [None, 8, 16]}},
        {"class_name": "TimeDistributed", "config": {"name": "each", "layer": inner}},
    ]
    folder.keras(config={"class_name": "Sequential", "config": {"layers": layers}})
    folder.npz(x=(8, 16), y=np.arange(96).reshape(12, 8) % 4)
    found = look(folder.root)
    assert (found.model.outputs, found.model.activation, found.metric) == (4, "softmax", "accuracy")


def test_images_of_another_size_than_the_model_takes(folder):
    folder.keras(outputs=3, rescaling=True)
    folder.images(mode="RGB")
    found = look(folder.root)
    assert (found.data.source, found.data.labels, found.data.images.sizes) == ("photos", 3, ((12, 10),))
    assert (found.image_size, found.grayscale, found.model.rescales) == ((8, 8), True, True)
    assert "12 x 10" in found.image_size_reason
    assert found.ready


def test_images_without_a_model_that_tells(folder):
    folder.images(sizes=((8, 6), (8, 6), (9, 9)), mode="L")
    found = look(folder.root)
    assert (found.image_size, found.grayscale) == ((8, 6), True)
    assert "check it" in found.image_size_reason
    folder.images("here2/photos", sizes=((8, 6),))
    assert look(folder.root / "here2").image_size is None


@pytest.mark.parametrize(
    ("classes", "why"),
    [(("cat",), "fewer than two"), (("cat", "dog"), "has a class that train does not have: test/zebra")],
)
def test_a_folder_of_images_that_cannot_be_used_says_why(folder, classes, why):
    photos = folder.images(classes=classes)
    (photos / "test" / classes[-1]).rename(photos / "test" / "zebra")
    (near,) = look(folder.root).near
    assert why in near.reason


def test_folders_of_classes_without_split_folders(folder):
    from PIL import Image

    for name in ("things/cat/0.png", "things/dog/0.JPG", "things/eel/0.webp", "shots/one/0.png", "docs/0.png"):
        path = folder.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8)).save(path)
    folder.keras(shape=(8, 8, 3), outputs=3)
    found = look(folder.root)
    assert (found.data.source, found.data.labels, found.data.splits) == ("things", 3, False)
    assert found.ready and any("things has no test folder" in note for note in found.notes)
    folder.npz("deeper/data.npz", x=(8, 8, 3), y=[0, 1, 2] * 4)
    assert look(folder.root).data.source == "deeper/data.npz", "what says its splits comes first"


CSV = "id,ax,ay,name,label\n" + "".join(f"{n},{n}.5,{n / 4},text {n},{'abc'[n % 3]}\n" for n in range(12))


def test_a_table_beside_a_model(folder):
    folder.keras(shape=(3,), outputs=3)
    folder.text("readings.csv", CSV)
    found = look(folder.root)
    table = found.data.table
    assert found.ready and (found.data.source, found.data.sample_shape, found.data.labels) == ("readings.csv", (3,), 3)
    assert (table.target, table.why, table.drop, table.split, found.metric) == (
        "label",
        "its name",
        ("name",),
        None,
        "accuracy",
    )
    folder.keras("model.keras", shape=(5,), outputs=4)
    assert look(folder.root).problems == (
        "samples of readings.csv are 3, and model.keras takes 5", "readings.csv has 3 classes, and model.keras has 4 outputs",
    )  # fmt: skip


def test_what_a_table_says_of_itself(folder):
    folder.keras(shape=(2, 2, 1), outputs=1, activation="linear", loss="mse")
    lines = [f"{n},2,3,4,{('train', 'test')[n % 2]},{n * 3}" for n in range(30)]
    folder.text("my_train.csv", "a;b;c;d;fold;grade\n" + "\n".join(lines).replace(",", ";").replace("7;2", "7;"))
    (folder.root / "my_test.csv").write_bytes((folder.root / "my_train.csv").read_bytes())
    folder.text("log.csv", "only\nwords\n")
    found = look(folder.root)
    table = found.data.table
    assert found.ready and (table.target, table.why, table.split, table.test_source) == (
        "grade",
        "it is the last",
        "fold",
        "my_test.csv",
    )
    assert (found.metric, found.shape, table.lacking) == ("mae", (2, 2, 1), True)
    assert found.other_data == () and [one.reason for one in found.near] == ["has fewer than two columns"]
    folder.npz(x=(2, 2, 1), y=np.linspace(0, 1, 12))
    assert look(folder.root).data.source == "data.npz", "arrays come before a table, which may be anything"


@pytest.mark.parametrize("splits", [("train", "val"), ("Train", "valid", "TEST"), ("training", "testing")])
def test_split_folders_by_other_names(folder, splits):
    photos = folder.images()
    for split in ("train", "test"):
        (photos / split).rename(photos / f"old-{split}")
    for split in splits:
        (photos / split).symlink_to(photos / "old-train")
    folder.keras(outputs=3, shape=(12, 10, 3))
    found = look(folder.root)
    assert found.ready and (found.data.source, found.data.labels) == ("photos", 3)
    assert any("no test folder, so val/ is the test split" in note for note in found.notes) == ("val" in splits)


def test_the_project_folder_itself_may_hold_the_images(folder):
    folder.images(".")
    assert look(folder.root).data.source == "."


@pytest.mark.parametrize("keras", ["keras", "tf_keras"])
def test_functions_that_return_models_are_seen_and_never_run(folder, keras):
    folder.text("code/nets.py", MODEL_SCRIPT.format(keras=keras) + "\nraise SystemExit('this was run')\n")
    found = look(folder.root)
    assert (found.model.source, found.model.kind) == ("code.nets:build", "function")
    assert found.other_models == ("code.nets:indirect",)
    assert [(one.source, "arguments (size)" in one.reason) for one in found.near] == [("code.nets:wants", True)]


@pytest.mark.parametrize(
    ("text", "is_data"),
    [
        ("def load():\n    return (1, 2), (3, 4)\n", True),
        ("def load():\n    train = 1\n    test = 2\n    return train, test\n", True),
        ("def load():\n    return {'train': 1, 'test': 2}\n", True),
        ("def load():\n    return dict(x_train=1, y_train=2, x_test=3, y_test=4)\n", True),
        ("def load():\n    found = {'x_train': 1, 'y_train': 2, 'x_test': 3, 'y_test': 4}\n    return found\n", True),
        ("import keras\ndef load():\n    return keras.datasets.mnist.load_data()\n", True),
        ("def size():\n    return 1, 2\n", False),
        ("def config():\n    return {'name': 1}\n", False),
        ("def load():\n    def inner():\n        return (1, 2), (3, 4)\n    return 5\n", False),
        ("def load(:\n", False),
    ],
)
def test_functions_that_return_data(folder, text, is_data):
    folder.text("my.py", text)
    found = look(folder.root)
    assert (found.data.source if found.data else None) == ("my:load" if is_data else None)


def test_a_loader_that_is_nearly_one_is_told_how_to_become_one(folder):
    folder.text("my.py", "def load():\n    return x_train, y_train, x_test, y_test\n")
    folder.text("test_my.py", "def load():\n    return (1, 2), (3, 4)\n")
    (missing,) = [one for one in look(folder.root).missing if one.what == "data"]
    assert [one.source for one in missing.near] == ["my:load"]
    assert "return (x_train, y_train), (x_test, y_test)" in missing.near[0].reason


def test_a_file_comes_before_a_function(folder):
    folder.keras("sub/model.keras")
    folder.text("nets.py", MODEL_SCRIPT.format(keras="keras"))
    assert look(folder.root).model.source == "sub/model.keras"


def test_what_a_build_will_ask_for_is_said(folder):
    layers = [
        {"module": "keras.layers", "class_name": "InputLayer", "config": {"batch_shape": [None, 4]}},
        {"module": "keras.layers", "class_name": "Lambda", "config": {}},
        {"module": "my_layers", "class_name": "Swirl", "registered_name": "my>Swirl", "config": {}},
    ]
    folder.keras(config={"class_name": "Sequential", "config": {"layers": layers}})
    found = look(folder.root)
    assert any("--trust" in note for note in found.notes)
    assert any("Swirl" in note and "import" in note for note in found.notes)
    folder.keras(config={"class_name": "MyModel", "config": {}})
    assert "of the class MyModel" in look(folder.root).near[0].reason


def test_a_functional_model_ends_where_its_output_is(folder):
    layers = [
        {"class_name": "InputLayer", "config": {"name": "in", "batch_shape": [None, 4]}},
        {"class_name": "Dense", "config": {"name": "out", "units": 7, "activation": "sigmoid"}},
        {"class_name": "Dense", "config": {"name": "unused", "units": 9, "activation": "relu"}},
    ]
    for outputs in (["out", 0, 0], [["out", 0, 0]]):
        folder.keras(config={"class_name": "Functional", "config": {"layers": layers, "output_layers": outputs}})
        model = look(folder.root).model
        assert (model.outputs, model.activation) == (7, "sigmoid")
    folder.keras(
        config={
            "class_name": "Functional",
            "config": {"layers": layers, "output_layers": [["out", 0, 0], ["unused", 0, 0]]},
        }
    )
    assert look(folder.root).model.outputs is None


def test_a_tflite_alone_is_for_check(folder, int8_model):
    (folder.root / "m.tflite").write_bytes(int8_model.read_bytes())
    found = look(folder.root)
    assert not found.ready and "edgekit check m.tflite" in found.notes[0]


def test_a_float_tflite_is_a_model_where_there_is_no_other(folder, int8_model):
    shutil.copy(int8_model.with_name("float32.tflite"), folder.root / "net.tflite")
    model = look(folder.root).model
    assert (model.source, model.kind, model.input_shape) == ("net.tflite", ".tflite", (8, 8, 1))
    assert (model.outputs, model.activation) == (3, "softmax") and "trains nothing" in model.notes[0]
    folder.keras("deep/er/a.keras")
    assert look(folder.root).model.source == "deep/er/a.keras", "what it may have been made of comes first"


def test_a_tflite_that_is_damaged_is_no_model_and_told(folder):
    (folder.root / "net.tflite").write_bytes(b"\x10\0\0\0TFL3" + b"\xff" * 64)
    found = look(folder.root)
    assert found.model is None and found.near[0].source == "net.tflite" and "cannot be used" in found.near[0].reason


@pytest.mark.parametrize("name", ["net.tflite", "net.keras", "NET.ONNX", "net.pt2"])
def test_a_folder_that_is_named_like_a_model_is_told_and_looked_into(folder, int8_model, name):
    (folder.root / name).mkdir()
    found = look(folder.root)
    assert found.model is None and (found.near[0].source, found.near[0].reason) == (
        name,
        "a folder that is named like a file",
    )
    shutil.copy(int8_model.with_name("float32.tflite"), folder.root / name / "inner.tflite")
    assert look(folder.root).model.source == f"{name}/inner.tflite"
    (folder.root / name / "saved_model.pb").write_bytes(b"")
    assert [one.reason for one in look(folder.root).near if "named like" in one.reason] == [], (
        "a SavedModel may have any name"
    )


@pytest.mark.parametrize("name", ["net.keras", "net.h5", "net.onnx", "net.pt2"])
def test_a_tflite_under_another_name_is_told_as_what_it_is(folder, int8_model, name):
    shutil.copy(int8_model.with_name("float32.tflite"), folder.root / name)
    found = look(folder.root)
    assert found.model is None and "a .tflite file" in found.near[0].reason


def test_results_of_a_build_and_environments_are_no_candidates(folder):
    for name in ("build/rpi4/manifest.json", "build/rpi4/report.json", "env/pyvenv.cfg"):
        folder.text(name, "")
    folder.keras("build/rpi4/a.keras")
    folder.keras("env/lib/b.keras")
    folder.keras(".hidden/c.keras")
    assert look(folder.root).model is None


def test_a_model_in_onnx_with_data_in_its_order_or_the_devices(folder):
    shutil.copy(EXAMPLES / "onnx" / "digits.onnx", folder.root / "net.onnx")
    shutil.copy(EXAMPLES / "onnx" / "digits.npz", folder.root / "data.npz")
    for source in ("onnx", "digits"):
        shutil.copy(EXAMPLES / source / "digits.npz", folder.root / "data.npz")
        found = look(folder.root)
        assert found.ready and not found.problems, source
        assert (found.model.source, found.model.kind, found.model.input_shape) == ("net.onnx", ".onnx", (8, 8, 1))
        assert found.model.outputs == 10


def test_an_onnx_file_that_cannot_be_used_is_named_with_the_reason(folder):
    (folder.root / "net.onnx").write_bytes(b"junk")
    (near,) = look(folder.root).near
    assert (near.source, near.what) == ("net.onnx", "model") and "not an ONNX model" in near.reason


def test_a_program_of_pytorch_is_found_and_says_what_it_needs(folder, monkeypatch):
    monkeypatch.delenv("EDGEKIT_TORCH_PYTHON", raising=False)
    shutil.copy(EXAMPLES / "pytorch" / "digits.pt2", folder.root / "net.pt2")
    shutil.copy(EXAMPLES / "pytorch" / "digits.npz", folder.root / "data.npz")
    found = look(folder.root)
    assert found.ready and not found.problems
    assert (found.model.source, found.model.kind, found.model.input_shape) == ("net.pt2", ".pt2", (8, 8, 1))
    assert found.model.outputs == 10
    monkeypatch.setenv("EDGEKIT_TORCH_PYTHON", "/some/python")
    assert look(folder.root).model.notes == ()


def test_a_program_that_cannot_be_used_is_named_with_the_reason(folder):
    (folder.root / "net.pt2").write_bytes(b"junk")
    (near,) = look(folder.root).near
    assert (near.source, near.what) == ("net.pt2", "model") and "not a program of torch.export" in near.reason


NETWORKS = """
import torch
from torch import nn

class Net(nn.Module):
    ...

class Deeper(Net):
    ...

def annotated() -> nn.Module: ...
def in_quotes() -> "torch.nn.Module": ...
def with_examples() -> tuple[nn.Module, torch.Tensor]: ...
def of_own_class() -> Deeper: ...
def made():
    net = Deeper()
    net.load_state_dict(torch.load("weights.pt"))
    return net, torch.zeros(1, 3, 8, 8)
def of_layers():
    return nn.Sequential(nn.Linear(2, 2))
def indirect():
    return made()

def wants(width) -> nn.Module: ...
def _private() -> nn.Module: ...
def a_tensor() -> torch.Tensor: ...
def broken() -> "nn.": ...
def loss():
    return nn.functional.mse_loss(torch.zeros(1), torch.zeros(1))

raise SystemExit("this was run")
"""


def test_functions_that_return_modules_of_pytorch_are_seen_and_never_run(folder, monkeypatch):
    monkeypatch.setenv("EDGEKIT_TORCH_PYTHON", "/some/python")
    folder.text("nets.py", NETWORKS)
    folder.npz()
    found = look(folder.root)
    model = found.model
    assert found.ready and (model.source, model.kind, model.library) == ("nets:annotated", "function", "PyTorch")
    others = ("in_quotes", "indirect", "made", "of_layers", "of_own_class", "with_examples")
    assert found.other_models == tuple(f"nets:{name}" for name in others) and model.notes == ()
    assert [(one.source, "arguments (width)" in one.reason) for one in found.near] == [("nets:wants", True)]
    assert "a function that seems to return a PyTorch module" in model_line(model)
    monkeypatch.delenv("EDGEKIT_TORCH_PYTHON")
    monkeypatch.setattr("edgekit.cli.starter.pytorch_programs.is_installed", lambda package: False)
    assert "needs PyTorch" in look(folder.root).model.notes[0]


def test_a_program_comes_before_a_function_of_pytorch(folder):
    folder.text("nets.py", NETWORKS)
    shutil.copy(EXAMPLES / "pytorch" / "digits.pt2", folder.root / "net.pt2")
    found = look(folder.root)
    assert found.model.source == "net.pt2" and "nets:annotated" in found.other_models


def test_a_module_of_pytorch_whose_file_reaches_tensorflow_is_no_model(folder):
    """Such a function is taken for one of Keras: PyTorch and TensorFlow never meet in a process."""
    folder.text("nets.py", "import torch, readers\ndef net() -> torch.nn.Module: ...\n")
    folder.text("readers.py", "import tensorflow\n")
    found = look(folder.root)
    assert found.model is None and [one.source for one in found.near] == ["nets:net"]
    assert "TensorFlow" in found.near[0].reason
