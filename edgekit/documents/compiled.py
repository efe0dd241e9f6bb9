"""What an NPU's compiler made of a file: the figures of a report's part on it.

It knows no compiler and no device; whoever fills it in names the compiler and its options.
"""

from __future__ import annotations

from edgekit.values import Value

COMPILED_FILE = "model_vela.tflite"
"""The name of the compiled file in a result, beside `model.tflite`."""


class LayerCycles(Value):
    """The cycles of one operator of the plain file, by the compiler's estimate; `name` is its layer.

    `cycles` is what it takes of the whole. The rest says what it waits for: `npu_cycles` the arithmetic,
    `sram_cycles` the memory on the chip, `memory_cycles` the flash or DRAM outside.
    """

    name: str
    operator: str
    cycles: int
    npu_cycles: int = 0
    sram_cycles: int = 0
    memory_cycles: int = 0
    macs: int = 0


class LeftOperator(Value):
    """An operator that stays on the processor, and the compiler's reason for it."""

    operator: str
    layer: str
    reason: str = ""


class Compiled(Value):
    """The result of compiling a `.tflite` for an NPU.

    `path` is the compiled file's name in the result's folder, None if it was not kept (`check`). `operators` are those of the plain
    file, of which `on_npu` went to the NPU and `left` did not. `encoded_bytes` is the size of `weight_bytes` of weights
    in the NPU's own encoding. `sram_bytes` are held on the chip at once, `dram_bytes` in memory outside, including the weights
    if they are there. `cycles` are those of an inference without the operators that are left.
    """

    compiler: str
    accelerator: str
    system_config: str
    memory_mode: str
    clock_hz: float
    bytes: int
    sha256: str
    operators: int
    on_npu: int
    cycles: int
    npu_cycles: int
    sram_bytes: int
    dram_bytes: int
    flash_bytes: int
    weight_bytes: int
    encoded_bytes: int
    path: str | None = None
    left: tuple[LeftOperator, ...] = ()
    layers: tuple[LayerCycles, ...] = ()

    @property
    def milliseconds(self) -> float:
        """The time of an inference at the device's clock, without the operators that are left."""
        return 1e3 * self.cycles / self.clock_hz
