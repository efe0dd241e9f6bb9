"""The job `load`: a model of any accepted kind becomes one flat model on disk, with its facts.

Configurations are checked for code before Keras reads them. A SavedModel is rebuilt from the configuration that
Keras stores in it and from its checkpoint: none of its functions is run.
"""

from __future__ import annotations

import contextlib
import gc
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from edgekit import first_bytes
from edgekit.errors import EdgekitError, ModelError
from edgekit.ingest.first_look import HDF5, no_keras_model
from edgekit.make.workshop.door import Door, door
from edgekit.make.workshop.from_onnx import FromOnnx, load_onnx
from edgekit.make.workshop.loss import compiled_losses
from edgekit.make.workshop.model_facts import take_facts
from edgekit.make.workshop.normalise import normalise
from edgekit.make.workshop.ports import output_names, ports
from edgekit.make.workshop.savedmodel import load_saved_model
from edgekit.make.workshop.text_layers import refuse_text
from edgekit.make.workshop.trust import refuse_code
from edgekit.make.workshop.wrappers import refuse_quantized_keras_file, stripped, wrappers_known
from edgekit.onnx_file.outline import is_onnx
from edgekit.progress import Progress
from edgekit.project.userfunction import call, import_modules
from edgekit.values import to_builtins, to_json

FACTS_FILE = "facts.json"


def load(job: dict[str, Any], progress: Progress) -> Any:
    """Load `job["source"]`, normalise it, and write it with its facts to the folder `job["target"]`.

    The job also holds `root`, `imports`, `trust`, `is_function`, `seed`, and whether the model is still `to_train`. Raises `ModelError` or `TrustError`.
    """
    with _without_collection():
        return _load(job, progress)


@contextlib.contextmanager
def _without_collection() -> Iterator[None]:
    """Within the block, Python looks for no cycles to free: among TensorFlow's objects that takes a sixth of the time, and finds little."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _load(job: dict[str, Any], progress: Progress) -> Any:
    tools = door()
    tools.fresh(job["seed"])
    progress("loading the model", 0, 3)
    model, kind, loss, training, onnx = read_original(tools, job)
    progress("normalising the model", 1, 3)
    target = Path(job["target"])
    normal = normalise(tools, model, target, job)
    told = onnx.told(tools) if onnx else ()
    progress("normalising the model", 2, 3)
    losses = compiled_losses(tools, loss, output_names(normal.source, normal.model))
    facts = take_facts(tools, normal.model, sha256=job["sha256"], kind=kind, losses=losses, error=normal.error)
    inputs, outputs = ports(normal.source, facts, normal.renamed)
    facts = msgspec.structs.replace(
        facts,
        inputs=inputs,
        outputs=outputs,
        stripped=training,
        uncompared=normal.uncompared,
        closed=normal.closed,
        passes=normal.passes,
        renamed=normal.renamed,
        imported=told,
    )
    facts = onnx.named(facts) if onnx else facts
    (target / FACTS_FILE).write_text(to_json(facts), encoding="utf-8")
    progress("normalising the model", 3, 3)
    return to_builtins(facts)


class Original(NamedTuple):
    """A user's model as its own Keras reads it, where it came from, the losses it was compiled with, and what was taken off it.

    `onnx` is the import of one that is in ONNX.
    """

    model: Any
    kind: str
    loss: Any
    training: tuple[str, ...]
    onnx: FromOnnx | None = None


def read_original(tools: Door, job: dict[str, Any]) -> Original:
    """The model of `job["source"]`; raises `ModelError` or `TrustError`."""
    root = Path(job["root"])
    import_modules(job["imports"], root=root, error=ModelError)
    if not job["is_function"] and is_onnx(Path(job["source"])):
        return _from_onnx(tools, Path(job["source"]), job)
    if job["is_function"]:
        model, kind = _from_function(tools, job["source"], root)
        loss = getattr(model, "loss", None)
    else:
        model, kind, loss = _from_file(tools, Path(job["source"]), trust=job["trust"])
    model, training = stripped(tools, model)
    refuse_text(model, where=job["source"])
    return Original(model, kind, loss, training)


def _from_onnx(tools: Door, path: Path, job: dict[str, Any]) -> Original:
    try:
        found = load_onnx(tools, path, job)
    except EdgekitError as problem:
        if problem.where and "named" in job:  # the user knows nothing of the file in the cache
            problem.where = problem.where.replace(str(path), job["named"])
        raise
    except Exception as problem:
        raise ModelError(
            "the model cannot be imported from ONNX", where=str(path), received=f"{type(problem).__name__}: {problem}"[:400],
            next_step="export the model again",
        ) from problem  # fmt: skip
    return Original(found.found.model, found.kind, None, (), found)


def _from_function(tools: Door, source: str, root: Path) -> tuple[Any, str]:
    model = call(source, root=root, imports=(), error=ModelError)
    if isinstance(model, tools.keras.Model):
        return model, "function, tf_keras"
    if isinstance(model, tools.keras3.Model):
        return model, "function, Keras 3"
    of_torch = any(kind.__module__.partition(".")[0] == "torch" for kind in type(model).__mro__)
    raise ModelError(
        "the function returned no Keras model",
        where=source,
        received=f"{type(model).__name__} of PyTorch" if of_torch else type(model).__name__,
        allowed="a Keras 3 or tf_keras model",
        next_step="put it into a file that imports PyTorch and neither TensorFlow nor Keras: it is opened in a process of its own then"
        if of_torch
        else None,
    )


def _from_file(tools: Door, path: Path, *, trust: bool) -> tuple[Any, str, Any]:
    if path.is_dir():
        return load_saved_model(tools, path, trust=trust)
    with path.open("rb") as file:
        begins = file.read(first_bytes.ENOUGH)
    is_tflite = begins[4:8] == b"TFL3"  # checked first, since a .tflite with appended labels is also a zip archive
    try:
        if not is_tflite and zipfile.is_zipfile(path):
            return _load_keras_file(tools, path, trust=trust)
        if begins.startswith(HDF5):
            return _load_hdf5(tools, path, trust=trust)
    except EdgekitError:
        raise
    except Exception as problem:
        raise _unreadable(path, problem) from problem
    raise no_keras_model(path, begins)


def _unreadable(path: Path, problem: Exception) -> ModelError:
    text = f"{type(problem).__name__}: {problem}"
    custom = any(sign in text for sign in ("Could not locate class", "Unknown layer", "Could not deserialize class"))
    found = re.search(r"(?:locate class|Unknown layer:|deserialize class) '?(?P<name>[\w>.]+)", text)
    named = f": {found['name']}" if found else ""
    if re.search(r"expected \d+ variables, but received|was never built|but it has 0 variables", text):
        return ModelError(
            "Keras itself does not find a layer's weights in the file", where=str(path), received=text[:400],
            allowed="a file that keras.saving.load_model reads",
            next_step="give the layer a build() that builds the layers inside it, and save the model again; "
            "or load it in its own code and name that as module:function",
        )  # fmt: skip
    step = (
        "name the module that defines and registers the layer with --import"
        if custom
        else "save the model again with its own Keras"
    )
    return ModelError(
        f"the model uses a layer that is not known here{named}" if custom else "the model cannot be loaded",
        where=str(path), received=text[:400], next_step=step,
    )  # fmt: skip


def _load_keras_file(tools: Door, path: Path, *, trust: bool) -> tuple[Any, str, Any]:
    with zipfile.ZipFile(path) as archive:
        if not {"config.json", "metadata.json"} <= set(archive.namelist()):
            raise ModelError(
                "a zip archive that is no .keras file", where=str(path), allowed="config.json and metadata.json in it"
            )
        config, metadata = json.loads(archive.read("config.json")), json.loads(archive.read("metadata.json"))
    refuse_code(config, where=str(path), trust=trust)
    loss = (config.get("compile_config") or {}).get("loss")
    if str(metadata.get("keras_version", "3")).startswith("2."):
        refuse_quantized_keras_file(config, where=str(path))
        with wrappers_known(tools, config):
            model = tools.keras.models.load_model(path, compile=False, safe_mode=not trust)
        return model, ".keras of Keras 2", loss
    return tools.keras3.saving.load_model(path, compile=False, safe_mode=not trust), ".keras of Keras 3", loss


def _load_hdf5(tools: Door, path: Path, *, trust: bool) -> tuple[Any, str, Any]:
    import h5py

    with h5py.File(path, "r") as file:
        texts = {key: file.attrs.get(key) for key in ("model_config", "training_config", "keras_version")}
    if texts["model_config"] is None:
        raise ModelError(
            "an HDF5 file without a model's configuration", where=str(path), received="weights alone, perhaps",
            next_step="save the whole model with model.save(...), not model.save_weights(...)",
        )  # fmt: skip
    config = json.loads(texts["model_config"])
    refuse_code(config, where=str(path), trust=trust)
    loss = json.loads(texts["training_config"]).get("loss") if texts["training_config"] else None
    if str(texts["keras_version"] or "2").startswith("3."):
        return tools.keras3.saving.load_model(path, compile=False), ".h5 of Keras 3", loss
    with wrappers_known(tools, config):
        return tools.keras.models.load_model(path, compile=False), ".h5 of Keras 2", loss
