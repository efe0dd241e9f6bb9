"""`edgekit inspect`: where a model's bytes, memory and multiply-accumulates are, layer by layer or operator by operator.

A `.tflite` is read directly. A Keras model is opened as for a plan: its facts are cached, and TensorFlow is only loaded
the first time. Nothing is run or changed.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgekit.devices.profile import DeviceProfile, load_profile
from edgekit.documents.candidate import Estimate
from edgekit.documents.inspection import By, InspectedLayer, InspectedOperator, Inspection, Order, PortFacts
from edgekit.documents.report import Metric, Metrics
from edgekit.errors import InputError, ModelError
from edgekit.onnx_file.outline import is_onnx
from edgekit.progress import Progress, no_progress
from edgekit.project.userfunction import is_function
from edgekit.tflite.given import is_tflite
from edgekit.torch_file.archive import is_pt2
from edgekit.torch_file.saved import is_saved
from edgekit.watching.auto import Auto, shows_progress

if TYPE_CHECKING:
    from edgekit.cost.layers import ModelCost
    from edgekit.documents.facts import ModelFacts, TensorFacts
    from edgekit.tflite.breakdown import Breakdown
    from edgekit.tflite.model import Tensor, TfliteModel

ORDERS: dict[str, str] = {
    "flash": "flash_bytes",
    "memory": "memory_bytes",
    "macs": "macs",
    "parameters": "parameters",
    "latency": "latency",
}
HDF5_BEGINS = b"\x89HDF\r\n\x1a\n"


@shows_progress
def inspect(
    model: Any = None,
    *,
    device: str | Path | None = None,
    by: By = "flash",
    in_order: bool = False,
    project: str | Path | None = None,
    imports: Sequence[str] = (),
    trust: bool = False,
    cache: bool = True,
    progress: Progress | Auto = no_progress,
) -> Inspection:
    """The layers of a Keras model, or the operators of a `.tflite`, with the cost of each.

    `model` is a path (`.tflite`, `.keras`, `.h5`, `.onnx`, `.pt2`, a SavedModel's folder), 'module:function' or a Keras model of either
    Keras; if None, the project's. The rows are sorted by the cost that `by` names, the largest first, or, with
    `in_order`, in the model's order. With a `device`, each row has its predicted milliseconds. The other arguments are
    those of `edgekit.plan`.

    A file that a build wrote holds no names of layers; they are taken from the report beside it, if that is of this file.
    A Keras model's figures are predicted for its float32 `.tflite`. Raises `ModelError` for a model that cannot be
    read, `TrustError`, `ProfileError`, and `InputError` if rows are to be sorted by latency without a device.
    """
    assert not isinstance(progress, str)  # `shows_progress` has replaced it by a callable
    if by not in ORDERS:
        raise InputError("not what rows are sorted by", where="--by", received=by, allowed=", ".join(ORDERS))
    if by == "latency" and device is None:
        raise InputError(
            "the latency depends on the device", where="--by", received=by, next_step="name one with --device"
        )
    profile = None if device is None else load_profile(device)
    order: Order = "model" if in_order else by
    if isinstance(model, str | Path) and not is_function(str(model)):
        if is_tflite(Path(model)):
            return _inspect_tflite(Path(model), profile, order)
        _refuse_what_is_no_model(Path(model))
    return _inspect_keras(model, profile, order, project, tuple(imports), trust, cache, progress)


def _refuse_what_is_no_model(path: Path) -> None:
    """Refuse a path that is not a Keras model before it is hashed, which may take long, and before TensorFlow is started."""
    if not os.path.exists(path) or (path.is_dir() and (path / "saved_model.pb").exists()):
        return  # a missing file is an error where it is opened, with the nearest name
    if is_onnx(path) or is_pt2(path) or is_saved(path):
        return  # their own readers say what is wrong
    try:
        if path.is_file():
            with path.open("rb") as file:
                begins = file.read(8)
            if begins.startswith(b"PK") or begins == HDF5_BEGINS:
                return
    except OSError as problem:
        raise ModelError("the model cannot be read", where=str(path), received=problem.strerror) from None
    raise ModelError(
        "not a model",
        where=str(path),
        received="a folder without saved_model.pb" if path.is_dir() else "neither a zip archive nor HDF5",
        allowed="a .tflite, .keras, .h5, .onnx or .pt2 file, a SavedModel folder, module:function",
    )


def _inspect_tflite(path: Path, profile: DeviceProfile | None, order: Order) -> Inspection:
    from edgekit.measure.static import macs_metric, parameters_metric, peak_metric
    from edgekit.tflite.artifact import Artifact
    from edgekit.tflite.breakdown import breakdown
    from edgekit.tflite.reader import read_tflite

    model = read_tflite(path)
    artifact, parts = Artifact.from_path(path), breakdown(model)
    latency, times = _latency(model, profile, parts)
    rows = [
        InspectedOperator(
            **{name: getattr(row, name) for name in row.__struct_fields__},
            flash_share=_share(row.flash_bytes, parts.flash_bytes),
            memory_share=_share(row.memory_bytes, parts.peak_bytes),
            latency=times[row.index] if times else None,
        )
        for row in parts.operators
    ]
    return Inspection(
        edgekit_version=_version(),
        path=str(path),
        sha256=artifact.sha256,
        format=".tflite",
        device=profile.id if profile else None,
        order=order,
        inputs=tuple(_port(model, tensor) for tensor in model.input_tensors),
        outputs=tuple(_port(model, tensor) for tensor in model.output_tensors),
        metrics={
            "flash": _measured(artifact.flash_bytes, "B", "size of the file"),
            "download": _measured(artifact.download_bytes, "B", "size of the file deflated (zlib, level 9)"),
            "peak_memory": peak_metric(parts.peak_bytes),
            "macs": macs_metric(model),
            "parameters": parameters_metric(model),
            **latency,
        },
        other_bytes=parts.other_bytes,
        peak_index=parts.peak_operator,
        operators=tuple(_sorted(rows, order)),
    )


def _latency(
    model: TfliteModel, profile: DeviceProfile | None, parts: Breakdown
) -> tuple[Metrics, tuple[Estimate, ...]]:
    """The latency of a file on a device and of its operators; empty without a device."""
    if profile is None:
        return {}, ()
    from edgekit.cost.file_latency import predicted_latency
    from edgekit.cost.operator_latency import operator_latencies

    return {"latency": predicted_latency(model, profile)}, operator_latencies(model, profile, parts=parts)


def _inspect_keras(
    model: Any,
    profile: DeviceProfile | None,
    order: Order,
    project: str | Path | None,
    imports: tuple[str, ...],
    trust: bool,
    cache: bool,
    progress: Progress,
) -> Inspection:
    from edgekit.cost.layers import model_cost

    source, facts = _open(model, project, imports, trust, cache, progress)
    cost = model_cost(facts, profile)
    rows = _layers(facts, cost)
    peak = max(rows, key=lambda row: row.memory_bytes or 0, default=None)
    return Inspection(
        edgekit_version=_version(),
        path=source,
        sha256=facts.sha256,
        format=f"{facts.format}, stripped of TFMOT's {' and '.join(facts.stripped)}"
        if facts.stripped
        else facts.format,
        device=profile.id if profile else None,
        order=order,
        inputs=tuple(_free_port(tensor) for tensor in facts.inputs),
        outputs=tuple(_free_port(tensor) for tensor in facts.outputs),
        metrics=_keras_metrics(facts, cost, profile),
        other_bytes=round(cost.flash.value) - sum(row.flash_bytes for row in rows),
        peak_index=peak.index if peak else None,
        layers=tuple(_sorted(rows, order)),
        output_kinds=facts.output_kinds,
        losses=facts.losses,
        rebuilt_error=facts.rebuilt_error,
        notes=facts.notes,
    )


def _open(
    model: Any, project: str | Path | None, imports: tuple[str, ...], trust: bool, cache: bool, progress: Progress
) -> tuple[str, ModelFacts]:
    """The model's name, and its facts: from the cache, or taken in a worker."""
    import msgspec

    from edgekit.ingest.opening import free_sizes, open_project_model, require_fit
    from edgekit.jobs.cache import Cache
    from edgekit.jobs.pool import Pool
    from edgekit.project.request import settle

    settings = settle(model, None, project, imports=imports)
    with Cache(fresh=not cache) as store, store.scratch() as temporary, Pool(1, temporary=temporary) as pool:
        alone = msgspec.structs.replace(settings, replacement=None)
        sizes = free_sizes(model, None, None, alone, store, trust=trust, progress=progress)
        opened = open_project_model(model, settings, store, pool, trust=trust, progress=progress, sizes=sizes)
        require_fit(sizes, None, settings, opened, store, trust=trust, progress=progress)
    if isinstance(model, str | Path):
        return str(model), opened.facts
    return settings.model.source if model is None and settings.model else type(model).__name__, opened.facts


def _layers(facts: ModelFacts, cost: ModelCost) -> list[InspectedLayer]:
    rows = []
    for index, layer in enumerate(facts.layers):
        taken = cost.layers[layer.name]
        memory = taken.memory_bytes
        rows.append(
            InspectedLayer(
                **{name: getattr(layer, name) for name in layer.__struct_fields__},
                index=index,
                flash_bytes=taken.flash_bytes,
                flash_share=_share(taken.flash_bytes, cost.flash.value),
                memory_bytes=memory,
                memory_share=None if memory is None else _share(memory, cost.peak_bytes),
                merged_into=taken.merged_into,
                latency=taken.latency,
            )
        )
    return rows


def _keras_metrics(facts: ModelFacts, cost: ModelCost, profile: DeviceProfile | None) -> Metrics:
    from edgekit.measure.static import peak_metric

    metrics = {
        "flash": _predicted(cost.flash, "B"),
        "peak_memory": peak_metric(cost.peak_bytes),
        "macs": _measured(facts.macs, "MAC", "counted from the layers' shapes"),
        "parameters": _measured(facts.parameters, "", "elements of the layers' weights"),
    }
    if cost.latency is not None and profile is not None:
        metrics["latency"] = _predicted(cost.latency, "ms", profile)
    return metrics


def _sorted(rows: list[Any], order: Order) -> list[Any]:
    """The rows with the largest cost first; equal rows in the model's order."""
    if order == "model":
        return rows
    return sorted(rows, key=lambda row: -_weight(getattr(row, ORDERS[order])))


def _weight(value: Estimate | int | None) -> float:
    return value.value if isinstance(value, Estimate) else value or 0


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _measured(value: int, unit: str, source: str) -> Metric:
    return Metric(value=value, unit=unit, basis="measured", source=source)


def _predicted(estimate: Estimate, unit: str, profile: DeviceProfile | None = None) -> Metric:
    return Metric(
        value=estimate.value,
        unit=unit,
        basis="predicted",
        source=estimate.source,
        low=estimate.low,
        high=estimate.high,
        runtime=profile.runtime.kind if profile else None,
        threads=profile.runtime.threads if profile else None,
    )


def _port(model: TfliteModel, tensor: Tensor) -> PortFacts:
    return PortFacts(
        name=model.name_of(tensor.index),
        shape=tensor.shape,
        dtype=tensor.dtype,
        scale=tensor.scale,
        zero_point=tensor.zero_point,
    )


def _free_port(tensor: TensorFacts) -> PortFacts:
    return PortFacts(name=tensor.name, shape=(None, *tensor.shape), dtype=tensor.dtype)


def _version() -> str:
    from edgekit.version import __version__

    return __version__
