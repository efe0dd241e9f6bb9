"""Folders as people have them: small models by their configuration alone, arrays, images, scripts."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest


def keras_config(
    shape=(8, 8, 1), outputs=4, activation="softmax", *, rescaling=False, loss="sparse_categorical_crossentropy"
):
    """The `config.json` of a small Sequential model of Keras 3."""

    def layer(name: str, **config: Any) -> dict[str, Any]:
        return {"module": "keras.layers", "class_name": name, "config": {"name": name.lower(), **config}}

    layers = [layer("InputLayer", batch_shape=[None, *shape])]
    layers += [layer("Rescaling", scale=1 / 255)] if rescaling else []
    layers += [layer("Flatten"), layer("Dense", units=outputs, activation=activation)]
    return {
        "module": "keras",
        "class_name": "Sequential",
        "config": {"layers": layers},
        "compile_config": {"loss": loss},
    }


class Folder:
    """A folder to look into, filled piece by piece."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def keras(self, name: str = "model.keras", config: Any = None, **options: Any) -> Path:
        with zipfile.ZipFile(self._at(name), "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("config.json", json.dumps(config or keras_config(**options)))
            archive.writestr("metadata.json", '{"keras_version": "3.15.1"}')
        return self.root / name

    def npz(self, name: str = "data.npz", x=(8, 8, 1), y=None, **more: Any) -> Path:
        y = np.arange(12) % 4 if y is None else np.asarray(y)
        arrays = {
            "x_train": np.zeros((len(y), *x), "float32"),
            "y_train": y,
            "x_test": np.zeros((len(y), *x)),
            "y_test": y,
        }
        np.savez_compressed(self._at(name), **{**arrays, **more})
        return self.root / name

    def images(self, name: str = "photos", sizes=((12, 10),), mode="RGB", classes=("cat", "dog", "eel")) -> Path:
        from PIL import Image

        for split in ("train", "test"):
            for label in classes:
                for index, size in enumerate(sizes):
                    path = self._at(f"{name}/{split}/{label}/{index}.png")
                    Image.new(mode, size[::-1]).save(path)
        return self.root / name

    def text(self, name: str, text: str) -> Path:
        self._at(name).write_text(text)
        return self.root / name

    def _at(self, name: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    (tmp_path / "here").mkdir()
    return Folder(tmp_path / "here")
