"""The keys of a device profile as they are written in its TOML file: text with units, nothing resolved.

The JSON Schema in `docs/` is made from these types, so every key has its description here. Units are read in
`edgekit.devices.profile_resolve`, and profiles found in `edgekit.devices.profile`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, field

from edgekit.units import BANDWIDTH_UNITS, CLOCK_UNITS, DURATION_UNITS_MS, RATE_UNITS, SIZE_UNITS
from edgekit.values import Basis, Value

LIVE = "live"
CORE_UNITS = {"cores": 1.0, "core": 1.0}
BASIS_HELP = (
    "how it was come by: measured on the device, simulated, predicted by a model, published by others, or declared by "
    "whoever wrote the profile"
)
LIVE_HELP = "or 'live': read from this machine"
Text = Annotated[str, Meta(min_length=1)]


def _pattern(units: dict[str, float] | dict[str, int]) -> str:
    """A regular expression for editors; the message about a wrong unit comes from `edgekit.units`."""
    return rf"^\s*(live|\d+(\.\d+)?([eE][+-]?\d+)?\s*({'|'.join(units)}))\s*$"


def _unit_text(units: dict[str, float] | dict[str, int], example: str) -> Meta:
    named = {"pattern": _pattern(units), "examples": [example]}
    return Meta(description=f"a number and its unit, as in '{example}', {LIVE_HELP}", extra_json_schema=named)


SizeText = Annotated[str, _unit_text(SIZE_UNITS, "512KiB")]
ClockText = Annotated[str, _unit_text(CLOCK_UNITS, "1.5GHz")]
RateText = Annotated[str, _unit_text(RATE_UNITS, "8GMAC/s")]
BandwidthText = Annotated[str, _unit_text(BANDWIDTH_UNITS, "4GB/s")]
DurationText = Annotated[str, _unit_text(DURATION_UNITS_MS, "20ms")]
CoresText = Annotated[str, _unit_text(CORE_UNITS, "4 cores")]

_LOW = "the least it may be, where it is not exact"
_HIGH = "the most it may be, where it is not exact"


class QuantityText(Value):
    """A figure: its value with a unit, how it was come by, and where it is from."""

    value: str
    basis: Annotated[Basis, Meta(description=BASIS_HELP)]
    source: Annotated[Text, Meta(description="a key of [sources]")]
    low: str | None = None
    high: str | None = None
    note: Annotated[str, Meta(description="how it was derived, where the source does not say it outright")] = ""


class Size(QuantityText):
    """A size in bytes."""

    value: SizeText
    low: Annotated[SizeText | None, Meta(description=_LOW)] = None
    high: Annotated[SizeText | None, Meta(description=_HIGH)] = None


class Clock(QuantityText):
    """A clock in hertz."""

    value: ClockText
    low: Annotated[ClockText | None, Meta(description=_LOW)] = None
    high: Annotated[ClockText | None, Meta(description=_HIGH)] = None


class Rate(QuantityText):
    """A rate of multiply-accumulates."""

    value: RateText
    low: Annotated[RateText | None, Meta(description=_LOW)] = None
    high: Annotated[RateText | None, Meta(description=_HIGH)] = None


class Bandwidth(QuantityText):
    """A memory bandwidth."""

    value: BandwidthText
    low: Annotated[BandwidthText | None, Meta(description=_LOW)] = None
    high: Annotated[BandwidthText | None, Meta(description=_HIGH)] = None


class Duration(QuantityText):
    """A time."""

    value: DurationText
    low: Annotated[DurationText | None, Meta(description=_LOW)] = None
    high: Annotated[DurationText | None, Meta(description=_HIGH)] = None


class Cores(QuantityText):
    """A number of cores."""

    value: CoresText
    low: Annotated[CoresText | None, Meta(description=_LOW)] = None
    high: Annotated[CoresText | None, Meta(description=_HIGH)] = None


class MemoryTable(Value):
    """`[memory]`: what the device has, and what one model may use of it."""

    ram: Annotated[Size, Meta(description="all memory that a program can write to, fast and slow")]
    ram_for_model: Annotated[Size, Meta(description="what one model may use: the arena, or the process that runs it")]
    flash: Annotated[Size | None, Meta(description="built-in storage that keeps its content without power")] = None
    flash_for_model: Annotated[Size | None, Meta(description="what the .tflite may take of it")] = None
    ram_fast: Annotated[Size | None, Meta(description="the part of the RAM that is on the chip")] = None
    ram_slow: Annotated[Size | None, Meta(description="RAM behind an external bus, where there is any besides")] = None


class ComputeTable(Value):
    """`[compute]`: the processor that runs the model."""

    cores: Annotated[Cores, Meta(description="cores of the processor")]
    clock: Annotated[Clock, Meta(description="clock of the fastest core")]
    core: Annotated[Text, Meta(description=f"core type, as in 'Cortex-A72', {LIVE_HELP}")]
    instruction_set: Annotated[Text, Meta(description=f"as in 'armv8-a (neon)', {LIVE_HELP}")]
    dot_product: Annotated[bool | Literal["live"], Meta(description="has int8 dot-product instructions")]
    source: Annotated[Text, Meta(description="a key of [sources]: where core type and instruction set are from")]


Support = Annotated[
    Literal["native", "storage", "absent"],
    Meta(description="native: computed with; storage: weights may be stored so, and are widened; absent: not run"),
]


class NumericsTable(Value):
    """`[numerics]`: the number formats that the runtime computes with on this device."""

    float32: Support
    float16: Support
    int8: Support
    int16x8: Annotated[Support, Meta(description="16-bit activations with 8-bit weights")]
    int4_weights: Support
    input_output: Annotated[
        tuple[Literal["float32", "int8", "uint8", "int16"], ...],
        Meta(min_length=1, description="dtypes that a model's input and output may have here, the preferred one first"),
    ]
    source: Annotated[Text, Meta(description="a key of [sources]")]
    note: Annotated[str, Meta(description="what a word of support does not say, as 'float32 is emulated'")] = ""


class RuntimeTable(Value):
    """`[runtime]`: what runs the model."""

    kind: Annotated[
        Literal["litert", "tflite_runtime", "tflite_micro", "none"],
        Meta(description="'none' where there is no runtime to be had; availability says why"),
    ]
    version: Annotated[Text, Meta(description=f"version that the operator table was taken of, {LIVE_HELP}")]
    threads: Annotated[Annotated[int, Meta(ge=1)] | Literal["live"], Meta(description="threads of an inference")]
    availability: Annotated[Text, Meta(description="on which Python and processor it can be had, and where from")]
    source: Annotated[Text, Meta(description="a key of [sources]")]
    operators: Annotated[
        Text | None, Meta(description="name of a table of operators and their highest versions; none for kind 'none'")
    ] = None
    delegate: Annotated[str | None, Meta(description="what takes operators over from the runtime: 'xnnpack'")] = None
    package: Annotated[Text | None, Meta(description="what a package index has for it: name and version")] = None
    python: Annotated[Text | None, Meta(description="the CPythons that there are wheels for, as '3.10 to 3.14'")] = None
    wheel: Annotated[Text | None, Meta(description="platform tag of the wheels, as 'manylinux_2_27_aarch64'")] = None
    architecture: Annotated[Text | None, Meta(description="what the system or program on it is built for")] = None
    compiler: Annotated[
        Text | None,
        Meta(description="what has to compile a file before the NPU runs it, and where it is to be had"),
    ] = None


class NpuTable(Value):
    """`[npu]`: what compiles a file for the NPU, and how it is asked."""

    compiler: Annotated[
        Literal["vela", "edgetpu"],
        Meta(description="vela: Arm's compiler, which edgekit runs; edgetpu: Coral's, whose published rules it checks"),
    ]
    source: Annotated[Text, Meta(description="a key of [sources]: where the configuration is from")]
    clock: Annotated[Clock | None, Meta(description="clock of the NPU, which turns cycles into time")] = None
    accelerator: Annotated[Text | None, Meta(description="vela's --accelerator-config, as 'ethos-u55-128'")] = None
    system_config: Annotated[Text | None, Meta(description="vela's --system-config, of its own Arm/vela.ini")] = None
    memory_mode: Annotated[Text | None, Meta(description="vela's --memory-mode, of its own Arm/vela.ini")] = None
    cpu_rate: Annotated[
        Rate | None, Meta(description="int8 multiply-accumulates a second of an operator that is left to the processor")
    ] = None


class BudgetTable(Value):
    """`[budget]`: defaults, which warn; a project's own limits take their place, and decide."""

    latency: Annotated[Duration | None, Meta(description="median time of one inference at batch 1")] = None
    flash: Annotated[Size | None, Meta(description="size of the .tflite, if below memory.flash_for_model")] = None
    ram: Annotated[Size | None, Meta(description="memory, where tighter than memory.ram_for_model")] = None


class RatesTable(Value):
    """`[cost.rates]`: multiply-accumulates a second that whole models reach, all threads together, by number format."""

    float32: Rate | None = None
    int8: Rate | None = None
    int16x8: Rate | None = None
    dynamic_range: Annotated[Rate | None, Meta(description="8-bit weights, float activations")] = None


class CostTable(Value):
    """`[cost]`: coefficients of the roofline that predicts latency, and the memory that the runtime itself takes."""

    rates: RatesTable
    bandwidth: Annotated[Bandwidth, Meta(description="memory bandwidth that weights and activations are read with")]
    overhead_per_inference: Annotated[Duration, Meta(description="time of an inference beside its operators")]
    overhead_per_operator: Annotated[Duration, Meta(description="time of one operator beside its arithmetic")]
    runtime_memory: Annotated[Size, Meta(description="memory that any model adds, besides its weights and tensors")]


class ProfileFile(Value):
    """The whole of a device profile."""

    schema_version: Annotated[Literal[1], Meta(description="version of this format")]
    id: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9._-]*$", description="what --device takes; the file's stem")]
    name: Annotated[Text, Meta(description="the device as its maker calls it")]
    kind: Annotated[Literal["linux", "android", "microcontroller", "npu"], Meta(description="class of device")] = field(
        name="class"
    )
    summary: Annotated[Text, Meta(description="one sentence for a listing")]
    sources: Annotated[
        dict[str, Text], Meta(description="where figures are from: title, section and address, by a short key")
    ]
    memory: MemoryTable
    compute: ComputeTable
    numerics: NumericsTable
    runtime: RuntimeTable
    cost: CostTable
    aliases: Annotated[tuple[Text, ...], Meta(description="other ids that --device takes")] = ()
    budget: BudgetTable = BudgetTable()
    npu: Annotated[NpuTable | None, Meta(description="for class 'npu': its compiler and configuration")] = None
