"""Looks into a folder: what it holds, the model and data that fit together best, and what follows for `edgekit.toml`.

It is pure except for reading the folder; `RULE` says how it chooses among several.
"""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from typing import Literal

import msgspec

from edgekit.cli.starter import data as data_files
from edgekit.cli.starter import models as model_files
from edgekit.cli.starter import tables as table_files
from edgekit.cli.starter.found import DataFound, Found, Missing, ModelFound, NearMiss, Targets
from edgekit.cli.starter.onnx_models import onnx_file
from edgekit.cli.starter.pytorch_programs import pt2_file
from edgekit.cli.starter.scripts import functions
from edgekit.cli.starter.tflite_models import tflite_file
from edgekit.cli.starter.walk import DEEPEST, Listing, walk
from edgekit.documents.facts import TensorFacts
from edgekit.ingest.printable import shown
from edgekit.onnx_file.outline import ENDING as ONNX
from edgekit.tflite.given import SUFFIX
from edgekit.torch_file.archive import ENDING as PT2
from edgekit.values import Ends
from edgekit.verdict.losses import is_distance
from edgekit.verdict.task import Kind, kind_of

MOST_OF_A_KIND = 50
MODEL_ENDINGS = (*model_files.ENDINGS, ONNX, PT2, SUFFIX)
RULE = (
    "the model and the data whose shapes and labels agree; among equals a file before a folder of classes without splits "
    "or a table and these before a function, what lies higher before what lies deeper, then .keras, .h5, SavedModel, .onnx, .pt2 (.npz, "
    "table, image folder), then by name; a float .tflite only where there is no other model"
)
_KINDS = (".keras", ".h5", "SavedModel", ".onnx", ".pt2", ".tflite", "npz", "table", "folder", "function")
_ACCEPTED = {
    "model": "a .keras file, an .h5 file with a whole model, a SavedModel of Keras 2, an .onnx file, a .pt2 file of "
    "torch.export, a float .tflite, or a Python function without arguments that returns a Keras model or a torch.nn.Module",
    "data": "an .npz with x_train, y_train, x_test, y_test; a .csv or .tsv with a column for the target; a folder with train/CLASS/*.png and test/CLASS/*.png, or with CLASS/*.png "
    "alone; or a Python function without arguments that returns such arrays or datasets",
}  # fmt: skip


def look(folder: Path) -> Found:
    """The values that `edgekit.toml` could have for a folder; for an empty one, what is missing and what would be accepted."""
    listing = walk(
        folder,
        (*MODEL_ENDINGS, data_files.ENDING, ".py", *table_files.ENDINGS, *table_files.PARQUET),
    )
    models, data, near = _candidates(folder, listing)
    model, chosen = _choose(models, data)
    kind = _kind(model, chosen) if model and chosen else None
    if chosen is not None and kind == "regression" and chosen.targets in ("classes", "labels"):
        chosen = msgspec.structs.replace(chosen, targets="numbers", labels=None)
    where = f"{listing.entries} files and folders, {DEEPEST} levels deep"
    missing = [
        *([] if model else [_missing("model", where, near)]),
        *([] if chosen else [_missing("data", where, near)]),
    ]
    notes = [
        *listing.notes,
        *(model.notes if model else ()),
        *(chosen.notes if chosen else ()),
        *_tflite(listing, model),
    ]
    problems = list(_contradictions(model, chosen)) if model and chosen else []
    metric, why = _metric(model, chosen, kind)
    size, size_reason, gray = _images(model, chosen)
    return Found(
        ready=not missing and not problems,
        model=model,
        data=chosen,
        missing=tuple(missing),
        other_models=tuple(one.source for one in models if one != model),
        other_data=tuple(one.source for one in data if one != chosen),
        near=tuple(near),
        metric=metric,
        metric_reason=why,
        image_size=size,
        image_size_reason=size_reason,
        grayscale=gray,
        shape=_reshaped(model, chosen),
        problems=tuple(problems),
        notes=tuple(notes),
    )


def _missing(what: Literal["model", "data"], where: str, near: list[NearMiss]) -> Missing:
    alike = tuple(one for one in near if one.what == what)
    return Missing(what=what, looked=where, accepted=_ACCEPTED[what], near=alike)


def _candidates(folder: Path, listing: Listing) -> tuple[list[ModelFound], list[DataFound], list[NearMiss]]:
    """All models and data, in the order of the rule, and the near misses."""
    named = {ending: [file for file in listing.files if file.lower().endswith(ending)] for ending in (".npz", ".py")}
    files = [file for file in listing.files if file.lower().endswith(model_files.ENDINGS)]
    looks = [model_files.model_file(folder, file) for file in files[:MOST_OF_A_KIND]]
    looks += [onnx_file(folder, file) for file in listing.files if file.lower().endswith(ONNX)][:MOST_OF_A_KIND]
    looks += [pt2_file(folder, file) for file in listing.files if file.lower().endswith(PT2)][:MOST_OF_A_KIND]
    looks += [model_files.saved_model(folder, source) for source in listing.saved_models[:MOST_OF_A_KIND]]
    found = [data_files.npz(folder, file) for file in named[".npz"][:MOST_OF_A_KIND]]
    images = (data_files.image_folder(folder, source) for source in listing.picture_folders[:MOST_OF_A_KIND])
    found += [one for one in images if one is not None]
    endings = (*table_files.ENDINGS, *table_files.PARQUET)
    found += table_files.tables(
        folder, tuple(file for file in listing.files if file.lower().endswith(endings))[:MOST_OF_A_KIND]
    )
    model_functions, loaders, near = functions(folder, tuple(named[".py"]))
    near += [one for one in (*looks, *found) if isinstance(one, NearMiss)]
    near += [
        NearMiss(source=source, what="model", reason="a folder that is named like a file")
        for source in listing.named_as_files[:MOST_OF_A_KIND]
        if source.lower().endswith(MODEL_ENDINGS) and source not in (*listing.saved_models, *listing.picture_folders)
    ]
    models = [*(one for one in looks if isinstance(one, ModelFound)), *model_functions]
    if not models:
        finished = [tflite_file(folder, file) for file in _ending(listing, SUFFIX)[:MOST_OF_A_KIND]]
        models = [one for one in finished if isinstance(one, ModelFound)]
        near += [one for one in finished if isinstance(one, NearMiss)]
    data = [*(one for one in found if isinstance(one, DataFound)), *loaders]
    return sorted(models, key=_rank), sorted(data, key=_rank), near


def _ending(listing: Listing, ending: str) -> list[str]:
    return [file for file in listing.files if file.lower().endswith(ending)]


def _rank(found: ModelFound | DataFound) -> tuple[int, int, int, str]:
    depth = found.source.count("." if found.kind == "function" else "/")
    guess = 2 if found.kind == "function" else 1 if isinstance(found, DataFound) and not found.splits else 0
    return guess, depth, _KINDS.index(found.kind), found.source


def _choose(models: list[ModelFound], data: list[DataFound]) -> tuple[ModelFound | None, DataFound | None]:
    pairs = list(itertools.product(models, data))
    if not pairs:
        return (models[0] if models else None), (data[0] if data else None)
    return min(pairs, key=lambda pair: len(list(_contradictions(*pair))))  # of several with the fewest, the first


def _contradictions(model: ModelFound, data: DataFound) -> list[str]:
    """Why a model and data do not fit together, as far as both can be read."""
    found = []
    shape, sample = model.input_shape, data.sample_shape
    if shape and sample is not None and not (_can_be_reshaped(sample, shape) if data.table else _fits(sample, model)):
        text = " x ".join("any" if size is None else str(size) for size in shape)
        found.append(
            f"samples of {shown(data.source)} are {' x '.join(map(str, sample)) or 'single numbers'}, and "
            f"{shown(model.source)} takes {text}"
        )
    outputs, labels = model.outputs, None if _kind(model, data) == "regression" else data.labels
    if outputs is not None and labels is not None and labels != outputs and not (outputs == 1 and labels <= 2):
        found.append(
            f"{shown(data.source)} has {labels} classes, and {shown(model.source)} has {outputs} output"
            f"{'s' if outputs != 1 else ''}"
        )
    if data.targets == "floats" and model.activation == "softmax":
        found.append(
            f"the targets of {shown(data.source)} are floats, and {shown(model.source)} ends in a softmax: save class numbers "
            "as integers, y.astype('int64')"
        )
    return found


def _fits(sample: tuple[int, ...], model: ModelFound) -> bool:
    """Whether a model takes such samples; for one in ONNX or of PyTorch, pictures may have their channels first as well."""
    shape = model.input_shape or ()
    first = (shape[-1], *shape[:-1]) if model.kind in (ONNX, PT2) and len(shape) == 3 else shape
    return _same(sample, shape) or _same(sample, first)


def _same(sample: tuple[int, ...], shape: tuple[int | None, ...]) -> bool:
    return len(sample) == len(shape) and all(
        size is None or size == found for found, size in zip(sample, shape, strict=True)
    )


def _can_be_reshaped(sample: tuple[int, ...], shape: tuple[int | None, ...]) -> bool:
    """Whether a table's row can be reshaped into the model's input."""
    return None in shape or math.prod(size or 1 for size in shape) == math.prod(sample)


def _reshaped(model: ModelFound | None, data: DataFound | None) -> tuple[int, ...] | None:
    """The shape for a table's rows, if more than axes of size 1 must be added."""
    shape = model.input_shape if model else None
    if (
        data is None
        or data.table is None
        or shape is None
        or None in shape
        or not _can_be_reshaped(data.sample_shape or (), shape)
    ):
        return None
    plain = tuple(size for size in shape if size is not None)
    return plain if sum(size > 1 for size in plain) > 1 else None


def _kind(model: ModelFound, data: DataFound) -> Kind | None:
    """What the model's one output is for, if both could be read."""
    facts, outputs = data.facts, model.outputs
    if facts is None or outputs is None:
        return None
    places = facts.sample[:-1] if facts.sample[-1:] in ((outputs,), (1,)) else facts.sample
    output = TensorFacts(name="", shape=(*places, outputs), dtype="float32")
    ends = _ENDS.get(model.activation or "", "linear")
    return kind_of(output, ends, model.loss, facts)


_ENDS: dict[str, Ends] = {"softmax": "softmax", "sigmoid": "sigmoid", "hard_sigmoid": "sigmoid"}
_LABELS = {
    "classes": "the targets are class numbers",
    "one-hot": "the targets are one-hot rows",
    "labels": "the targets are zeros and ones",
}


def _metric(model: ModelFound | None, data: DataFound | None, kind: Kind | None) -> tuple[str, str]:
    """The metric that suits the task, and why; judged by the targets alone if the model could not be read."""
    targets, loss = data.targets if data else None, model.loss if model else None
    ends = model.activation if model and model.activation in _ENDS else None
    if kind == "regression":
        return "mae", f"the model was compiled with {loss}" if is_distance(loss) else _numbers(targets)
    if kind is not None or targets in _LABELS:
        return "accuracy", _LABELS.get(targets or "", f"the model ends in a {ends}")
    if targets in ("floats", "numbers") and ends is None:
        return "mae", _numbers(targets)
    if ends is not None:
        return "accuracy", f"the model ends in a {ends}"
    if is_distance(loss):
        return "mae", f"the model was compiled with {loss}"
    return "accuracy", "the default: nothing here says otherwise"


def _numbers(targets: Targets | None) -> str:
    return "the targets are floats" if targets == "floats" else "the targets are whole numbers that number no classes"


def _images(model: ModelFound | None, data: DataFound | None) -> tuple[tuple[int, int] | None, str, bool]:
    """The size that images must be resized to, why, and whether to one channel; None if they stay unchanged."""
    if data is None or data.images is None:
        return None, "", False
    sizes, shape = data.images.sizes, model.input_shape if model else None
    gray = shape[2] == 1 if shape and len(shape) == 3 else data.images.gray
    seen = f"{data.images.looked_at} images were looked at: {', '.join(f'{h} x {w}' for h, w in sizes)}"
    if shape and len(shape) == 3 and shape[0] and shape[1]:
        wanted = (shape[0], shape[1])
        if sizes == (wanted,):
            return None, f"{seen}, as the model takes them", gray
        return wanted, f"the model takes {wanted[0]} x {wanted[1]}; {seen}", gray
    if len(sizes) == 1:
        return None, f"{seen}; the model's own size could not be read", gray
    if not sizes:
        return None, "", gray
    return (
        sizes[0],
        f"they differ, and the model's own size could not be read, so this is the most frequent: check it; {seen}",
        gray,
    )


def _tflite(listing: Listing, model: ModelFound | None) -> list[str]:
    """Files that are already quantized, if there is no model."""
    files = _ending(listing, SUFFIX)
    if not files or model is not None:
        return []
    return [
        f"{shown(files[0])} is a finished file: `edgekit check {shown(files[0])} --device rpi4` judges it, `edgekit diet {shown(files[0])}` makes it "
        "smaller; for more a build starts from the float model that it was made of"
    ]
