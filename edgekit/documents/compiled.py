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
    """What came of compiling a `.tflite` for an NPU.

    `path` is the compiled file's name in the result's folder, None where it was not kept (`check`). `operators` are those of the plain
    file, of which `on_npu` went to the NPU and `left` did not. `encoded_bytes` are what `weight_bytes` of weights take
    in the NPU's own code. `sram_bytes` are held on the chip at once, `dram_bytes` in memory outside, with the weights
    where they lie there. `cycles` are those of an inference without the operators that are left.
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

    @property
    def between_cycles(self) -> int:
        """The cycles that are no layer's: what passes between them."""
        return self.cycles - sum(layer.cycles for layer in self.layers)

    @property
    def npu_share(self) -> float:
        """The share of the cycles in which the NPU computes, from 0 to 1; the rest it waits."""
        return self.npu_cycles / self.cycles if self.cycles else 0.0

    def milliseconds_of(self, cycles: int) -> float | None:
        """The time of some of the cycles; None of a report that names no clock."""
        return 1e3 * cycles / self.clock_hz if self.clock_hz else None

    def share_of(self, cycles: int) -> float | None:
        """Some of the cycles as a share of the whole; None where there are none."""
        return cycles / self.cycles if self.cycles else None

    def left_ms(self, latency_ms: float) -> float:
        """What of a latency of the whole the operators take that are left to the processor; 0 where none are."""
        return max(0.0, latency_ms - self.milliseconds) if self.left else 0.0
