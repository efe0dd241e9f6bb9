"""The arena that a board's optimized kernels may need beyond the reference kernels with which the arena was measured.

    margin = largest scratch of one operator + a record for each operator that asks for some + the alignment of the arena

Operators run one after another, so they share the scratch. The sizes are those that the libraries ask for: CMSIS-NN's
`*_get_buffer_size` (its DSP and MVE variants: columns of 16-bit inputs, sums of kernels), and ESP-NN's
`*_get_scratch_size` for the ESP32-S3 (an aligned copy of the kernel and a padded one of the input). Padding is not read
here: sizes that depend on it are at their upper end. Operators without a rule here are assumed to need what the
reference kernel asked for; for a transposed convolution in CMSIS-NN this is not certain. The arena itself was measured
with 64-bit pointers. A 32-bit board halves them, and what that frees is not relied on.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Literal

from edgekit.devices.profile import DeviceProfile
from edgekit.tflite.liveness import ALIGNMENT, aligned
from edgekit.tflite.model import ABSENT, Operator, TfliteModel

Library = Literal["CMSIS-NN", "ESP-NN"]
# ScratchBufferRequest and ScratchBufferHandle of tensorflow/lite/micro/micro_allocator.h, and the index that the kernel
# keeps.
RECORD_BYTES = 32
Shape = tuple[int, ...]


def library_of(profile: DeviceProfile) -> Library:
    """The kernel library that a processor's firmware is built with: ESP-NN on Xtensa, CMSIS-NN on a Cortex-M."""
    return "ESP-NN" if profile.compute.instruction_set.lower().startswith("xtensa") else "CMSIS-NN"


def margin_bytes(model: TfliteModel, library: Library) -> int:
    """Bytes to give a board's arena beyond what tflite_micro took on this machine."""
    rules = _RULES[library]
    asked = [
        rules[operator.name](*shapes) for operator in model.operators if (shapes := _shapes(model, operator, rules))
    ]
    wanted = [size for size in asked if size > 0]
    return aligned(max(wanted, default=0)) + aligned(RECORD_BYTES * len(wanted)) + ALIGNMENT


def _shapes(model: TfliteModel, operator: Operator, rules: dict[str, Rule]) -> tuple[Shape, Shape, Shape] | None:
    """The shapes of an operator's input, kernel (empty: none) and output; None where it has no rule or is in float."""
    if operator.name not in rules or not operator.inputs or not operator.outputs or ABSENT in operator.inputs[:2]:
        return None
    given, *kernel = (model.tensors[index] for index in operator.inputs[:2])
    output = model.tensors[operator.outputs[0]]
    if given.dtype.startswith("float"):
        return None
    return given.shape, kernel[0].shape if kernel else (), output.shape


def _conv_columns(given: Shape, kernel: Shape, output: Shape) -> int:
    """arm_convolve_s8: two columns of the window, widened to 16 bits; on MVE four of 8 bits."""
    return 2 * 2 * prod(kernel[1:])


def _depthwise_window(given: Shape, kernel: Shape, output: Shape) -> int:
    """arm_depthwise_conv_s8_opt: one window of all channels, widened to 16 bits; on MVE blocks of 124 channels."""
    return max(2 * prod(kernel), 4 * 124 * prod(kernel[1:3]))


def _kernel_sums(given: Shape, kernel: Shape, output: Shape) -> int:
    """arm_fully_connected_s8 on MVE: the sum of each output's kernel."""
    return 4 * kernel[0]


def _channel_sums(given: Shape, kernel: Shape, output: Shape) -> int:
    """arm_avgpool_s8 on a core with DSP: one sum per channel."""
    return 4 * given[-1] if given else 0


def _softmax_row(given: Shape, kernel: Shape, output: Shape) -> int:
    """esp_nn_get_softmax_scratch_size: an exponential of each value of a row."""
    return 4 * given[-1] if given else 0


def _conv_copies(given: Shape, kernel: Shape, output: Shape) -> int:
    """esp_nn_get_conv_scratch_size: the kernel with its channels rounded up to 16, the padded input, sums, a transposition."""
    channels = -(-kernel[-1] // 16) * 16
    return channels * prod(kernel[:3]) + _padded(given, kernel) + 4 * kernel[0] + 16 * channels + 32


def _depthwise_copies(given: Shape, kernel: Shape, output: Shape) -> int:
    """esp_nn_get_depthwise_conv_scratch_size: kernel and padded input, both widened to 16 bits."""
    return 2 * (prod(kernel) + _padded(given, kernel)) + 64


def _padded(given: Shape, kernel: Shape) -> int:
    """Elements of an input that is padded by at most its kernel's window on each axis."""
    if len(given) != 4 or len(kernel) != 4:
        return prod(given)
    return (given[1] + kernel[1]) * (given[2] + kernel[2]) * given[3]


Rule = Callable[[Shape, Shape, Shape], int]
_RULES: dict[Library, dict[str, Rule]] = {
    "CMSIS-NN": {
        "CONV_2D": _conv_columns,
        "DEPTHWISE_CONV_2D": _depthwise_window,
        "FULLY_CONNECTED": _kernel_sums,
        "SVDF": _kernel_sums,
        "AVERAGE_POOL_2D": _channel_sums,
    },
    "ESP-NN": {"CONV_2D": _conv_copies, "DEPTHWISE_CONV_2D": _depthwise_copies, "SOFTMAX": _softmax_row},
}
