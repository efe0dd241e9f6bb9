"""Stores models between jobs: a normalised or trained one on disk and back, as HDF5 if it is of tf_keras, as `.keras` if of Keras 3."""

from __future__ import annotations

import contextlib
import inspect
import json
import re
import warnings
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgekit.documents.candidate import Step
from edgekit.errors import ModelError
from edgekit.ingest.from_tflite import FILE as TFLITE_FILE
from edgekit.make.workshop.activations import activations
from edgekit.make.workshop.answers import is_keras3
from edgekit.make.workshop.augment.keras3 import layer_class
from edgekit.make.workshop.door import Door
from edgekit.make.workshop.file_model import FileModel
from edgekit.make.workshop.keras2.activations import hard_sigmoid
from edgekit.make.workshop.keras2.functions import function_class
from edgekit.make.workshop.keras2.held import held_class
from edgekit.make.workshop.own_code import read_names, write_names
from edgekit.project.userfunction import import_modules
from edgekit.techniques.steps import TypedStep, training_of, typed
from edgekit.tflite.reader import read_tflite
from edgekit.values import read

MODEL_FILE = "model.h5"
KERAS3_FILE = "model.keras"
ADDRESS = re.compile(rb'("shared_object_id": )(\d+)')
"""Keras numbers the objects of a configuration by their addresses in memory."""


def steps_of(job: dict[str, Any]) -> list[TypedStep]:
    """The steps of a job with their techniques and settings."""
    return [typed(read(step, Step, where="job")) for step in job["steps"]]


def open_model(tools: Door, folder: Path, steps: Sequence[TypedStep], job: dict[str, Any]) -> Any:
    """The model in a folder, read with the custom objects of the steps that made it and of the user's modules; a `FileModel` if it is a file."""
    if (folder / TFLITE_FILE).exists():
        return FileModel(read_tflite(folder / TFLITE_FILE))
    import_modules(job["imports"], root=Path(job["root"]), error=ModelError)
    with contextlib.ExitStack() as scopes:
        for step in steps:
            scopes.enter_context(training_of(step).scope(tools, step.settings))
        for register in (hard_sigmoid, function_class, held_class):
            register(tools)
        own = read_names(tools, folder, root=Path(job["root"]))
        if (folder / KERAS3_FILE).exists():  # what may run of it was decided when the user's own file was read
            functions = {
                one.__name__: one for one in tools.keras.utils.get_custom_objects().values() if inspect.isfunction(one)
            }
            return tools.keras3.saving.load_model(
                folder / KERAS3_FILE, custom_objects={**functions, **own}, compile=False, safe_mode=False
            )
        activations(tools)
        layer_class(tools)
        return tools.keras.models.load_model(folder / MODEL_FILE, compile=False)


def save_model(model: Any, folder: Path) -> None:
    """Write a model for `open_model`, with the names of the user's own code in it."""
    write_names(model, folder)
    if is_keras3(model):
        model.save(folder / KERAS3_FILE, include_optimizer=False)
        _leave_out_the_moment(folder / KERAS3_FILE)
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # HDF5 is the one format that keeps TFMOT's wrappers
        model.save(folder / MODEL_FILE, include_optimizer=False, save_format="h5")


def _leave_out_the_moment(path: Path) -> None:
    """Write a `.keras` file again without when and where in memory it was made: the same model is the same bytes, which a lock compares."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    metadata = json.loads(parts["metadata.json"])
    parts["metadata.json"] = json.dumps({**metadata, "date_saved": ""}).encode()
    numbers: dict[bytes, bytes] = {}
    parts["config.json"] = ADDRESS.sub(
        lambda found: found[1] + numbers.setdefault(found[2], str(len(numbers)).encode()), parts["config.json"]
    )
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(zipfile.ZipInfo(name), content)
