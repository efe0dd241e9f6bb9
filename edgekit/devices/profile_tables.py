"""The tables of a device profile as validated values, every figure in its base unit, with where it is from.

They are the parts of `edgekit.devices.profile.DeviceProfile`. They know nothing of files, nor of what the figures mean together.
"""

from __future__ import annotations

from typing import Literal

from edgekit.values import Basis, Value

Support = Literal["native", "storage", "absent"]


class Quantity(Value):
    """A figure in its base unit: 'B', 'ms', 'Hz', 'MAC/s', 'B/s' or 'cores'.

    `source` is a key of the profile's sources; `low` and `high` bound a figure that is not exact; `value` is None if
    it is not known.
    """

    value: float | None
    unit: str
    basis: Basis
    source: str
    low: float | None = None
    high: float | None = None
    note: str = ""


class Memory(Value):
    """Sizes in bytes; `*_for_model` is what one model may use, None if the device sets no limit of its own."""

    ram: Quantity
    ram_for_model: Quantity
    flash: Quantity | None = None
    flash_for_model: Quantity | None = None
    ram_fast: Quantity | None = None
    ram_slow: Quantity | None = None


class Compute(Value):
    """The processor; `clock` in hertz."""

    cores: Quantity
    clock: Quantity
    core: str
    instruction_set: str
    dot_product: bool
    source: str


class Numerics(Value):
    """Number formats; `input_output` are the dtypes that inputs and outputs may have, the preferred one first."""

    float32: Support
    float16: Support
    int8: Support
    int16x8: Support
    int4_weights: Support
    input_output: tuple[str, ...]
    source: str
    note: str = ""


class Runtime(Value):
    """What runs the model; `operators` names an operator table, `availability` says where the runtime can be had.

    `kind` is 'none' if there is no runtime for the device. `package`, `python`, `wheel` and `architecture` are those in a
    package index: None if it has none, or if the runtime is not a Python package. `compiler` is the program that compiles a
    `.tflite` for the NPU.
    """

    kind: Literal["litert", "tflite_runtime", "tflite_micro", "none"]
    version: str
    threads: int
    availability: str
    source: str
    operators: str | None = None
    delegate: str | None = None
    package: str | None = None
    python: str | None = None
    wheel: str | None = None
    architecture: str | None = None
    compiler: str | None = None


class Npu(Value):
    """What compiles a file for the NPU: 'vela' with its configuration and the NPU's clock in hertz, or 'edgetpu'.

    `cpu_rate` is the rate of int8 operators that stay on the processor.
    """

    compiler: Literal["vela", "edgetpu"]
    source: str
    clock: Quantity | None = None
    accelerator: str | None = None
    system_config: str | None = None
    memory_mode: str | None = None
    cpu_rate: Quantity | None = None


class Budget(Value):
    """Default limits, in milliseconds and bytes: exceeding one gives a warning, unless the user makes it a limit."""

    latency: Quantity | None = None
    flash: Quantity | None = None
    ram: Quantity | None = None


class Rates(Value):
    """Multiply-accumulates a second reached by whole models, all threads together; None if the format is absent."""

    float32: Quantity | None = None
    int8: Quantity | None = None
    int16x8: Quantity | None = None
    dynamic_range: Quantity | None = None


class Cost(Value):
    """Coefficients of the cost models: rates in MAC/s, bandwidth in B/s, overheads in ms, memory in bytes."""

    rates: Rates
    bandwidth: Quantity
    overhead_per_inference: Quantity
    overhead_per_operator: Quantity
    runtime_memory: Quantity
