"""What an operator's build function is given: its node with its inputs, and the ways to make layers and to move data.

`Step` makes every Keras layer and operation of an import, so that each bears a readable name that no other has.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from edgekit.keras_graph.call_graph import Names
from edgekit.onnx_graph.graph import Node
from edgekit.onnx_graph.layout import Axes, Laid, axis_order, by_order, flat, fresh, plain_order, runs, sizes

Operand = Laid | np.ndarray
KERAS_DTYPES = {"int64": "int32", "uint64": "int32", "uint32": "int32", "float64": "float32", "float16": "float32"}


class CannotExpress(Exception):
    """A node that no Keras layer expresses: why, and what would help."""

    def __init__(self, reason: str, advice: str = "") -> None:
        super().__init__(reason)
        self.reason, self.advice = reason, advice


class Unfit(CannotExpress):
    """A node that is given sizes which do not go together: perhaps the file or the data is at fault, and not the operator."""


class Making:
    """Makes the layers of one import; moving the same tensor twice in the same way gives the same tensor."""

    def __init__(self, keras: Any, opset: int) -> None:
        self.keras, self.opset = keras, opset
        self.names = Names()
        self.notes: dict[str, list[str]] = {}
        self.moved: dict[tuple[int, Axes], Any] = {}
        self.kept: list[Any] = []
        """Tensors that were moved: their ids stay theirs."""


class Step:
    """One node while it is built; `base` is the name of its layers."""

    def __init__(self, making: Making, node: Node, inputs: Sequence[Operand | None], base: str) -> None:
        self._making, self.node, self.inputs, self.base = making, node, tuple(inputs), base
        self.keras, self.layers, self.ops = making.keras, making.keras.layers, making.keras.ops
        self.opset = making.opset

    def input(self, index: int) -> Operand | None:
        """An input; None where it is left out."""
        return self.inputs[index] if index < len(self.inputs) else None

    def laid(self, index: int = 0) -> Laid:
        """An input that is computed at run time."""
        found = self.input(index)
        if not isinstance(found, Laid):
            raise CannotExpress(f"its input {index} is a constant", "fold the constant before the export")
        return found

    def constant(self, index: int) -> np.ndarray | None:
        """An input that must be known before the model runs; None where it is left out."""
        found = self.input(index)
        if isinstance(found, Laid):
            raise CannotExpress(
                f"its input {self.node.inputs[index]!r} is computed at run time",
                "export with fixed sizes and constant parameters",
            )
        return found

    def wanted(self, index: int) -> np.ndarray:
        """A constant input that must be there."""
        found = self.constant(index)
        if found is None:
            raise CannotExpress(f"its input {index} is missing")
        return found

    def settings(self, attribute: str, index: int) -> tuple[int, ...] | None:
        """Integers that are an attribute in some opsets and a constant input in others."""
        found = self.node.integers(attribute)
        if found is None and (array := self.constant(index)) is not None:
            found = tuple(int(one) for one in np.atleast_1d(array))
        return found

    def note(self, sentence: str, what: str) -> None:
        """Add something to a sentence for the user: what it is true of, once."""
        named = self._making.notes.setdefault(sentence, [])
        if what not in named:
            named.append(what)

    def name(self, suffix: str = "") -> str:
        """A name for one more layer of this node."""
        return self._making.names.unique(f"{self.base}_{suffix}" if suffix else self.base)

    def layer(
        self, kind: str, *arguments: Any, suffix: str = "", weights: Sequence[np.ndarray] = (), **settings: Any
    ) -> Callable[..., Any]:
        """A layer of Keras by its class's name, which gets its weights when it is called."""
        made = getattr(self.layers, kind)(*arguments, name=self.name(suffix), **settings)

        def called(*tensors: Any, **others: Any) -> Any:
            result = made(*tensors, **others)
            if len(weights):
                made.set_weights(list(weights))
            return result

        return called

    def operation(self, name: str) -> Callable[..., Any]:
        """An operation of `keras.ops`."""
        found: Callable[..., Any] = getattr(self.ops, name)
        return found

    def op(self, function: Callable[..., Any], *arguments: Any, suffix: str = "", **settings: Any) -> Any:
        """What an operation of `keras.ops` makes, under a name of this node."""
        made = function(*arguments, **settings)
        first = made[0] if isinstance(made, list | tuple) else made
        if hasattr(first, "_keras_history"):
            first._keras_history.operation.name = self.name(suffix)
        return made

    def activation(self, name: str, laid: Laid, *, nonnegative: bool = False) -> Laid:
        """An `Activation` layer on a tensor, wherever its axes stand."""
        return over(laid, self.layer("Activation", name)(laid.tensor), nonnegative)

    def arranged(self, laid: Laid, axes: Axes) -> Any:
        """The Keras tensor with these axes: reshaped, and permuted only where the order of the numbers changes."""
        if laid.keras == axes:
            return laid.tensor
        key = (id(laid.tensor), axes)
        moved = self._making.moved
        if key not in moved:
            moved[key] = self._moved(laid, axes)
            self._making.kept.append(laid.tensor)
        return moved[key]

    def by_order(self, laid: Laid, order: Sequence[int]) -> Any:
        """The Keras tensor with whole ONNX axes in this order; the others have size 1."""
        left = [size for axis, size in enumerate(laid.shape) if axis not in order and size > 1]
        if left:
            raise CannotExpress(
                f"its first axis has size {left[0]}, and Keras has the batch there",
                "export the model with batch 1 or a free batch",
            )
        return self.arranged(laid, by_order(laid, order))

    def whole(self, laid: Laid) -> tuple[Laid, tuple[int, ...]]:
        """The tensor with whole ONNX axes in the order that moves least, and that order."""
        order = axis_order(laid)
        return self.made(self.by_order(laid, order), laid.shape, order, nonnegative=laid.nonnegative), order

    def plain(self, laid: Laid) -> Laid:
        """The tensor with its axes in ONNX's order."""
        order = plain_order(laid.shape)
        return self.made(self.by_order(laid, order), laid.shape, order, nonnegative=laid.nonnegative)

    def made(self, tensor: Any, shape: Sequence[int], order: Sequence[int], *, nonnegative: bool = False) -> Laid:
        """What the node makes: a Keras tensor with these ONNX axes, of this ONNX shape. The sizes are checked against each other."""
        laid = fresh(tensor, shape, order, nonnegative=nonnegative)
        if sizes(laid.keras) != tuple(tensor.shape)[1:]:
            raise Unfit(
                f"Keras makes {tuple(tensor.shape)[1:]} where ONNX has {tuple(shape)} in the order {tuple(order)}"
            )
        return laid

    def repeated(self, array: np.ndarray, order: Sequence[int], like: Laid) -> Any:
        """A constant as a tensor with the batch of another, with these ONNX axes."""
        dtype = keras_dtype(str(array.dtype))
        moved = np.transpose(array, (*(axis for axis in range(array.ndim) if axis not in order), *order))
        moved = moved.reshape([array.shape[axis] for axis in order]).astype(dtype)
        first = (slice(None), *(slice(0, 1),) * (len(like.tensor.shape) - 1))
        one = like.tensor[first]
        one._keras_history.operation.name = self.name("one")
        zero = self.reshaped(self.op(self.ops.zeros_like, one, dtype=dtype, suffix="zero"), (1,) * len(order))
        join = self.ops.logical_or if dtype == "bool" else self.ops.add
        return self.op(join, zero, moved, suffix="constant")

    def _moved(self, laid: Laid, axes: Axes) -> Any:
        given, wanted = flat(laid.keras), flat(axes)
        tensor = laid.tensor
        if given == wanted:
            return self.reshaped(tensor, sizes(axes))
        pieces = runs(given, wanted)
        tensor = self.reshaped(tensor, sizes(tuple(pieces)))
        places = {piece[0]: index + 1 for index, piece in enumerate(pieces)}
        order = tuple(places[atom] for atom in wanted if atom in places)
        tensor = self.layer("Permute", order, suffix="permute")(tensor)
        return self.reshaped(tensor, sizes(axes))

    def reshaped(self, tensor: Any, shape: Sequence[int]) -> Any:
        """The tensor in another shape, with the batch before it; a `Flatten` layer where one axis is left."""
        given = tuple(tensor.shape)[1:]
        if given == tuple(shape):
            return tensor
        if len(shape) == 1 and len(given) > 1:
            return self.layer("Flatten", suffix="flatten")(tensor)
        return self.layer("Reshape", tuple(shape), suffix="reshape")(tensor)


def over(laid: Laid, tensor: Any, nonnegative: bool = False) -> Laid:
    """Another tensor whose axes stand as in `laid`."""
    return Laid(tensor=tensor, onnx=laid.onnx, keras=laid.keras, nonnegative=nonnegative)


def keras_dtype(dtype: str) -> str:
    """The dtype that stands for one of ONNX's: devices compute in 32 bits.

    >>> keras_dtype("int64")
    'int32'
    """
    return KERAS_DTYPES.get(dtype, dtype)
