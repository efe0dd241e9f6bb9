"""What is known of a file on a device without running it: sizes, arithmetic, operators, dtypes, a predicted latency."""

from __future__ import annotations

from pathlib import Path

import msgspec

from edgekit.artifact import Artifact
from edgekit.cost.kernels_flash import firmware_bytes
from edgekit.cost.latency import Workload, predict_workload
from edgekit.cost.scratch import library_of, margin_bytes
from edgekit.errors import ProfileError
from edgekit.planner import verdict
from edgekit.profile import DeviceProfile
from edgekit.report import Check, InputFacts, Metric, Metrics
from edgekit.runtimes.edge_tpu import edge_tpu_check
from edgekit.tflite.model import Tensor, TfliteModel
from edgekit.tflite.numerics import arithmetic
from edgekit.tflite.operators import load_table, unsupported
from edgekit.tflite.reader import read_tflite
from edgekit.tflite.weights import model_sparsity
from edgekit.values import Value

TITLES = {
    "litert": "LiteRT",
    "tflite_runtime": "tflite-runtime",
    "tflite_micro": "TensorFlow Lite Micro",
    "none": "a runtime that the device has not",
}
COST_NAMES = {"float16": "float32", "hybrid": "dynamic_range", "other": "float32"}


class Static(Value):
    """A file and what its bytes say on a device."""

    artifact: Artifact
    model: TfliteModel
    metrics: Metrics
    checks: tuple[Check, ...]
    inputs: tuple[InputFacts, ...]
    outputs: tuple[InputFacts, ...]
    notes: tuple[str, ...]


def static(tflite: Path, profile: DeviceProfile) -> Static:
    """Read a file; raises `ModelError` where it cannot be read or is no `.tflite`."""
    artifact = Artifact.from_path(tflite)
    model = read_tflite(tflite)
    inputs = tuple(_facts(model, tensor) for tensor in model.input_tensors)
    outputs = tuple(_facts(model, tensor) for tensor in model.output_tensors)
    allowed = profile.numerics.input_output
    return Static(
        artifact=artifact,
        model=model,
        metrics=byte_metrics(artifact, model) | micro_metrics(model, profile),
        checks=(
            _operators(model, profile),
            verdict.dtype_check("input", inputs, allowed),
            verdict.dtype_check("output", outputs, allowed),
            *((edge_tpu_check(model),) if _is_edge_tpu(profile) else ()),
        ),
        inputs=inputs,
        outputs=outputs,
        notes=_notes(model),
    )


def predicted_latency(model: TfliteModel, profile: DeviceProfile) -> Metric:
    """The roofline's latency on another device; without a value where the file's work cannot be counted."""
    if model.compiled_by is not None:
        return _no_latency(_hidden(model))
    if model.runs is None:
        return _no_latency("it has a loop (WHILE), whose turns the file does not tell")
    kinds = _arithmetic(model)
    estimates, fast = [], []
    try:
        for dtype in kinds or ("float32",):
            work = Workload(
                macs=model.macs,
                weight_bytes=model.weight_bytes,
                activation_bytes=model.activation_bytes if model.subgraphs == 1 else model.written_bytes,
                operators=model.runs,
                dtype=dtype,
                decoded=sum(tensor.elements for tensor in model.tensors if tensor.lookup is not None),
            )
            estimates.append(predict_workload(profile, work))
            # The operators of a loop's body are small, and LiteRT takes some in less than the overhead of any other.
            fast.append(predict_workload(profile, msgspec.structs.replace(work, operators=len(model.operators))))
    except ProfileError as problem:
        return _no_latency(problem.what)
    return Metric(
        value=estimates[0].value,
        unit="ms",
        basis="predicted",
        source=estimates[0].source,
        low=min(estimate.low for estimate in (*estimates, *fast)),
        high=max(estimate.high for estimate in estimates),
        runtime=profile.runtime.kind,
        threads=profile.runtime.threads,
    )


def _arithmetic(model: TfliteModel) -> tuple[str, ...]:
    """The kinds of a file's multiply-accumulates as the cost model names them, the one with most of them first."""
    macs: dict[str, int] = {}
    for operator, kind in zip(model.operators, arithmetic(model), strict=True):
        if operator.macs:
            name = COST_NAMES.get(kind, kind)
            macs[name] = macs.get(name, 0) + operator.macs
    return tuple(sorted(macs, key=lambda name: -macs[name]))


def _no_latency(reason: str) -> Metric:
    return Metric(value=None, unit="ms", basis=None, source="", reason=reason)


def byte_metrics(artifact: Artifact, model: TfliteModel) -> Metrics:
    """The figures that a file's bytes tell, on whatever device."""

    def read(value: float | int, unit: str, source: str) -> Metric:
        return Metric(value=value, unit=unit, basis="measured", source=source)

    return {
        "flash": read(artifact.flash_bytes, "B", "size of the file"),
        "download": read(artifact.download_bytes, "B", "size of the file deflated (zlib, level 9)"),
        "macs": macs_metric(model),
        "parameters": parameters_metric(model),
        "sparsity": _counted(model, model_sparsity(model), "fraction", "share of zeros among the kernels' weights"),
    }


def macs_metric(model: TfliteModel) -> Metric:
    """The multiply-accumulates of a file; without a value where a compiler has put them out of sight."""
    return _counted(model, model.macs, "MAC", "counted from the shapes in the file")


def parameters_metric(model: TfliteModel) -> Metric:
    """The weights of a file in number; without a value where a compiler has coded them."""
    return _counted(model, model.parameters, "", "elements of the constant weights in the file")


def _counted(model: TfliteModel, value: float, unit: str, source: str) -> Metric:
    if model.compiled_by is not None:
        return Metric(value=None, unit=unit, basis=None, source="", reason=_hidden(model))
    return Metric(value=value, unit=unit, basis="measured", source=source)


def _hidden(model: TfliteModel) -> str:
    """Why the work of a compiled file cannot be counted."""
    return f"{model.compiled_by} compiled this file: its work is inside a custom operator"


def _is_edge_tpu(profile: DeviceProfile) -> bool:
    return profile.npu is not None and profile.npu.compiler == "edgetpu"


def micro_metrics(model: TfliteModel, profile: DeviceProfile) -> Metrics:
    """What a microcontroller's firmware takes beside the file, and its arena beyond what is taken here; empty elsewhere."""
    if profile.kind != "microcontroller" or profile.runtime.kind != "tflite_micro":
        return {}
    library = library_of(profile)
    margin = Metric(
        value=margin_bytes(model, library), unit="B", basis="predicted", low=0, high=margin_bytes(model, library),
        source=f"edgekit.cost.scratch: what {library}'s kernels ask for at most; the reference kernels, which were run, ask for none",
    )  # fmt: skip
    firmware = firmware_bytes(model)
    if firmware is None:
        reason = "the code of an operator is in no table"
        return {"ram_margin": margin, "firmware": Metric(value=None, unit="B", basis=None, source="", reason=reason)}
    return {
        "ram_margin": margin,
        "firmware": Metric(
            value=firmware.value, unit="B", basis="predicted", source=firmware.source, low=firmware.low, high=firmware.high
        ),
    }  # fmt: skip


def _operators(model: TfliteModel, profile: DeviceProfile) -> Check:
    if profile.runtime.operators is None:
        return Check(name="operators", outcome="unknown", reason="there is no runtime whose operators could be asked")
    table = load_table(profile.runtime.operators)
    problems = [_problem(found) for found in unsupported(model, table)]
    count = len({(operator.name, operator.version) for operator in model.operators})
    return verdict.operators_check(profile.runtime.operators, problems, count=count)


def _problem(found: object) -> str:
    operator, version, reason = (getattr(found, name) for name in ("operator", "version", "reason"))
    return f"{operator} version {version}: {reason}"


def _facts(model: TfliteModel, tensor: Tensor) -> InputFacts:
    return InputFacts(
        name=model.name_of(tensor.index),
        shape=tensor.shape,
        dtype=tensor.dtype,
        scale=tensor.scale,
        zero_point=tensor.zero_point,
    )


def _notes(model: TfliteModel) -> tuple[str, ...]:
    if not any(tensor.variable for tensor in model.tensors):
        return ()
    return (
        "the model keeps state between inferences: reset its variable tensors before each sample, as was done here "
        "(reset_all_variables in LiteRT, Reset in tflite-micro)",
    )
