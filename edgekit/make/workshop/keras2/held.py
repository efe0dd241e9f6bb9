"""A layer of Keras 2 that Keras 3 has no twin of, held closed inside a layer of Keras 3: trained, stored and converted with the rest.

The held layer's variables are the weights of the layer around it. It is made again from its class and its settings, so the class must be one of
Keras 2 itself, or registered with it.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

from edgekit.errors import ModelError
from edgekit.keras_graph.call_graph import dtype_name
from edgekit.make.workshop.door import Door
from edgekit.make.workshop.keras2.arguments import packed, unpacked
from edgekit.make.workshop.own_code import make_known

CALLS_BY_NAME = ("Lambda", "TFOpLambda", "SlicingOpLambda", "ClassMethod", "InstanceMethod", "InstanceProperty")
"""Layers of Keras 2 whose settings say what is called: never made from a file's words, nor of use without tensors of their own kind."""


def held(tools: Door, layer: Any, args: Any, kwargs: Any, name: str) -> Any:
    """The layer of Keras 3 that holds a layer of Keras 2, to be called with the tensors among the arguments; raises `ModelError` if it is not registered."""
    call, tensors = packed(args, kwargs)
    make_known(tools, layer, where=layer.name)
    kind = registered_name(tools, layer)
    if _class(tools, kind) is not type(layer):
        raise ModelError(
            f"layer {layer.name!r} of type {type(layer).__name__} is a user's own and not registered, so it cannot be stored",
            where=layer.name, received=kind, allowed="a class that is registered with Keras",
            next_step="put @tf_keras.saving.register_keras_serializable() on it, and name its module with --import",
        )  # fmt: skip
    entering = [[list(tensor.shape), dtype_name(tensor)] for tensor in tensors]
    return held_class(tools)(kind=kind, settings=layer.get_config(), call=call, entering=entering, name=name)


def is_held(layer: Any) -> bool:
    """Whether a layer of Keras 3 is one of ours that holds a layer of Keras 2."""
    return type(layer).__name__ == "Keras2Layer"


def registered_name(tools: Door, layer: Any) -> str:
    """The name under which a layer's class is known to Keras 2; of one of its own, the module and the class."""
    kind = type(layer)
    if kind.__module__.startswith("tf_keras."):
        return f"{kind.__module__}:{kind.__name__}"
    return str(tools.keras.saving.get_registered_name(type(layer)))


def _class(tools: Door, kind: str) -> Any:
    """A class of Keras 2, or one that was registered with it; None for anything else, since a file may name anything."""
    module, _, name = kind.partition(":")
    if name and module.startswith("tf_keras."):
        every = _subclasses(tools.keras.layers.Layer)
        found = next((one for one in every if (one.__module__, one.__name__) == (module, name)), None)
    else:
        found = tools.keras.saving.get_registered_object(kind) or tools.keras.utils.get_custom_objects().get(kind)
    if not isinstance(found, type) or not issubclass(found, tools.keras.layers.Layer):
        return None
    return None if found.__name__ in CALLS_BY_NAME else found


def _subclasses(kind: Any) -> Iterator[Any]:
    for one in kind.__subclasses__():
        yield one
        yield from _subclasses(one)


@functools.cache
def held_class(tools: Door) -> Any:
    """The class of the layer around, registered under a name by which a stored model finds it."""
    keras = tools.keras3

    @keras.saving.register_keras_serializable("edgekit")
    class Keras2Layer(keras.layers.Layer):  # type: ignore[misc, name-defined]
        def __init__(self, kind: str, settings: dict[str, Any], call: Any, entering: Any, **given: Any) -> None:
            super().__init__(**{**given, "autocast": False})
            self.packed = call
            self._stored = {"kind": kind, "settings": settings, "call": call, "entering": entering}
            inner = self._made(tools, kind, dict(settings))
            inputs = [tools.keras.layers.Input(batch_shape=shape, dtype=dtype) for shape, dtype in entering]
            args, kwargs = unpacked(call, inputs)
            inner(*args, **kwargs)  # which builds it and all that is inside
            self.inner = lambda: inner  # a function, so that Keras does not look for layers of its own in it
            for variable in inner.weights:
                trainable = any(variable is one for one in inner.trainable_weights)
                self._adopt(variable, trainable=trainable)
            self.built = True

        @staticmethod
        def _made(tools: Door, kind: str, settings: dict[str, Any]) -> Any:
            found = _class(tools, kind)
            if found is None:
                raise ModelError(
                    "a layer of Keras 2 that is not known here", where="model", received=kind,
                    next_step="name the module that defines and registers it with --import",
                )  # fmt: skip
            known = tools.keras.utils.get_custom_objects().items()
            bare = {name.rpartition(">")[2].rpartition(".")[2]: one for name, one in known}
            with tools.keras.utils.custom_object_scope(bare):  # by which Keras 2's wrappers look for what is inside
                return found.from_config(settings)

        def _adopt(self, variable: Any, *, trainable: bool) -> None:
            """Make a variable of the held layer a weight of this one."""
            leaf = variable.name.rpartition("/")[2].partition(":")[0]
            weight = self.add_weight(
                shape=variable.shape, dtype=variable.dtype.name, trainable=trainable, name=leaf, initializer="zeros"
            )
            weight._value = variable

        def call(self, *tensors: Any, training: bool = False) -> Any:
            args, kwargs = unpacked(self.packed, list(tensors))
            if self.inner()._expects_training_arg:
                kwargs["training"] = training
            return self.inner()(*args, **kwargs)

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), **self._stored}

    return Keras2Layer
