"""What is known about a file on a device without running it: sizes, counts, operators, dtypes; and what its firmware takes."""

from __future__ import annotations

from pathlib import Path

from edgekit.cost.file_latency import hidden
from edgekit.cost.kernels_flash import firmware_bytes
from edgekit.cost.ram import PEAK_FACTOR
from edgekit.cost.scratch import library_of, margin_bytes
from edgekit.devices.profile import DeviceProfile
from edgekit.documents.report import Check, InputFacts, Metric, Metrics
from edgekit.measure.edge_tpu import edge_tpu_check
from edgekit.tflite.appended import appended
from edgekit.tflite.artifact import Artifact
from edgekit.tflite.breakdown import breakdown
from edgekit.tflite.model import Tensor, TfliteModel
from edgekit.tflite.operators import Unsupported, load_table, unsupported
from edgekit.tflite.places import place
from edgekit.tflite.reader import read_tflite
from edgekit.tflite.weights import coded_bytes, model_sparsity, zero_weights
from edgekit.units import format_size
from edgekit.values import Value
from edgekit.verdict import checks as verdict

TITLES = {
    "litert": "LiteRT",
    "tflite_runtime": "tflite-runtime",
    "tflite_micro": "TensorFlow Lite Micro",
    "none": "a runtime that the device has not",
}
LIFETIMES = "edgekit.tflite.liveness: lifetimes of the activations, each rounded up to 16 bytes"
NAMED = 5
"""At most so many files of an appended archive are named."""
INTEGERS = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "bool")


class Static(Value):
    """A file and what its bytes tell about it on a device."""

    artifact: Artifact
    model: TfliteModel
    metrics: Metrics
    checks: tuple[Check, ...]
    inputs: tuple[InputFacts, ...]
    outputs: tuple[InputFacts, ...]
    notes: tuple[str, ...]


def static(tflite: Path, profile: DeviceProfile, *, exists: bool = False) -> Static:
    """Read a file; raises `ModelError` if it cannot be read or is not a `.tflite`.

    `exists` is for a file that edgekit did not make: the profile's dtypes of inputs and outputs are then a preference, and
    another dtype gives a warning if the device computes with it.
    """
    artifact = Artifact.from_path(tflite)
    model = read_tflite(tflite)
    inputs = tuple(_facts(model, tensor) for tensor in model.input_tensors)
    outputs = tuple(_facts(model, tensor) for tensor in model.output_tensors)
    allowed, also = profile.numerics.input_output, computed_dtypes(profile) if exists else ()
    return Static(
        artifact=artifact,
        model=model,
        metrics=byte_metrics(artifact, model) | micro_metrics(model, profile),
        checks=(
            _operators(model, profile),
            verdict.dtype_check("input", inputs, allowed, also=also),
            verdict.dtype_check("output", outputs, allowed, also=also),
            *((edge_tpu_check(model),) if _is_edge_tpu(profile) else ()),
        ),
        inputs=inputs,
        outputs=outputs,
        notes=_notes(model),
    )


def computed_dtypes(profile: DeviceProfile) -> tuple[str, ...]:
    """The dtypes that a device's runtime computes with: integers of any width, floats if it has them, text in LiteRT."""
    floats = {"float32": profile.numerics.float32, "float16": profile.numerics.float16}
    text = ("string",) if profile.runtime.kind in ("litert", "tflite_runtime") and profile.npu is None else ()
    return (*INTEGERS, *text, *(name for name, support in floats.items() if support == "native"))


def byte_metrics(artifact: Artifact, model: TfliteModel) -> Metrics:
    """The figures that follow from a file's bytes, on whatever device."""

    def read(value: float | int, unit: str, source: str) -> Metric:
        return Metric(value=value, unit=unit, basis="measured", source=source)

    return {
        "flash": read(artifact.flash_bytes, "B", "size of the file"),
        "download": read(artifact.download_bytes, "B", "size of the file deflated (zlib, level 9)"),
        "macs": macs_metric(model),
        "parameters": parameters_metric(model),
        "sparsity": _counted(model, model_sparsity(model), "fraction", "share of zeros among the kernels' weights"),
        "nonzero_parameters": _counted(
            model, model.parameters - zero_weights(model), "", "elements of the constant weights that are not zero"
        ),
        "coded": _counted(
            model, coded_bytes(model), "B", "size of the file with each kernel's weights at their entropy"
        ),
        "not_weights": read(
            max(0, artifact.flash_bytes - model.weight_bytes), "B", "bytes of the file that are no constant data"
        ),
        "peak_memory": peak_metric(breakdown(model).peak_bytes),
    }


def peak_metric(peak_bytes: int) -> Metric:
    """The peak of a file's activations; its interval allows for a runtime's memory planner."""
    low, _, high = (round(peak_bytes * factor) for factor in PEAK_FACTOR)
    return Metric(value=peak_bytes, unit="B", basis="predicted", source=LIFETIMES, low=low, high=high)


def macs_metric(model: TfliteModel) -> Metric:
    """The multiply-accumulates of a file; without a value if a compiler has hidden them in its own operator."""
    return _counted(model, model.macs, "MAC", "counted from the shapes in the file")


def parameters_metric(model: TfliteModel) -> Metric:
    """The number of weights of a file; without a value if a compiler has encoded them."""
    return _counted(model, model.parameters, "", "elements of the constant weights in the file")


def _counted(model: TfliteModel, value: float, unit: str, source: str) -> Metric:
    if model.compiled_by is not None:
        return Metric(value=None, unit=unit, basis=None, source="", reason=hidden(model))
    return Metric(value=value, unit=unit, basis="measured", source=source)


def _is_edge_tpu(profile: DeviceProfile) -> bool:
    return profile.npu is not None and profile.npu.compiler == "edgetpu"


def micro_metrics(model: TfliteModel, profile: DeviceProfile) -> Metrics:
    """What a microcontroller's firmware needs besides the file, and its arena beyond the one measured here; empty for other devices."""
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
    problems = [_problem(model, found) for found in unsupported(model, table)]
    count = len({(operator.name, operator.version) for operator in model.operators})
    return verdict.operators_check(profile.runtime.operators, problems, count=count)


def _problem(model: TfliteModel, found: Unsupported) -> str:
    return f"{place(model, found.number)} version {found.version}: {found.reason}"


def _facts(model: TfliteModel, tensor: Tensor) -> InputFacts:
    return InputFacts(
        name=model.name_of(tensor.index),
        shape=tensor.shape,
        dtype=tensor.dtype,
        scale=tensor.scale,
        zero_point=tensor.zero_point,
    )


def _notes(model: TfliteModel) -> tuple[str, ...]:
    notes = []
    if any(tensor.variable for tensor in model.tensors):
        notes.append(
            "the model keeps state between inferences: reset its variable tensors before each sample, as was done here "
            "(reset_all_variables in LiteRT, Reset in tflite-micro)"
        )
    if model.oddities:
        notes.append(
            f"the file contradicts itself, which some runtimes refuse and others do not: {'; '.join(model.oddities)}"
        )
    archive = appended(model.content)
    if archive is not None:
        more = ", ..." if len(archive.names) > NAMED else ""
        notes.append(
            f"{format_size(archive.size_bytes)} behind the model are a zip archive ({', '.join(archive.names[:NAMED])}{more}), which no runtime "
            "reads and the flash counts: a firmware does without"
        )
    return tuple(notes)
