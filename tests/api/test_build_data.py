"""`edgekit.build(model, data, ...)` with data in the forms that people have it in, and varied: each goes the whole way to a verdict."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

pytestmark = [pytest.mark.tf, pytest.mark.slow]
# One script in a process of its own, as a user's is: Keras 3, a model object, no guard around the calls.
SCRIPT = """
import json, os, sys
import keras
import numpy as np
import tensorflow as tf
import edgekit

generator, y = np.random.default_rng(0), np.arange(80) % 3
x = generator.normal(size=(80, 6)).astype("float32")
x[np.arange(80), y] += 3
x, y = x[:, :, None], y
keras.utils.set_random_seed(0)
model = keras.Sequential([keras.layers.Input((6, 1), name="signal"), keras.layers.Flatten(), keras.layers.Dense(3, activation="softmax")])
train, test = slice(0, 48), slice(48, 80)
words = np.array(["run", "sit", "walk"])[y]

def singles(part):
    return zip(x[part], y[part])

class Batches(keras.utils.PyDataset):
    def __init__(self, part):
        super().__init__()
        self.part = part
    def __len__(self):
        return 2
    def __getitem__(self, index):
        rows = np.arange(80)[self.part][index::2]
        return x[rows], y[rows]

def dataset(part):
    return tf.data.Dataset.from_tensor_slices((x[part], y[part]))

forms = {
    "pairs": ((x[train], y[train]), (x[test], y[test])),
    "unbatched": (dataset(train), dataset(test)),
    "batched": (dataset(train).batch(16), dataset(test).batch(16)),
    "generators": (singles(train), singles(test)),
    "functions": (lambda: singles(train), lambda: singles(test)),
    "PyDataset": (Batches(train), Batches(test)),
    "lists": ((x[train].tolist(), y[train].tolist()), (list(x[test]), list(y[test]))),
    "by name": {"train": ({"signal": x[train]}, y[train]), "test": ({"signal": x[test]}, y[test])},
    "text": ((x[train], words[train]), (x[test], words[test].tolist())),
}
try:
    import pandas
    frame = pandas.DataFrame(x[..., 0], columns=list("abcdef"))
    forms["frames"] = ((frame[train], pandas.Series(words[train])), (frame[test], pandas.Series(words[test])))
    forms["frames with a target"] = (frame.assign(label=words)[train], frame.assign(label=words)[test])
except ImportError:
    pass
found = {}
for name, data in forms.items():
    result = edgekit.build(model, data, device="rpi4", project="project", out=f"out/{name}", max_drop=100)
    labels = (result.folder / "labels.txt")
    found[name] = [result.report.outcome, result.report.data["samples"]["test"], labels.read_text().split() if labels.exists() else []]
print("FOUND", json.dumps(found))
"""


def test_every_form_of_data_builds(tmp_path):
    (tmp_path / "project").mkdir()
    project = 'data = { source = "given.npz", target = "label" }\n[training]\nepochs = 0\n'
    (tmp_path / "project" / "edgekit.toml").write_text(project)
    done = subprocess.run([sys.executable, "-c", SCRIPT], cwd=tmp_path, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr[-3000:]
    line = next(line for line in done.stdout.splitlines() if line.startswith("FOUND "))
    found = json.loads(line.removeprefix("FOUND "))
    assert len(found) >= 9
    for name, (outcome, samples, labels) in found.items():
        assert (outcome, samples) == ("pass", 32), name
        assert labels == (["run", "sit", "walk"] if name in ("text", "frames", "frames with a target") else []), name


def test_a_build_says_how_samples_were_varied_and_refuses_what_no_input_takes(edgekit_command, tiny_project):
    text = (tiny_project / "edgekit.toml").read_text() + '[[chain]]\nsteps = ["pruning", "int8"]\n'

    def build(augment: str, *options: str) -> subprocess.CompletedProcess[str]:
        (tiny_project / "edgekit.toml").write_text(text.replace("epochs = 1", f"epochs = 1\naugment = {augment}"))
        return edgekit_command("build", "--device", "rpi4", *options, folder=tiny_project, timeout_s=300)

    done = build('{ flip = "vertical", shift = 0.1 }', "--lock")
    assert done.returncode == 0, done.stderr
    report = json.loads((tiny_project / "build" / "rpi4" / "report.json").read_text())
    told = [text for one in report["candidates"] for text in one["training"]]
    assert told and all("varied by flip vertical, shift of up to 1 of 8 rows and 1 of 8 columns" in one for one in told)
    done = build('{ flip = "horizontal", shift = 0.1 }', "--locked")
    assert done.returncode == 1 and "setting training.augment.flip: locked vertical, now horizontal" in done.stderr
    (tiny_project / "models.py").write_text(
        "import keras\n\n\ndef plain():\n    layers = keras.layers\n    given = [layers.Input((8,)), layers.Dense(4)]\n"
        "    return keras.Sequential(given)\n"
    )
    rows = np.random.default_rng(0).random((80, 8)).astype("float32")
    y = np.arange(80) % 4
    np.savez(tiny_project / "data.npz", x_train=rows[:48], y_train=y[:48], x_test=rows[48:], y_test=y[48:])
    done = build('{ flip = "horizontal" }')
    assert done.returncode == 2 and "no input of the model takes flip" in done.stderr and "row of values" in done.stderr
