"""One layer of either Keras as a tf_keras layer: names, settings and activations that differ between the two.

Based on the sources of Keras 3.15 and tf_keras 2.21. `hard_sigmoid` is a different function in the two.
"""

from __future__ import annotations

import inspect
from typing import Any

from edgekit.errors import ModelError, did_you_mean
from edgekit.make.workshop.augment.keras3 import in_tf_keras, is_only_in_keras3
from edgekit.make.workshop.door import Door

RENAMED_SETTINGS = {"LeakyReLU": {"negative_slope": "alpha"}}
KERAS2_HARD_SIGMOID = "keras2_hard_sigmoid"
"""The name in Keras 3 of tf_keras's own function (`keras2/activations`)."""
WRAPPERS = ("Bidirectional", "TimeDistributed")
# Operations of Keras 3 (`x + y`, keras.ops.add), and the tf_keras layers that do the same with tensors.
MERGE_LAYERS = {
    "Add": "Add",
    "Subtract": "Subtract",
    "Multiply": "Multiply",
    "Maximum": "Maximum",
    "Minimum": "Minimum",
}


def make_layer(tools: Door, operation: Any, name: str) -> Any:
    """A tf_keras layer, not yet built, that does what a layer of either Keras does."""
    if isinstance(operation, tools.keras.layers.Layer):
        return type(operation).from_config({**operation.get_config(), "name": name})
    kind = type(operation).__name__
    if kind in WRAPPERS:
        return _wrapper(tools, operation, name)
    if kind == "Lambda":  # only from a trusted file
        function, arguments = operation.function, operation.arguments
        return tools.keras.layers.Lambda(function, mask=operation.mask, arguments=arguments, name=name)
    if is_only_in_keras3(tools, operation):
        return in_tf_keras(tools, operation, name)
    target = _target_class(tools, operation, kind)
    config = {RENAMED_SETTINGS.get(kind, {}).get(key, key): value for key, value in operation.get_config().items()}
    settings = {key: _setting(tools, key, value) for key, value in config.items() if key in accepted(target)}
    return target(**{**settings, "name": name})


def _target_class(tools: Door, operation: Any, kind: str) -> Any:
    """The tf_keras class of the same name, or one that the user registered under the layer's registered name."""
    if type(operation).__module__.startswith("keras."):
        found = getattr(tools.keras.layers, kind, None)
        if found is not None:
            return found
    from keras.saving import get_registered_name

    registered = get_registered_name(type(operation))
    custom = tools.keras.utils.get_registered_object(registered) or tools.keras.utils.get_custom_objects().get(kind)
    if custom is not None:
        return custom
    near = did_you_mean(kind, [name for name in dir(tools.keras.layers) if name[0].isupper()])
    raise ModelError(
        f"layer {operation.name!r} of type {kind} cannot be rebuilt for tf_keras: there is no such layer in it",
        where=operation.name,
        received=kind,
        allowed="layers that tf_keras has too, or a class registered with tf_keras under the same name",
        next_step=f"register a tf_keras version in a module and name it with --import{f' (near: {near})' if near else ''}",
    )


def accepted(target: Any) -> set[str]:
    """Keyword arguments of a layer class of either Keras, its base classes' included."""
    names = {"name", "trainable", "dtype"}
    for base in target.__mro__:
        if base is object or "__init__" not in vars(base):
            continue
        parameters = inspect.signature(base.__init__).parameters.values()
        names |= {p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
        if not any(p.kind is p.VAR_KEYWORD for p in parameters):
            break
    return names - {"self", "autocast", "input_shape", "batch_input_shape"}


def _setting(tools: Door, key: str, value: Any) -> Any:
    """A setting of Keras 3 as tf_keras takes it."""
    if key == "dtype":
        return value["config"]["name"] if isinstance(value, dict) else value
    if key.endswith("initializer"):
        return "zeros"  # the weights are copied, so their initializer does not matter
    if key.endswith("activation"):
        return activation(tools, value)
    if key.endswith(("regularizer", "constraint")) and isinstance(value, dict):
        return {"class_name": value["class_name"], "config": value["config"]}
    return value


def activation(tools: Door, value: Any) -> Any:
    """A Keras 3 activation, by name or serialized, as tf_keras takes it."""
    name = value if isinstance(value, str) else value.get("config") if isinstance(value, dict) else value
    if isinstance(value, dict) and value.get("class_name") not in ("function", None):
        raise ValueError(f"activation {value['class_name']!r} is a layer and not a function")
    if not isinstance(name, str):
        return name
    if name.rpartition(">")[2] == KERAS2_HARD_SIGMOID:
        return "hard_sigmoid"
    from edgekit.make.workshop.activations import activations

    return activations(tools).get(name, name)


def _wrapper(tools: Door, operation: Any, name: str) -> Any:
    """Bidirectional and TimeDistributed, with the layer inside them rebuilt."""
    inner = getattr(operation, "forward_layer", None) or operation.layer
    layer = make_layer(tools, inner, inner.name.removeprefix("forward_"))
    if type(operation).__name__ == "TimeDistributed":
        return tools.keras.layers.TimeDistributed(layer, name=name)
    return tools.keras.layers.Bidirectional(layer, merge_mode=operation.merge_mode, name=name)


def replay_operation(tools: Door, operation: Any, args: Any, kwargs: Any) -> Any:
    """The result of a Keras 3 operation that is not a layer; None if `operation` is a layer."""
    if isinstance(operation, (tools.keras.layers.Layer, tools.keras3.layers.Layer)):
        return None
    kind, tf = type(operation).__name__, tools.tf
    both = len(args) == 2 and all(hasattr(part, "_keras_history") for part in args)
    if kind in MERGE_LAYERS and both:
        return getattr(tools.keras.layers, MERGE_LAYERS[kind])()(list(args))
    functions = {
        "Add": tf.add, "Subtract": tf.subtract, "Multiply": tf.multiply, "Divide": tf.divide, "TrueDivide": tf.divide,
        "Maximum": tf.maximum, "Minimum": tf.minimum, "Matmul": tf.matmul, "Negative": tf.negative, "Abs": tf.abs, "Absolute": tf.abs,
        "Exp": tf.exp, "Sqrt": tf.sqrt, "Square": tf.square, "Relu": tf.nn.relu, "Relu6": tf.nn.relu6,
        "Sigmoid": tf.sigmoid, "Tanh": tf.tanh, "Silu": tf.nn.silu, "Log": tf.math.log, "Power": tf.pow,
        "Equal": tf.equal, "NotEqual": tf.not_equal, "Greater": tf.greater, "Less": tf.less,
    }  # fmt: skip
    if kind in functions:
        return functions[kind](*args, **kwargs)
    reductions = {
        "Mean": tf.reduce_mean,
        "Sum": tf.reduce_sum,
        "Max": tf.reduce_max,
        "Min": tf.reduce_min,
        "Any": tf.reduce_any,
    }
    if kind in reductions:
        return reductions[kind](args[0], axis=operation.axis, keepdims=operation.keepdims)
    if kind == "Cast":
        return tf.cast(args[0], operation.dtype)
    if kind == "Reshape":
        return tf.reshape(args[0], [-1, *operation.newshape[1:]])
    if kind == "Concatenate":
        return tools.keras.layers.Concatenate(axis=operation.axis)(list(args[0]))
    if kind == "GetItem":
        return args[0][args[1] if len(args) > 1 else kwargs["key"]]
    raise NotImplementedError(f"the operation keras.ops {kind} is not known here")
