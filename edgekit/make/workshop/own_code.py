"""The user's own classes and functions in a model: named beside the stored model by module and qualified name, and imported when it is opened.

Keras finds such code only where it was registered with it, so it is registered here, under those names. Nothing is imported that was not
already in the process which stored the model: a stranger's file has no classes but those of Keras and of modules that the user named.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import json
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType
from typing import Any, NamedTuple

from edgekit.errors import ModelError
from edgekit.make.workshop.door import Door
from edgekit.project.userfunction import import_modules, loaded

FILE = "own_code.json"
TENSORFLOW = "tensorflow"
KNOWN = ("keras", "tf_keras", "tensorflow_model_optimization", "edgekit", "builtins", "numpy")
"""Packages whose classes are found without a name beside the model."""


class Own(NamedTuple):
    """A class or function of the user's, and a layer that has it; Keras can do `without` where it stores the code of a lambda itself."""

    thing: Any
    layer: Any
    without: bool


def make_known(tools: Door, model: Any, *, where: str) -> None:
    """Register what a model or a layer has of the user's own; raises `ModelError` for what no other process could import."""
    for own in _own_code(model):
        _made_again_as_stored(own.thing)
        if _registered(tools, own.thing):
            continue
        name = _name_of(own.thing)
        if name is not None:
            _register(tools, own.thing, name)
        elif not own.without:
            raise _not_importable(own, where)


def write_names(model: Any, folder: Path) -> None:
    """Write the names of a model's own code to its folder, for `read_names`."""
    names = {name for own in _own_code(model) if (name := _name_of(own.thing)) is not None}
    if names:
        (folder / FILE).write_text(json.dumps(sorted(names)), encoding="utf-8")


def read_names(tools: Door, folder: Path, *, root: Path) -> dict[str, Any]:
    """Import and register the code that is named in a folder, the user's modules from `root`; returns its functions by their bare names."""
    path, functions = folder / FILE, {}
    for name in json.loads(path.read_text(encoding="utf-8")) if path.exists() else ():
        module = name.partition(":")[0]
        if module != TENSORFLOW:
            import_modules([module], root=root, error=ModelError)
        thing = _found(name)
        if thing is None:
            raise ModelError("the model's own code is not where it was", where=name, next_step="build again")
        _made_again_as_stored(thing)
        if not _registered(tools, thing):
            _register(tools, thing, name)
        if not isinstance(thing, type):
            functions[thing.__name__] = thing
    return functions


def _own_code(model: Any) -> Iterator[Own]:
    """The classes and functions of a model or a layer that are not of Keras, each once."""
    seen: set[int] = set()
    for layer in _layers(model):
        is_own, is_lambda = _is_own(type(layer)), type(layer).__name__ == "Lambda"
        parts = (
            [] if _top(type(layer)) == "edgekit" else [one for value in vars(layer).values() for one in _parts(value)]
        )
        for thing in (type(layer), *parts):
            if _is_own(thing) and id(thing) not in seen:
                seen.add(id(thing))
                is_kept = is_own and thing is not type(layer)  # its constructor makes it again
                yield Own(thing, layer, is_kept or (is_lambda and thing.__name__ == "<lambda>"))


def _layers(model: Any) -> Iterator[Any]:
    """All layers, those inside of other layers and those of Keras 2 that are held in one of Keras 3 too."""
    for layer in model._flatten_layers():
        yield layer
        if type(layer).__name__ == "Keras2Layer":
            yield from (layer.inner(), *layer.inner().submodules)
    if not _of(type(model), "keras"):
        yield from model.submodules


def _parts(value: Any) -> Iterator[Any]:
    """Functions in an attribute of a layer, and classes of initializers, regularizers and the like."""
    if isinstance(value, list | tuple):
        for one in value:
            yield from _parts(one)
    elif isinstance(value, FunctionType):
        yield value
    elif hasattr(type(value), "get_config") and not hasattr(value, "_flatten_layers"):
        yield type(value)


def _is_own(thing: Any) -> bool:
    return _top(thing) not in KNOWN and not (isinstance(thing, type) and _top(thing) == TENSORFLOW)


def _top(thing: Any) -> str:
    return str(getattr(thing, "__module__", "")).partition(".")[0]


def _name_of(thing: Any) -> str | None:
    """The name by which another process finds a thing; None if it finds it by none."""
    if _top(thing) == TENSORFLOW:
        symbol = _exports().get_canonical_name_for_symbol(thing)
        return f"{TENSORFLOW}:{symbol}" if symbol else None
    name = f"{thing.__module__}:{thing.__qualname__}"
    return name if thing.__module__ != "__main__" and _found(name) is thing else None


def _found(name: str) -> Any:
    module, _, path = name.partition(":")
    if module == TENSORFLOW:
        return _exports().get_symbol_from_name(path)
    return loaded(module, path)


def _exports() -> Any:
    return importlib.import_module("tensorflow.python.util.tf_export")


def _kerases(tools: Door, thing: Any) -> list[Any]:
    """The Kerases that a thing is of use in: a class's own, both for a function."""
    own = [keras for name, keras in (("keras", tools.keras3), ("tf_keras", tools.keras)) if _of(thing, name)]
    return own or [tools.keras3, tools.keras]


def _of(thing: Any, package: str) -> bool:
    return any(_top(base) == package for base in getattr(thing, "__mro__", ()))


def _registered(tools: Door, thing: Any) -> bool:
    return all(
        keras.saving.get_registered_object(keras.saving.get_registered_name(thing)) is thing
        for keras in _kerases(tools, thing)
    )


def _register(tools: Door, thing: Any, name: str) -> None:
    module, _, path = name.partition(":")
    for keras in _kerases(tools, thing):
        keras.saving.register_keras_serializable(module, path)(thing)


def _made_again_as_stored(thing: Any) -> None:
    """Let a layer of Keras 3 keep its name, and be made again where its constructor takes no name, dtype or `trainable`: Keras stores these always."""
    if not _of(thing, "keras") or any("from_config" in vars(base) for base in thing.__mro__ if _is_own(base)):
        return
    parameters = inspect.signature(thing.__init__).parameters
    takes_any = any(one.kind is one.VAR_KEYWORD for one in parameters.values())
    left = set() if takes_any else {"name", "trainable", "dtype"} - set(parameters)
    settings = thing.get_config

    @functools.wraps(settings)  # with the mark of Keras's own, by which it stores a constructor's arguments
    def get_config(self: Any) -> dict[str, Any]:
        return {**settings(self), "name": self.name}

    def from_config(kind: Any, config: dict[str, Any]) -> Any:
        made = kind(**{key: value for key, value in config.items() if key not in left})
        for key in left & {"name", "trainable"} & set(config):
            setattr(made, key, config[key])
        return made

    if issubclass(thing, importlib.import_module("keras").layers.Layer):
        thing.get_config, thing.from_config = get_config, classmethod(from_config)


def _not_importable(own: Own, where: str) -> ModelError:
    layer, kind = own.layer, type(own.layer).__name__
    what = f"of type {kind} is" if own.thing is type(layer) else f"has {own.thing.__name__!r}, which is"
    return ModelError(
        f"layer {layer.name!r} {what} defined inside a function, so that the stored model cannot be read again",
        where=where, received=f"{own.thing.__module__}.{own.thing.__qualname__}",
        allowed="classes and functions that can be imported by their module and name",
        next_step="move the definition to the top of its module; "
        "or put register_keras_serializable() on it there, and name the module with --import",
    )  # fmt: skip
