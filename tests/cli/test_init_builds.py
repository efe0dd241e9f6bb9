"""`edgekit init && edgekit build` in folders as people have them: what init writes is what build takes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.tf, pytest.mark.slow]
ROOT = Path(__file__).resolve().parents[2]
# Makes, in one process with TensorFlow, a folder of each kind; the images are a bright row a class.
MAKE = """
import os
os.environ["TF_USE_LEGACY_KERAS"] = "1"
import keras
import numpy as np
import tf_keras
from pathlib import Path
from PIL import Image

generator, y = np.random.default_rng(0), np.arange(80) % 4
x = generator.random((80, 8, 8, 1), dtype=np.float32) / 2
x[np.arange(80), y * 2, :, 0] += 0.5

def network(api, *before):
    api.utils.set_random_seed(0)
    layers = api.layers
    found = api.Sequential([layers.Input((8, 8, 1)), *before, layers.Conv2D(8, 3, activation="relu"), layers.Flatten(),
                            layers.Dense(4, activation="softmax")])
    found.compile("adam", "sparse_categorical_crossentropy")
    return found

for name in ("arrays", "images", "saved", "table"):
    Path(name).mkdir()
network(keras).save("arrays/spotter.keras")
np.savez("arrays/samples.npz", x_train=x[:48], y_train=y[:48], x_test=x[48:], y_test=y[48:])
network(tf_keras, tf_keras.layers.Rescaling(1 / 255)).save("images/net.h5")
for index, image in enumerate(x[..., 0]):
    folder = Path("images/photos", "train" if index < 48 else "test", f"row{y[index]}")
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray((image.clip(0, 1) * 255).astype("uint8")).resize((12, 10)).save(folder / f"{index}.png")
network(tf_keras).save("saved/export", save_format="tf")
np.savez("saved/raw.npz", images=x, classes=y)
sensor = keras.Sequential([keras.layers.Input((64, 1)), keras.layers.Flatten(), keras.layers.Dense(4, activation="softmax")])
sensor.save("table/net.keras")
with open("table/readings.csv", "w") as file:
    file.write(";".join(f"v{number}" for number in range(64)) + ";comment;row\\n")
    for image, number in zip(x, y):
        file.write(";".join(f"{value:.4f}".replace(".", ",") for value in image.ravel()) + f";none;row {number}\\n")
Path("saved/loading.py").write_text('''
from pathlib import Path
import numpy as np

def load():
    with np.load(Path(__file__).with_name("raw.npz")) as raw:
        x, y = raw["images"], raw["classes"]
    return {"train": (x[:48], y[:48]), "test": (x[48:], y[48:])}
''')
"""


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("folders")
    done = subprocess.run([sys.executable, "-c", MAKE], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return root


@pytest.mark.parametrize(
    ("name", "model", "data"),
    [
        ("arrays", "spotter.keras", "samples.npz"),
        ("images", "net.h5", "photos"),
        ("saved", "export", "loading:load"),
        ("table", "net.keras", "readings.csv"),
        ("example", "digits:trained_model", "digits.npz"),
    ],
)
def test_what_init_writes_builds(folders, edgekit_command, name, model, data):
    folder = folders / name
    if name == "example":
        done = edgekit_command("init", "--example", folder, folder=folders)
        assert done.returncode == 0, done.stderr
    else:
        done = edgekit_command("init", "--json", folder=folder)
        found = json.loads(done.stdout)
        assert found["ready"] is True, found
        assert (found["model"]["source"], found["data"]["source"]) == (model, data)
        shape = found["model"]["input_shape"]
        assert (shape, found["model"]["outputs"]) == ([64, 1] if name == "table" else [8, 8, 1], 4)
    built = edgekit_command("build", "--device", "rpi4", "--max-drop", "100", "--json", folder=folder, timeout_s=300)
    assert built.returncode == 0, built.stderr
    assert json.loads(built.stdout)["outcome"] == "pass"
    assert (folder / "build" / "rpi4" / "model.tflite").is_file()
    assert (folder / "build" / "rpi4" / "labels.txt").exists() == (name in ("images", "table"))
    if name == "images":
        _takes_a_picture(folder / "build" / "rpi4", next((folder / "photos" / "test" / "row2").glob("*.png")))
    os.remove(folder / "edgekit.toml")
    again = edgekit_command("init", "--json", folder=folder)
    assert json.loads(again.stdout)["model"]["source"] == model, "results of a build are no candidates"
    shutil.rmtree(folder)


def _takes_a_picture(built: Path, picture: Path) -> None:
    """The script of a build from pictures says a class of the photo whose path it is given, in a fresh process."""
    done = subprocess.run([sys.executable, str(built / "inference.py"), str(picture)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] in (built / "labels.txt").read_text().split()
