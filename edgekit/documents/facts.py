"""The facts of a model that planning needs: layers, shapes, parameters, multiply-accumulates.

They are taken once (of a Keras model in a worker, of a `.tflite` from its bytes) and cached by the model's content; nothing here imports TensorFlow.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal

from edgekit.values import Ends, Value

Origin = Literal["ONNX", "PyTorch"]
"""What an imported model was given as, and its axes are told by."""
NAMED = 8
"""A note names at most this many layers."""
RECURRENT = ("LSTM", "GRU", "SimpleRNN", "Bidirectional")
"""Layers that use each weight of their kernels once in a step, over the channels of the step and over their own units."""


class TensorFacts(Value):
    """An input or output: its shape without the batch dimension (None where it is free).

    `onnx_axes` tells for each axis which it is in the ONNX file that the model came from; empty where the order is the same. `origin` is what the user
    gave, whose axes these are too.
    """

    name: str
    shape: tuple[int | None, ...]
    dtype: str
    onnx_axes: tuple[int, ...] = ()
    origin: Origin = "ONNX"

    @property
    def onnx_shape(self) -> tuple[int | None, ...]:
        """The shape of a sample in the ONNX file.

        >>> TensorFacts(name="x", shape=(8, 9, 3), dtype="float32", onnx_axes=(1, 2, 0)).onnx_shape
        (3, 8, 9)
        """
        sizes = dict(zip(self.onnx_axes, self.shape, strict=False))
        return tuple(sizes[axis] for axis in sorted(sizes)) if sizes else self.shape

    @property
    def layout(self) -> str:
        """How a device feeds or gets it where that is another order than the given model's, for a report; else empty.

        >>> TensorFacts(name="x", shape=(8, 9, 3), dtype="float32", onnx_axes=(1, 2, 0), origin="PyTorch").layout
        'channels last, and not first as in the PyTorch model'
        """
        if not self.onnx_axes:
            return ""
        if self.onnx_axes == (1, 2, 0):
            return f"channels last, and not first as in the {self.origin} model"
        return f"its axes are axes {', '.join(map(str, self.onnx_axes))} of a sample of the {self.origin} model"


class LayerFacts(Value):
    """One layer after normalising; shapes are without the batch, `inputs` are layer names.

    `macs` counts the multiply-accumulates of one sample; `kernel` is the shape of its main weights. `biases` counts the weights of a recurrent
    layer that are added; of other layers the shapes tell. `channel_axes` says along how many of the last axes of its output the channels lie: two within a
    channel shuffle, and within attention as many as from the first axis that has channels, with places between. `fused` says that a recurrent layer becomes one
    operator of a file, unless its loop is unrolled, `of_cells` that a layer in both directions runs cells of an `RNN` layer or a user's own layers.
    """

    name: str
    kind: str
    inputs: tuple[str, ...] = ()
    output_shape: tuple[int | None, ...] = ()
    parameters: int = 0
    macs: int = 0
    kernel: tuple[int, ...] | None = None
    activation: str | None = None
    biases: int = 0
    channel_axes: int = 1
    fused: bool = False
    of_cells: bool = False


class KernelValues(Value):
    """What is known of a layer's weights: the share of zeros, and the most distinct values in a channel (None: not few)."""

    zeros: float = 0.0
    distinct: int | None = None


class ChannelGroup(Value):
    """Channels that can only stay or go together (`passes/channels/groups`): each of `size` in all of these places, or in none.

    `layers` tells by layer how many channels of its output they are, in the order in which they run: the first makes them. `reads` tells how many of those
    that a filter of its kernels reads: a multiple of `size`, but in a convolution in groups, a filter of which reads those of its group. A recurrent
    layer reads its own, too. `scaled` says whether a batch normalization scales them.
    """

    size: int
    layers: dict[str, int]
    reads: dict[str, int] = {}
    scaled: bool = False


class ModelFacts(Value):
    """A whole model after normalising: one flat graph of Keras 3, nested models opened.

    `stripped` are the kinds of training whose wrappers of TFMOT were taken off. `closed` names the layers that are a user's
    own: nothing is known of what they do inside. `passes` says what was rewritten in its graph, a sentence for each pass. `renamed` holds the
    names that neither TensorFlow nor Keras accepts, by the names of layers that stand for them. `rebuilt_error` is None, and `uncompared` says so, where
    the model gives no finite numbers on random input; that also tells of outputs that were compared in part. `groups` are the channels that
    could go. `imported` says of a model in ONNX how its import agrees with onnxruntime, and what it changed. `untrainable` says why its
    weights cannot be trained (empty: they can), `quantized` how those of a file are stored already (empty: in float32).
    `values` tells by layer of zeros and few values that a file has already. `held` has the inputs that an ONNX or PyTorch model has and this one has not, with
    the values that they are held at.
    """

    sha256: str
    format: str
    inputs: tuple[TensorFacts, ...]
    outputs: tuple[TensorFacts, ...]
    layers: tuple[LayerFacts, ...]
    output_kinds: tuple[Ends, ...]
    losses: tuple[str | None, ...] = ()
    rebuilt_error: float | None = None
    uncompared: str = ""
    stripped: tuple[str, ...] = ()
    closed: tuple[str, ...] = ()
    passes: tuple[str, ...] = ()
    renamed: dict[str, str] = {}
    groups: tuple[ChannelGroup, ...] = ()
    imported: tuple[str, ...] = ()
    untrainable: str = ""
    quantized: str = ""
    values: dict[str, KernelValues] = {}
    held: dict[str, str] = {}

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of a report must know about how the model was read: removed wrappers of TFMOT, what is kept as it is."""
        passes = (f"model: {done}" for done in self.passes)
        uncompared = (f"model: {self.uncompared}",) if self.uncompared else ()
        imported = (f"model: {said}" for said in self.imported)
        kept = (*self._stripped_note, *self._kept_notes, *self._renamed_note)
        held = (f"model: {said}" for said in held_words(self.held))
        return (*imported, *held, *self._given_note, *uncompared, *kept, *passes)

    @property
    def _given_note(self) -> tuple[str, ...]:
        if not self.untrainable:
            return ()
        done = (
            f"it is quantized already ({self.quantized}): it is judged as it is"
            if self.quantized
            else "nothing of it is trained"
        )
        return (f"model: a finished file: {done}",)

    @property
    def _kept_notes(self) -> tuple[str, ...]:
        closed = f"model: kept closed, as one operation each, and float in training: {', '.join(self.closed)}"
        return (closed,) if self.closed else ()

    @property
    def _stripped_note(self) -> tuple[str, ...]:
        if not self.stripped:
            return ()
        said = f"model: saved with TFMOT's wrappers of {' and '.join(self.stripped)}, which were taken off"
        ranges = "; it is judged by its float weights, and ranges are found anew in calibration"
        return (said + ranges * any("quantization" in kind for kind in self.stripped),)

    @property
    def _renamed_note(self) -> tuple[str, ...]:
        pairs = [f"{old!r} is {new}" for new, old in self.renamed.items()]
        more = f" and {len(pairs) - NAMED} more" if len(pairs) > NAMED else ""
        return (
            (f"model: names that TensorFlow does not accept are replaced: {', '.join(pairs[:NAMED])}{more}",)
            if pairs
            else ()
        )

    @property
    def parameters(self) -> int:
        """All weights, in elements."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one inference."""
        return sum(layer.macs for layer in self.layers)


def held_words(held: Mapping[str, str]) -> tuple[str, ...]:
    """A sentence for each input that is held at a value.

    >>> held_words({"sr": "16000"})
    ("the input 'sr' is held at 16000: the file does not have it",)
    """
    return tuple(f"the input {name!r} is held at {value}: the file does not have it" for name, value in held.items())


class Replacement(Value):
    """A network that may take the model's place: its source as the project names it, and its facts."""

    source: str
    facts: ModelFacts


def port_names(tensors: Sequence[TensorFacts]) -> list[str]:
    """The names of inputs or outputs in a file's signature, in the model's order: identifiers that TensorFlow accepts, none twice."""
    names: list[str] = []
    for position, tensor in enumerate(tensors):
        name = re.sub(r"\W", "_", tensor.name, flags=re.ASCII)
        name = name if name[:1].isalnum() else f"x{name}"
        number, first = position, name
        while name in names:
            name, number = f"{first}_{number}", number + 1
        names.append(name)
    return names
