"""The memory of an inference before it is run: what must be held at once, by the lifetimes of the activations.

    peak = max over operators (sum of the tensors that are alive while it runs)
    arena of a microcontroller = peak + the interpreter's own + a share for each operator and channel
    growth of a process        = runtime's own + file + weights as the kernels unpack them + sparse weights written out + peak

A tensor lives from the operator that writes it to the last one that reads it. tflite-micro's greedy planner aims at the
peak over the order of execution (tensorflow/lite/micro/docs/memory_management.md). On a microcontroller the weights
stay in flash. XNNPACK packs a copy of the weights in addition to the file's own
(https://github.com/tensorflow/tensorflow/tree/master/tensorflow/lite/delegates/xnnpack, section Weights cache).
"""

from __future__ import annotations

from edgekit.cost import flash
from edgekit.cost.graph import FLOAT_BYTES, Graph
from edgekit.devices.profile import DeviceProfile
from edgekit.devices.profile_tables import Quantity
from edgekit.documents.candidate import Estimate
from edgekit.tflite.liveness import Lifetime, aligned, held_bytes

# Low, usual, high. Below 1, since a reshape or activation may share its input's memory; above, since a planner leaves
# gaps.
PEAK_FACTOR = (0.7, 1.0, 1.35)
OPERATOR_BYTES = (60, 185, 400)
# Multiplier and shift of each output channel of a quantized convolution.
CHANNEL_BYTES = (4, 8, 16)
# Tables of 513 16-bit steps that softmax, tanh and the like look up (tensorflow/lite/kernels/internal/common.h).
INT16_TABLE_BYTES = (0, 2 * 2 * 513, 6 * 2 * 513)
# Copies of the unpacked weights that a process holds beside the file.
UNPACKED_COPIES = (0.0, 1.0, 2.0)
ARENA_SOURCE = "edgekit.cost.ram: lifetimes of the activations and the arena's overhead"
PROCESS_SOURCE = "edgekit.cost.ram: the runtime's own, file, unpacked weights and lifetimes of the activations"


def predict(profile: DeviceProfile, graph: Graph) -> Estimate:
    """Bytes of the arena where TFLite Micro runs the model; elsewhere, the bytes that it adds to the process that runs it.

    Where operators may stay in float, the high end is that of a graph in float throughout.
    """
    found = _of_widths(profile, graph)
    if not graph.may_stay_float:
        return found
    most = predict(profile, graph.in_float)
    return Estimate(value=found.value, low=found.low, high=max(found.high, most.high), source=found.source)


def _of_widths(profile: DeviceProfile, graph: Graph) -> Estimate:
    """The memory of a graph whose operators all have the widths that it says."""
    peak = peak_bytes(graph)
    if profile.runtime.kind == "tflite_micro":
        low, usual, high = (_arena(profile, graph, peak, end) for end in range(3))
        return Estimate(
            value=round(usual), low=round(low), high=round(high + _scratch_bytes(graph)), source=ARENA_SOURCE
        )
    left = [flash.left_bytes(graph, end) for end in range(3)]
    file_bytes = flash.weight_bytes(graph) - left[1] + sum(node.expanded_bytes for node in graph.nodes)
    unpacked = sum(node.weights * node.resident_bytes for node in graph.nodes)
    low, usual, high = (
        _end(profile.cost.runtime_memory, end)
        + file_bytes
        + left[end]
        + UNPACKED_COPIES[end] * (unpacked + left[end])
        + PEAK_FACTOR[end] * peak
        for end in range(3)
    )
    return Estimate(value=round(usual), low=round(low), high=round(high), source=PROCESS_SOURCE)


def peak_bytes(graph: Graph) -> int:
    """The most activation memory that is alive at once, each tensor rounded up to 16 bytes; inputs live until their last reader.

    Weights that are decoded for an operator are alive while it runs.
    """
    held = [
        size + aligned(node.decoded * node.resident_bytes)
        for size, node in zip(node_bytes(graph), graph.nodes, strict=True)
    ]
    return max(held, default=sum(aligned(size * graph.input_bytes) for size in graph.inputs.values()))


def node_bytes(graph: Graph) -> list[int]:
    """The bytes of activations that are alive while each operator runs, in the operators' order."""
    sizes = {name: elements * graph.input_bytes for name, elements in graph.inputs.items()}
    sizes |= {node.name: node.elements * node.activation_bytes for node in graph.nodes}
    last = {name: len(graph.nodes) for name in graph.outputs}
    for position, node in enumerate(graph.nodes):
        for name in node.inputs:
            last[name] = max(last.get(name, 0), position)
    first = dict.fromkeys(graph.inputs, 0) | {node.name: position for position, node in enumerate(graph.nodes)}
    lives = (
        Lifetime(first=first[name], last=last.get(name, first[name]), size_bytes=size) for name, size in sizes.items()
    )
    return held_bytes(lives, steps=len(graph.nodes))


def _arena(profile: DeviceProfile, graph: Graph, peak: int, end: int) -> float:
    channels = sum(node.channels for node in graph.nodes if node.scales)
    operators = len(graph.nodes) + sum(bool(node.decoded) for node in graph.nodes)
    overhead = operators * OPERATOR_BYTES[end] + channels * CHANNEL_BYTES[end]
    if any(node.arithmetic == "int16x8" for node in graph.nodes):
        overhead += INT16_TABLE_BYTES[end]
    return _end(profile.cost.runtime_memory, end) + PEAK_FACTOR[end] * peak + overhead


def _scratch_bytes(graph: Graph) -> int:
    """A convolution's scratch columns: two windows widened to 16 bits (CMSIS-NN, arm_convolve_s8_get_buffer_size)."""
    return max((4 * node.window for node in graph.nodes if node.activation_bytes < FLOAT_BYTES), default=0)


def _end(quantity: Quantity, end: int) -> float:
    """The low, usual or high end of a quantity; one without ends is exact."""
    usual = quantity.value or 0.0
    found = (quantity.low, usual, quantity.high)[end]
    return usual if found is None else found
