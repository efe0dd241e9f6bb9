"""The values that a `.tflite` file is read into: tensors, operators, signatures, and the sums over them.

Tensors of all subgraphs are in one list, those of the main subgraph first, so that the indices of the main
subgraph are the file's own. Shapes are those of the file, with the batch.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from edgekit.tflite.coding.kinds import Coding
from edgekit.tflite.schema import BITS
from edgekit.tflite.sparse import Sparsity
from edgekit.values import Value

ABSENT = -1
"""The index of an optional input that is absent."""

VELA = "ethos-u"
"""The custom operator that holds what Vela compiled for the NPU."""
COMPILERS = {
    VELA: "Vela",
    "edgetpu-custom-op": "edgetpu_compiler",
    "NeutronGraph": "NXP's Neutron converter",
    "DISPATCH_OP": "LiteRT's compiler for NPUs",
}
"""Compilers of NPUs by their custom operator."""

UNPACKING = ("DEQUANTIZE", "DENSIFY")
"""Operators that unpack stored weights for the operator that uses them."""


class Tensor(Value):
    """One tensor; `span` is where its constant data is in the file, as (start, length) in bytes.

    `shape_signature` has -1 for a free dimension. `scales` and `zero_points` are empty if the tensor is
    not quantized, have one item per tensor, or one per slice along `quantized_dimension`. `sparsity` describes
    constant data in TFLite's sparse encoding, `coding` how tflite-micro decodes a tensor whose `span` is the stream: its
    data is in the file, but it also takes memory once it is decoded.
    """

    index: int
    subgraph: int
    name: str
    shape: tuple[int, ...]
    shape_signature: tuple[int, ...]
    dtype: str
    scales: tuple[float, ...] = ()
    zero_points: tuple[int, ...] = ()
    quantized_dimension: int = 0
    span: tuple[int, int] | None = None
    variable: bool = False
    sparsity: Sparsity | None = None
    coding: Coding | None = None

    @property
    def constant(self) -> bool:
        """Whether the file holds the tensor's data."""
        return self.span is not None

    @property
    def elements(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)

    @property
    def stored_bytes(self) -> int:
        """Bytes of its constant data in the file, with the places of a sparse encoding; 0 where it is computed."""
        places = 0 if self.sparsity is None else self.sparsity.places_bytes
        return 0 if self.span is None else self.span[1] + places

    @property
    def size_bytes(self) -> int:
        """Bytes of the tensor unpacked in memory; 0 where the type has no fixed size."""
        return (self.elements * BITS.get(self.dtype, 0) + 7) // 8

    @property
    def scale(self) -> float | None:
        """The scale of a tensor with a single one."""
        return self.scales[0] if len(self.scales) == 1 else None

    @property
    def zero_point(self) -> int | None:
        """The zero point of a tensor with a single one."""
        if len(self.scales) != 1:
            return None
        return self.zero_points[0] if self.zero_points else 0


class Operator(Value):
    """One operator in execution order; a custom one has the name that the file gives it.

    `inputs` and `outputs` are tensor indices, `ABSENT` for an optional input that is absent. `runs` is how often it runs
    in one inference, None in a loop of unknown length; `macs` are those of all its runs, or of one run in such a loop.
    """

    name: str
    version: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    macs: int = 0
    custom: bool = False
    runs: int | None = 1


class Signature(Value):
    """A named way to call a subgraph: the user's names of inputs and outputs, each with its tensor index."""

    key: str
    inputs: dict[str, int]
    outputs: dict[str, int]


class TfliteModel(Value):
    """A `.tflite` file as read; `content` is the whole file, from which constant data are read when needed.

    `inputs` and `outputs` are tensor indices of the main subgraph; `operators` are those of all subgraphs. `oddities` are
    places where the file contradicts itself: some runtimes accept such a file and others refuse it, so they decide nothing.
    `layers` has the layer of each operator where that is known from elsewhere, else nothing.
    """

    path: str
    description: str
    operators: tuple[Operator, ...]
    tensors: tuple[Tensor, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    signatures: tuple[Signature, ...] = ()
    subgraphs: int = 1
    content: bytes = b""
    oddities: tuple[str, ...] = ()
    layers: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"TfliteModel({self.path!r}, {len(self.operators)} operators, {len(self.tensors)} tensors)"

    @property
    def input_tensors(self) -> tuple[Tensor, ...]:
        """The model's inputs: name, shape, dtype, scale and zero point."""
        return tuple(self.tensors[index] for index in self.inputs)

    @property
    def output_tensors(self) -> tuple[Tensor, ...]:
        """The model's outputs: name, shape, dtype, scale and zero point."""
        return tuple(self.tensors[index] for index in self.outputs)

    @property
    def size_bytes(self) -> int:
        """Bytes of the whole file."""
        return len(self.content)

    @property
    def compiled_by(self) -> str | None:
        """The NPU's compiler that made this file; what it compiled is inside a custom operator, and cannot be read."""
        customs = (operator.name for operator in self.operators if operator.custom)
        return next((COMPILERS[name] for name in customs if name in COMPILERS), None)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one inference at the file's shapes; a loop's body counts once for each iteration, or once if their number is unknown."""
        return sum(operator.macs for operator in self.operators)

    @property
    def parameters(self) -> int:
        """Elements of constant weights and biases; shared ones count once.

        Integers without a scale (shapes, axes, paddings) are arguments and do not count.
        """
        return sum(tensor.elements for tensor in stored(self.tensors) if is_parameter(tensor))

    @property
    def weight_bytes(self) -> int:
        """Bytes of all constant data in the file; shared data counts once."""
        return sum(tensor.stored_bytes for tensor in stored(self.tensors))

    @property
    def activation_bytes(self) -> int:
        """Bytes of all tensors that are in memory, as if none shared its memory with another."""
        return sum(tensor.size_bytes for tensor in self.tensors if not tensor.constant or tensor.coding is not None)

    def is_once(self, operator: Operator) -> bool:
        """Whether an operator runs once, when a file is opened: a DENSIFY of constants, whose outcome LiteRT keeps."""
        return operator.name == "DENSIFY" and all(
            self.tensors[index].constant for index in operator.inputs if index != ABSENT
        )

    @property
    def runs(self) -> int | None:
        """Runs of all operators in one inference; None if a loop has an unknown number of iterations."""
        counts = [operator.runs for operator in self.operators]
        return None if None in counts else sum(count for count in counts if count is not None)

    @property
    def written_bytes(self) -> int:
        """Bytes that all operators write in one inference, with every known iteration of a loop, and the bytes of the inputs."""
        inputs = sum(tensor.size_bytes for tensor in self.input_tensors)
        each = [
            (operator.runs, sum(self.tensors[index].size_bytes for index in operator.outputs))
            for operator in self.operators
        ]
        return inputs + sum((1 if runs is None else runs) * size for runs, size in each)

    def name_of(self, index: int) -> str:
        """The name that the user's model gave an input or output, from a signature; else the tensor's name."""
        for signature in self.signatures:
            for name, tensor in (*signature.inputs.items(), *signature.outputs.items()):
                if tensor == index:
                    return name
        return self.tensors[index].name


def stored(tensors: Iterable[Tensor]) -> list[Tensor]:
    """One constant tensor for each place in the file that holds data; for a stream, the tensor that is decoded from it."""
    found: dict[tuple[int, int], Tensor] = {}
    for tensor in tensors:
        if tensor.span is not None and (tensor.span not in found or found[tensor.span].coding is None):
            found[tensor.span] = tensor
    return list(found.values())


def is_parameter(tensor: Tensor) -> bool:
    """Whether a constant is a weight or a bias and not an argument (a shape, an axis)."""
    return tensor.dtype.startswith(("float", "bfloat", "complex")) or bool(tensor.scales)
