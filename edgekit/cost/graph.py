"""The lowered graph: the operators that a model's layers become, and how each is stored and computed.

Every operator is float32 and dense until a technique's effect changes it. Cost models read only this value and a device
profile, so a technique's cost is the cost of the graph after its effect.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from msgspec.structs import replace

from edgekit.documents.facts import ChannelGroup
from edgekit.values import Value

Arithmetic = Literal["float32", "int8", "int16x8", "dynamic_range"]
Budget = Literal["parameters", "macs", "activations", "latency"]
"""What a model has of a kind: weights, multiply-accumulates of an inference, the most activations that are alive at once, or predicted time on a device."""
FLOAT_BITS, FLOAT_BYTES = 32, 4


Coder = Literal["tables", "pruned", "huffman", "sparse"]
EXPANDED_ONCE = ("sparse",)
"""The codings that the runtime writes out once, when it loads the model; all others are decoded in each inference."""


class Packed(Value):
    """The bytes of an operator's weights where they are coded, without what decoding adds to the graph; `kind` says how."""

    kind: Coder
    low: int
    usual: int
    high: int

    def bytes_at(self, end: int) -> int:
        """The low (0), usual (1) or high (2) estimate."""
        return (self.low, self.usual, self.high)[end]


class Node(Value):
    """One operator: the tensors that it reads, the size of its output, its weights with those folded into it, and how they are stored.

    `elements` counts its output, `kind` is the kind of its Keras layer, `window` the weights that one output channel reads (0: neither a convolution nor a
    dense layer). `kernel_size` holds the sizes of a convolution's kernel along the axes that it moves over, `places_in` and `places_out` those of its input and its
    output (all empty for other operators, and where they are not known); `filter_groups` counts the groups of its filters. `resident_bytes` is the width of a weight once the interpreter has unpacked it. `scales` counts the
    scales of its weights, each with a zero point. `widened` counts its constants that are widened to float32 by an
    operator of their own. `zeros` is the share of its weights that are zero. `distinct` is the largest number of
    distinct values in a channel, in units of the channel's scale (None: not limited). `packed` is how its weights
    are coded (None: they are plain). `width` counts the channels of its output: how long the last axis is, or the last two within a channel shuffle, `reads` how many channels its weighted sums run over: those of its input, of a
    recurrent layer also its own (0: there are none). `fused` says of a recurrent layer that it is one operator, and no loop.
    """

    name: str
    inputs: tuple[str, ...]
    elements: int
    kind: str = ""
    weights: int = 0
    biases: int = 0
    channels: int = 0
    macs: int = 0
    window: int = 0
    kernel_size: tuple[int, ...] = ()
    places_in: tuple[int, ...] = ()
    places_out: tuple[int, ...] = ()
    filter_groups: int = 1
    weight_bits: int = FLOAT_BITS
    bias_bytes: int = FLOAT_BYTES
    activation_bytes: int = FLOAT_BYTES
    resident_bytes: int = FLOAT_BYTES
    scales: int = 0
    widened: int = 0
    arithmetic: Arithmetic = "float32"
    zeros: float = 0.0
    distinct: int | None = None
    packed: Packed | None = None
    width: int = 0
    reads: int = 0
    fused: bool = False

    @property
    def weight_bytes(self) -> int:
        """Bytes of the weights at their width, whether or not they are coded."""
        return -(-self.weights * self.weight_bits // 8)

    @property
    def decoded(self) -> int:
        """The weights that each inference decodes."""
        return 0 if self.packed is None or self.packed.kind in EXPANDED_ONCE else self.weights

    @property
    def expanded_bytes(self) -> int:
        """Bytes of the weights that are written out once, in memory that they keep."""
        return self.weight_bytes if self.packed is not None and self.packed.kind in EXPANDED_ONCE else 0


class Graph(Value):
    """The operators in the order they run, the elements of each input by its name, and the names of the outputs.

    `input_bytes` is the width of an input element. `may_stay_float` says that some operators stay in float; which ones is not known before the
    file is made. `float_weights` is the most weights that stay in float with them, beside integers, each stored in `float_bytes`. `groups` are the channels that could go, by the names of operators.
    `replacement` is the graph of the network that the project offers in the model's place (None: it offers none).
    """

    inputs: dict[str, int] = {}
    nodes: tuple[Node, ...] = ()
    outputs: tuple[str, ...] = ()
    input_bytes: int = FLOAT_BYTES
    may_stay_float: bool = False
    float_weights: int = 0
    float_bytes: int = FLOAT_BYTES
    groups: tuple[ChannelGroup, ...] = ()
    replacement: Graph | None = None

    @property
    def weights(self) -> int:
        """Weights of all operators, in elements, without biases."""
        return sum(node.weights for node in self.nodes)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one inference."""
        return sum(node.macs for node in self.nodes)

    @property
    def arithmetic(self) -> Arithmetic:
        """The arithmetic of the largest share of multiply-accumulates."""
        found: dict[Arithmetic, int] = {}
        for node in self.nodes:
            found[node.arithmetic] = found.get(node.arithmetic, 0) + node.macs
        return max(found, key=lambda kind: found[kind], default="float32")

    @property
    def distinct(self) -> int | None:
        """The fewest distinct values that an operator's weights have; None where none are limited."""
        return min((node.distinct for node in self.nodes if node.distinct is not None), default=None)

    @property
    def dense(self) -> Graph:
        """The same graph where no weight is known to be zero or to repeat another."""
        return self.changed(lambda node: {"zeros": 0.0, "distinct": None})

    @property
    def in_float(self) -> Graph:
        """The same operators, stored and computed in float32."""
        nodes = tuple(
            Node(
                name=node.name, inputs=node.inputs, elements=node.elements, kind=node.kind, weights=node.weights, biases=node.biases,
                channels=node.channels, macs=node.macs, window=node.window, width=node.width, reads=node.reads,
                kernel_size=node.kernel_size, places_in=node.places_in, places_out=node.places_out, filter_groups=node.filter_groups,
                fused=node.fused,
            )
            for node in self.nodes
        )  # fmt: skip
        return Graph(inputs=self.inputs, nodes=nodes, outputs=self.outputs, groups=self.groups)

    def changed(self, change: Callable[[Node], dict[str, Any]]) -> Graph:
        """The graph with some fields of each operator changed; `change` returns an empty dict for an operator that stays."""
        return replace(self, nodes=tuple(replace(node, **change(node)) for node in self.nodes))
