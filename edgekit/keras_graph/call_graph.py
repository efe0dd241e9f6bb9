"""The call graph of a Sequential or Functional model of either Keras: its calls in order, and replaying them on other tensors.

Nested models are replayed in place and not called as layers, so that what is made is flat. Nothing is known here of what a replayed
call makes: `Replay` is told that by those that rebuild a model for tf_keras, or flatten it in Keras 3.
"""

from __future__ import annotations

import inspect
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any

from edgekit.errors import EdgekitError, ModelError


def graph_of(model: Any, where: str) -> Any:
    """The object that holds the call graph: a Functional model itself, or the one inside a Sequential; raises `ModelError` without one."""
    graph = inner_graph(model)
    if graph is None:
        kind = type(model).__name__
        built = "call it once on a batch of samples" + (", or give it an Input" if kind == "Sequential" else "")
        raise ModelError(
            f"a {kind} model that was never built: the shapes of its inputs are not known", where=where, received=kind,
            allowed="Functional, Sequential with an Input, or a model that was called before it is returned or saved", next_step=built,
        )  # fmt: skip
    return graph


def inner_graph(operation: Any) -> Any:
    """The call graph of a model, or of a model that is called as a layer; None where there is none."""
    graph = getattr(operation, "_functional", None) or operation
    return graph if getattr(graph, "_nodes_by_depth", None) else None


def flat(tensors: Any) -> list[Any]:
    """The tensors of a nested structure, in the order of both Keras: a dict's by its sorted keys."""
    if isinstance(tensors, dict):
        return [tensor for key in sorted(tensors) for tensor in flat(tensors[key])]
    return [part for tensor in tensors for part in flat(tensor)] if isinstance(tensors, list | tuple) else [tensors]


def structures(graph: Any) -> tuple[Any, Any]:
    """The structures in which a model's user gave its inputs and its outputs, dicts in their own order; None where Keras keeps none."""
    kept = (("_inputs_struct", "_nested_inputs"), ("_outputs_struct", "_nested_outputs"))
    found = [next((getattr(graph, name) for name in names if hasattr(graph, name)), None) for names in kept]
    return found[0], found[1]


def filled(structure: Any, tensors: Iterator[Any]) -> Any:
    """A structure with other tensors, which come in the order of `flat`."""
    if isinstance(structure, dict):
        found = {key: filled(structure[key], tensors) for key in sorted(structure)}
        return {key: found[key] for key in structure}
    if isinstance(structure, list | tuple):
        return type(structure)(filled(part, tensors) for part in structure)
    return next(tensors)


def as_given(structure: Any, tensors: list[Any]) -> list[Any]:
    """Tensors in the order in which the user gave them, from the order of `flat`.

    >>> as_given({"zeta": None, "alpha": [None, None]}, [1, 2, 3])
    [3, 1, 2]
    """
    return list(tensors) if structure is None else list(leaves(filled(structure, iter(tensors))))


def as_flat(structure: Any, tensors: list[Any]) -> list[Any]:
    """The inverse of `as_given`."""
    order = as_given(structure, list(range(len(tensors))))
    return [tensor for _, tensor in sorted(zip(order, tensors, strict=True), key=lambda pair: pair[0])]


def leaves(structure: Any) -> Iterator[Any]:
    """The leaves of a nested structure in the order in which its user gave them."""
    if isinstance(structure, dict | list | tuple):
        for part in structure.values() if isinstance(structure, dict) else structure:
            yield from leaves(part)
    else:
        yield structure


def calls(graph: Any) -> Iterator[tuple[Any, Any, Any, Any]]:
    """(layer or operation, args, kwargs, outputs) of each call in execution order, for the nodes of either Keras."""
    for depth in sorted(graph._nodes_by_depth, reverse=True):
        for node in graph._nodes_by_depth[depth]:
            if node.is_input:
                continue
            if hasattr(node, "operation"):  # Keras 3
                kwargs = _without_default_training(node.operation, node.arguments.kwargs)
                yield node.operation, node.arguments.args, kwargs, node.output_tensors
            else:  # tf_keras
                yield node.layer, node.call_args, node.call_kwargs, node.outputs


def symbolic(arguments: Any) -> list[Any]:
    """The symbolic tensors among the arguments of a call."""
    return [part for part in flat(arguments) if hasattr(part, "_keras_history")]


def maker(tensor: Any) -> Any:
    """The layer or operation that a symbolic tensor of either Keras comes from."""
    history = tensor._keras_history
    return getattr(history, "operation", None) or history.layer


def dtype_name(tensor: Any) -> str:
    """The dtype of a symbolic tensor of either Keras: "float32"."""
    return str(getattr(tensor.dtype, "name", tensor.dtype))


def plain_name(name: str) -> str:
    """A layer's name as TensorFlow bears it: other signs become underscores, and the first is a letter or a digit.

    >>> plain_name("_entrée 1")
    'x_entr_e_1'
    """
    plain = re.sub(
        r"[^A-Za-z0-9_.\\/-]", "_", name
    )  # not ">" either: at a name's end TensorFlow takes it for a scope's
    return plain if re.match(r"[A-Za-z0-9.]", plain) else f"x{plain}"


def layer_name(name: str) -> str:
    """A layer's name as both Kerases bear it: without a slash, too.

    >>> layer_name("block1/conv")
    'block1_conv'
    """
    return plain_name(name).replace("/", "_")


class Names:
    """The names given to the layers of one flat model, besides those `taken`; `renamed` holds the original's names that were replaced, by the new ones.

    A name that is replaced makes way for those of `own`, which other layers have already.
    """

    def __init__(self, taken: Iterable[str] = (), *, own: Iterable[str] = ()) -> None:
        self._names, self._own = set(taken), set(own)
        self.renamed: dict[str, str] = {}

    def unique(self, name: str) -> str:
        """A name that TensorFlow and Keras accept and that was not given before."""
        first = candidate = layer_name(name)
        number = 1
        while candidate in self._names or (first != name and candidate in self._own):
            candidate, number = f"{first}_{number}", number + 1
        self._names.add(candidate)
        if first != name:
            self.renamed[candidate] = name
        return candidate


class Replay(ABC):
    """Calls what a source graph calls, in its order, on other tensors; nested graphs are replayed in place."""

    target: str
    """What a model is made for, in an error."""

    def __init__(self, tools: Any, where: str) -> None:
        self._tools, self._where = tools, where
        self._given = Names()

    @property
    def renamed(self) -> dict[str, str]:
        """The original's names that TensorFlow or Keras does not accept, by the names that stand for them."""
        return self._given.renamed

    def unique(self, name: str) -> str:
        """A name that TensorFlow and Keras accept and that was not given before."""
        return self._given.unique(name)

    @abstractmethod
    def call(self, operation: Any, args: Any, kwargs: Any) -> list[Any]:
        """The tensors that a layer or an operation, which is no graph itself, makes of new arguments."""

    def run(self, graph: Any, inputs: list[Any]) -> list[Any]:
        """The output tensors of a graph fed with `inputs`; raises `ModelError` that names the layer which cannot be called."""
        tensors = {id(old): new for old, new in zip(flat(graph.inputs), inputs, strict=True)}
        for operation, args, kwargs, produced in calls(graph):
            try:
                results = self._called(operation, _mapped(args, tensors), _mapped(kwargs, tensors))
            except EdgekitError:
                raise
            except Exception as problem:
                raise ModelError(
                    f"layer {operation.name!r} of type {type(operation).__name__} cannot be rebuilt for {self.target}",
                    where=self._where,
                    received=f"{type(problem).__name__}: {problem}"[:400],
                    next_step=f"replace it by another layer, or register a version of it for {self.target} in a module and name that with --import",
                ) from problem
            tensors.update(zip((id(tensor) for tensor in flat(produced)), results, strict=True))
        return [tensors[id(tensor)] for tensor in flat(graph.outputs)]

    def _called(self, operation: Any, args: Any, kwargs: Any) -> list[Any]:
        inner = inner_graph(operation)
        return self.call(operation, args, kwargs) if inner is None else self.run(inner, flat(args))


def _without_default_training(operation: Any, kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a Keras 3 call, without a `training` that is True or the default of the layer's `call`.

    Keras 3 records that default (True for RandomFlip, False for Dropout, GaussianNoise and LSTM) as if it were given, and tf_keras would obey it
    for good: the layer would be active always, or never, even in a fine-tune. Keras 3 ignores a True if the model is called with False.
    """
    if "training" not in kwargs:
        return kwargs
    parameter = inspect.signature(operation.call).parameters.get("training")
    default = None if parameter is None else parameter.default
    if kwargs["training"] is not True and kwargs["training"] is not default:
        return kwargs
    return {name: value for name, value in kwargs.items() if name != "training"}


def _mapped(value: Any, tensors: dict[int, Any]) -> Any:
    """Arguments of a call with the source graph's tensors replaced by the new ones."""
    if isinstance(value, dict):
        return {key: _mapped(part, tensors) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_mapped(part, tensors) for part in value)
    return tensors.get(id(value), value)
