"""TensorFlow functions in a model of Keras 2: operations of Keras 3 where those do the same, else a layer that calls the function by its name.

Keras 2 stores such a call by the function's name in TensorFlow's public interface. Only functions that use nothing but tensors are called
(`trust`); any other only in a model that the user trusts, and from a file of edgekit's own.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from typing import Any

from edgekit.errors import TrustError
from edgekit.make.workshop.door import Door
from edgekit.make.workshop.keras2.arguments import STARTS, packed, unpacked
from edgekit.make.workshop.trust import is_safe

TWO: dict[str, str] = {
    "__operators__.add": "add", "math.add": "add", "math.subtract": "subtract", "math.multiply": "multiply", "math.divide": "divide",
    "math.truediv": "true_divide", "math.maximum": "maximum", "math.minimum": "minimum", "math.pow": "power",
    "math.greater": "greater", "math.greater_equal": "greater_equal", "math.less": "less", "math.less_equal": "less_equal",
    "math.equal": "equal", "math.not_equal": "not_equal",
}  # fmt: skip
"""Functions of two operands, and the names in `keras.ops`."""
ONE: dict[str, str] = {
    "nn.relu": "relu", "nn.relu6": "relu6", "math.sigmoid": "sigmoid", "nn.sigmoid": "sigmoid", "math.tanh": "tanh", "nn.tanh": "tanh",
    "math.abs": "abs", "math.exp": "exp", "math.log": "log", "math.sqrt": "sqrt", "math.rsqrt": "rsqrt", "math.square": "square",
    "math.negative": "negative", "math.sin": "sin", "math.cos": "cos", "math.floor": "floor", "math.softplus": "softplus",
}  # fmt: skip
"""Functions of one operand."""
REDUCE = {"math.reduce_mean": "mean", "math.reduce_sum": "sum", "math.reduce_max": "max", "math.reduce_min": "min"}


SHAPING: dict[str, Callable[..., Any]] = {
    "transpose": lambda ops, x, perm: ops.transpose(x, tuple(perm)),
    "reshape": lambda ops, x, shape: ops.reshape(x, tuple(shape)),
    "expand_dims": lambda ops, x, axis: ops.expand_dims(x, axis),
    "squeeze": lambda ops, x: ops.squeeze(x),
    "linalg.matmul": lambda ops, x, y: ops.matmul(x, y),
    "cast": lambda ops, x, dtype: ops.cast(x, getattr(dtype, "name", dtype)),
}
"""Functions of a tensor and a setting, by their names without `compat.v1`."""


def is_function(layer: Any) -> bool:
    """Whether a layer of Keras 2 stands for the call of a TensorFlow function."""
    return type(layer).__name__ in ("TFOpLambda", "SlicingOpLambda")


def is_wrapped_function(layer: Any) -> bool:
    """Whether a layer of Keras 3 is one of ours that calls a function."""
    return type(layer).__name__ == "TensorFlowFunction"


def called(tools: Door, layer: Any, args: Any, kwargs: Any, *, name: str, trust: bool) -> Any:
    """What the function gives for tensors of Keras 3; raises `TrustError` for one that may do more than compute, without `trust`."""
    symbol = layer.symbol
    given = {key: value for key, value in kwargs.items() if key != "name" and value is not None}
    if type(layer).__name__ == "SlicingOpLambda":
        args, given = _sliced(args), {key: _sliced(value) for key, value in given.items()}
    found = _operation(tools, symbol, args, given)
    if found is not None:
        found._keras_history.operation.name = name
        return found
    if not is_safe(symbol or "") and not trust:
        raise TrustError(
            f"layer {layer.name!r} is a call of tf.{symbol}: code that would run on this machine", where=layer.name, received=str(symbol),
            allowed="functions that only use tensors", next_step="write it in keras.ops, or say --trust",
        )  # fmt: skip
    call, tensors = packed(args, given)
    with tools.keras3.src.saving.serialization_lib.SafeModeScope(safe_mode=not trust):
        made = function_class(tools)(symbol=symbol, call=call, name=name)
    return made(*tensors)


@functools.cache
def function_class(tools: Door) -> Any:
    """The class of Keras 3 that calls a function, registered under a name by which a stored model finds it."""
    keras = tools.keras3

    @keras.saving.register_keras_serializable("edgekit")
    class TensorFlowFunction(keras.layers.Layer):  # type: ignore[misc, name-defined]
        def __init__(self, symbol: str, call: dict[str, Any], **given: Any) -> None:
            super().__init__(**{**given, "autocast": False})
            self.symbol, self.packed = symbol, dict(call)
            self.function = _public(symbol, trust=keras.src.saving.serialization_lib.in_safe_mode() is False)
            self.built = True

        def call(self, *tensors: Any) -> Any:
            args, kwargs = unpacked(self.packed, list(tensors))
            return self.function(*args, **kwargs)

        def compute_output_spec(self, *tensors: Any) -> Any:
            """Of dense tensors: Keras says of every product with a number that it is sparse."""
            dense = [keras.KerasTensor(tensor.shape, tensor.dtype) for tensor in tensors]
            return keras.src.backend.compute_output_spec(self.call, *dense)

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "symbol": self.symbol, "call": dict(self.packed)}

    return TensorFlowFunction


def _public(symbol: str, *, trust: bool) -> Callable[..., Any]:
    """A function of TensorFlow's public interface by its name."""
    if not trust and not is_safe(symbol):
        raise TrustError(f"a call of tf.{symbol}: code that would run on this machine", where="model", received=symbol)
    exports = importlib.import_module("tensorflow.python.util.tf_export")
    found: Callable[..., Any] | None = exports.get_symbol_from_name(symbol)
    if found is None:
        raise ValueError(f"TensorFlow has no function {symbol!r}")
    return found


def _operation(tools: Door, symbol: str, args: Any, kwargs: dict[str, Any]) -> Any:
    """What `keras.ops` gives for a call that it knows; None for any other."""
    ops, symbol = tools.keras3.ops, symbol.removeprefix("compat.v1.")
    if symbol in SHAPING and set(kwargs) <= {"perm", "shape", "axis", "dtype"}:
        args, kwargs = [*args, *kwargs.values()], {}
    operands, names = [*args, *kwargs.values()], list(kwargs)
    if symbol in TWO and len(operands) == 2 and set(names) <= {"x", "y"}:
        return getattr(ops, TWO[symbol])(*operands)
    if symbol in ONE and len(operands) == 1 and set(names) <= {"x", "features"}:
        return getattr(ops, ONE[symbol])(*operands)
    if symbol in REDUCE and len(args) == 1 and set(names) <= {"axis", "keepdims"} and not _has_tensors(kwargs):
        return getattr(ops, REDUCE[symbol])(args[0], **kwargs)
    if symbol == "concat" and not _has_tensors(kwargs) and set(names) <= {"axis"} and len(operands) == 2:
        return ops.concatenate(list(operands[0]), axis=operands[1])
    if (
        symbol in SHAPING
        and not names
        and (symbol == "linalg.matmul" or not _has_tensors(args[1:]))
        and len(args) == 2 - (symbol == "squeeze")
    ):
        return SHAPING[symbol](ops, *args)
    if symbol in ("__operators__.getitem",) and len(args) == 2 and not kwargs:
        return None if _has_tensors(args[1]) else args[0][tuple(args[1]) if isinstance(args[1], list) else args[1]]
    return None


def _has_tensors(value: Any) -> bool:
    return bool(packed([value], {})[1])


def _sliced(value: Any) -> Any:
    """Slices as they are called with; Keras 2 keeps them as dicts."""
    if isinstance(value, dict) and set(value) == STARTS:
        return slice(value["start"], value["stop"], value["step"])
    if isinstance(value, list | tuple):
        return type(value)(_sliced(part) for part in value)
    return value
