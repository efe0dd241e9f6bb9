"""The figures of a compiled file: its size, the compiler's plan of the memory, its cycles as time.

They come from the compiler's own model of the NPU, so they are simulated. The compiler says nothing about operators that
it leaves to the processor: those are predicted by the roofline, and the total then counts as predicted.
"""

from __future__ import annotations

import zlib

from edgekit.cost.latency import Workload, predict_workload
from edgekit.devices.profile import DeviceProfile
from edgekit.devices.profile_tables import Npu
from edgekit.documents.compiled import COMPILED_FILE, Compiled
from edgekit.documents.report import Metric, Metrics
from edgekit.errors import ProfileError
from edgekit.tflite.model import ABSENT, VELA, Operator, Tensor, TfliteModel

CUSTOM = VELA
"""The custom operator that holds the NPU's part of the file."""
INTEGERS = ("int8", "uint8", "int16", "int32", "int64", "bool")
ESTIMATE = "Arm's own estimate, which is of no published accuracy: it says itself that an FVP or FPGA tells more"


def figures(made: Compiled, compiled: TfliteModel, plain: TfliteModel, profile: DeviceProfile) -> Metrics:
    """All figures of the compiled file that replace those of the plain one."""
    npu = profile.npu
    assert npu is not None
    left = [operator for operator in compiled.operators if not is_on_npu(operator)]
    deflated = len(zlib.compress(compiled.content, 9))
    found = {
        "flash": _flash(made),
        "flash_plain": _of_bytes(plain.size_bytes, "size of model.tflite, which Vela made it of and no NPU runs"),
        "download": _of_bytes(deflated, f"size of {COMPILED_FILE} deflated (zlib, level 9)"),
        "ram": _ram(made, compiled, left, profile),
        "latency": _latency(made, compiled, left, profile, npu),
    }
    if made.dram_bytes:
        found["sram"] = _of_bytes(made.sram_bytes, f"{by(made)}: held on the chip at once", simulated=True)
    return found


def by(made: Compiled) -> str:
    """The compiler and its options."""
    return f"{made.compiler}, {made.accelerator}, {made.system_config}, {made.memory_mode}"


def is_on_npu(operator: Operator) -> bool:
    """Whether the NPU runs an operator."""
    return operator.custom and operator.name == CUSTOM


def _of_bytes(value: int, source: str, *, simulated: bool = False) -> Metric:
    return Metric(value=value, unit="B", basis="simulated" if simulated else "measured", source=source)


def _flash(made: Compiled) -> Metric:
    return _of_bytes(made.bytes, f"size of {COMPILED_FILE}, which {made.compiler} made and the device gets")


def _ram(made: Compiled, compiled: TfliteModel, left: list[Operator], profile: DeviceProfile) -> Metric:
    """Vela's plan of the memory, plus the runtime's own memory.

    With operators left to the processor it is a prediction, since Vela does not count their tensors: usually those of the
    operator with the most, at most those of all operators together.
    """
    own = profile.cost.runtime_memory
    moved = [sum(tensor.size_bytes for tensor in _moved(compiled, operator)) for operator in left]
    planned = made.sram_bytes + made.dram_bytes
    value = planned + max(moved, default=0)
    high = planned + (own.high or own.value or 0) + sum(moved)
    outside = " and in DRAM, with the weights" if made.dram_bytes else ""
    return Metric(
        value=value,
        unit="B",
        basis="predicted" if left else "simulated",
        source=f"{by(made)}: memory on the chip{outside}"
        + ("; and tensors of operators on the processor, which Vela does not count" if left else "")
        + "; high: and the runtime's own"
        + (" and all of those tensors at once" if left else ""),
        low=planned,
        high=round(high),
        runtime=profile.runtime.kind,
    )


def _latency(made: Compiled, compiled: TfliteModel, left: list[Operator], profile: DeviceProfile, npu: Npu) -> Metric:
    """Vela's cycles at the NPU's clock; with operators left to the processor, the sum is a prediction with their interval."""
    source = f"{by(made)}: {made.cycles} cycles at {made.clock_hz / 1e6:g} MHz, {ESTIMATE}"
    if not left:
        own = profile.cost.overhead_per_inference
        return Metric(
            value=made.milliseconds,
            unit="ms",
            basis="simulated",
            source=f"{source}; high: and what the driver takes, predicted",
            low=made.milliseconds,
            high=made.milliseconds + (own.high or own.value or 0),
            runtime=profile.runtime.kind,
            threads=1,
        )
    try:
        low, usual, high = _processor_ms(compiled, left, profile, npu)
    except ProfileError as problem:
        return Metric(value=None, unit="ms", basis=None, source="", reason=problem.what)
    return Metric(
        value=made.milliseconds + usual,
        unit="ms",
        basis="predicted",
        source=f"{source}; and {len(left)} operators on the processor, which Vela does not count, by edgekit.cost.latency",
        low=made.milliseconds + low,
        high=made.milliseconds + high,
        runtime=profile.runtime.kind,
        threads=profile.runtime.threads,
    )


def _processor_ms(
    model: TfliteModel, left: list[Operator], profile: DeviceProfile, npu: Npu
) -> tuple[float, float, float]:
    """Low, usual and high time of the operators left to the processor; each element touched counts as one multiply-accumulate."""
    if any(operator.runs is None for operator in left):
        raise ProfileError("a loop stays on the processor (WHILE), whose turns the file does not tell")
    total = [0.0, 0.0, 0.0]
    for dtype, rate in (("int8", npu.cpu_rate), ("float32", None)):
        work = _workload(model, [one for one in left if _is_integer(model, one) == (dtype == "int8")], dtype)
        if work.operators:
            found = predict_workload(profile, work, rate=rate)
            total = [done + more for done, more in zip(total, (found.low, found.value, found.high), strict=True)]
    return total[0], total[1], total[2]


def _workload(model: TfliteModel, operators: list[Operator], dtype: str) -> Workload:
    moved = [_moved(model, operator) for operator in operators]
    return Workload(
        macs=sum(
            max(operator.macs, (operator.runs or 0) * sum(one.elements for one in tensors))
            for operator, tensors in zip(operators, moved, strict=True)
        ),
        weight_bytes=sum(one.size_bytes for operator in operators for one in _tensors(model, operator) if one.constant),
        activation_bytes=sum(
            (operator.runs or 0) * one.size_bytes
            for operator, tensors in zip(operators, moved, strict=True)
            for one in tensors
        ),
        operators=sum(operator.runs or 0 for operator in operators),
        dtype=dtype,
    )


def _tensors(model: TfliteModel, operator: Operator) -> list[Tensor]:
    return [model.tensors[index] for index in (*operator.inputs, *operator.outputs) if index != ABSENT]


def _moved(model: TfliteModel, operator: Operator) -> list[Tensor]:
    return [tensor for tensor in _tensors(model, operator) if not tensor.constant]


def _is_integer(model: TfliteModel, operator: Operator) -> bool:
    return all(tensor.dtype in INTEGERS for tensor in _moved(model, operator))
