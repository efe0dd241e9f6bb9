"""An ONNX file made a Keras 3 model: the graph is read, simplified, and each node is built by its operator's file."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edgekit.errors import ModelError
from edgekit.onnx_file.held import HeldInput
from edgekit.onnx_graph.conditions import deciding
from edgekit.onnx_graph.entrance import entrances
from edgekit.onnx_graph.fold import folded, without_constant_nodes
from edgekit.onnx_graph.fused import fused
from edgekit.onnx_graph.graph import DEFAULT_DOMAINS, Declared, Node, OnnxGraph
from edgekit.onnx_graph.held import with_held
from edgekit.onnx_graph.imported import Imported, Inner
from edgekit.onnx_graph.layout import CHANNELS_LAST, Laid, fresh, has_order, plain_order
from edgekit.onnx_graph.operators import operators
from edgekit.onnx_graph.ports import Port
from edgekit.onnx_graph.read import read_model
from edgekit.onnx_graph.refused import Refusals, stand_ins
from edgekit.onnx_graph.scaled import with_own_scales
from edgekit.onnx_graph.scaled_before import with_scales_in_kernels
from edgekit.onnx_graph.step import CannotExpress, Making, Operand, Step, Unfit
from edgekit.onnx_graph.unfit import require_runs

SHOWN = 6
"""So many layers are named in a sentence."""
WEIGHT = (".weight", ".kernel")


def imported(
    path: Path, keras: Any, sizes: Mapping[str, tuple[int, ...]] | None = None, held: Sequence[HeldInput] = ()
) -> Imported:
    """The flat Keras 3 model of an ONNX file.

    `sizes` are the shapes of inputs by name, in ONNX's order, with or without the batch; they fill dimensions that the file leaves free. Inputs that
    are `held` at values are constants, and none of the model's.
    Raises `ModelError` for a file that cannot be read or a dimension that nobody gives, `RefusedOperators` for what cannot be expressed, `DataError`
    for sizes on which the network does not run.
    """

    def ask(ports: Sequence[Port], places: Sequence[str]) -> None:
        require_runs(path, ports, places, held, by_data=bool(sizes))

    graph = with_held(read_model(path, {one.name for one in held}), held)
    return dataclasses.replace(build(graph, keras, sizes, where=str(path), ask=ask), held=tuple(held))


def build(
    graph: OnnxGraph,
    keras: Any,
    sizes: Mapping[str, tuple[int, ...]] | None = None,
    *,
    where: str,
    ask: Callable[[Sequence[Port], Sequence[str]], None] | None = None,
) -> Imported:
    """The same of a graph that was read. `ask` raises if sizes that do not go together are the file's or the data's fault."""
    graph = with_scales_in_kernels(fused(with_own_scales(without_constant_nodes(graph))))
    walk = _Walk(graph, keras, where)
    ports = tuple(walk.enter(port) for port in entrances(graph, sizes or {}, where))
    for node in graph.nodes:
        walk.build(node)
    if ask is not None and walk.refusals.unfit:
        ask(ports, walk.refusals.unfit)
    walk.refusals.check(where)
    outputs = [walk.leave(one.name) for one in graph.outputs]
    model = keras.Model(inputs=walk.entered, outputs=[tensor for tensor, _ in outputs], name="model")
    found = tuple(port for _, port in outputs)
    words = [port.words for port in (*ports, *found) if port.words]
    told = [sentence.format(_some(what)) for sentence, what in walk.making.notes.items()]
    return Imported(
        model=model, inputs=ports, outputs=found, notes=(*words, *_wrongly_declared(graph, found), *told), inner=tuple(walk.inner),
        renamed=walk.renamed,
    )  # fmt: skip


def _wrongly_declared(graph: OnnxGraph, found: Sequence[Port]) -> list[str]:
    """A sentence for each output that the file declares with another shape than its nodes make."""
    batches = {one.shape[0] for one in graph.inputs if one.shape}
    return [
        f"the file declares the output {one.name!r} as {_shown(one.shape)}, and its nodes make {_shown(port.shape)}"
        for one, port in zip(graph.outputs, found, strict=True)
        if one.shape and not _is_as_declared(one, port, batches)
    ]


def _is_as_declared(one: Declared, port: Port, batches: set[int | str]) -> bool:
    """Whether sizes are equal where they are declared; that of a fixed batch is 1 here."""
    pairs = zip(one.shape, port.shape, strict=False)
    same = (isinstance(size, str) or size == made or (made == 1 and size in batches) for size, made in pairs)
    return len(one.shape) == len(port.shape) and all(same)


def _shown(shape: Sequence[int | str]) -> str:
    return f"[{', '.join(str(size or 'free') for size in shape)}]"


class _Walk:
    """The values of a graph while its nodes are built in order."""

    def __init__(self, graph: OnnxGraph, keras: Any, where: str) -> None:
        self._graph, self._where = graph, where
        self.making = Making(keras, graph.opset)
        self.refusals = Refusals()
        self.values: dict[str, Operand] = dict(graph.constants)
        self.entered: list[Any] = []
        self.inner: list[Inner] = []
        self._makers: dict[str, Node] = {}
        self._bases: set[str] = set()

    @property
    def renamed(self) -> dict[str, str]:
        """The names of nodes and weights that neither TensorFlow nor Keras accepts, by the names of the layers."""
        return {new: old for new, old in self.making.names.renamed.items() if old in self._bases}

    def enter(self, port: Port) -> Port:
        """Make an input."""
        name = self.making.names.unique(port.name)
        tensor = self.making.keras.Input(port.keras_shape, dtype=port.dtype, name=name)
        self.entered.append(tensor)
        order = port.order[1:] if port.has_batch else port.order
        self.values[port.name] = fresh(tensor, port.shape, order)
        return dataclasses.replace(port, keras_name=name)

    def build(self, node: Node) -> None:
        """Build a node, or note why it cannot be."""
        self._makers.update(dict.fromkeys(node.outputs, node))
        condition = self.values.get(node.inputs[0]) if node.operator == "If" else None
        if isinstance(condition, np.ndarray):
            self._build_branch(node, bool(condition.reshape(-1)[0]))
            return
        if any(name and name not in self.values for name in node.inputs):
            self.refusals.skip(node, known=_is_known(node), to_hold=self._to_hold(node))
            return
        inputs = [self.values[name] if name else None for name in node.inputs]
        try:
            made = self._made(node, inputs)
        except CannotExpress as problem:
            is_unfit, to_hold = isinstance(problem, Unfit), self._to_hold(node)
            self.refusals.add(node, problem.reason, problem.advice, is_unfit=is_unfit, to_hold=to_hold)
            made = stand_ins(self._graph, self._where, node, self.values, self.making.keras)
        for name, value in zip(node.outputs, made, strict=False):
            if name and value is not None:
                self.values[name] = value
                if isinstance(value, Laid):
                    self.inner.append(Inner(place=node.place, value=name, laid=value))

    def _to_hold(self, node: Node) -> dict[str, str]:
        """Of a refused `If` the inputs that choose its branch, with values to hold them at."""
        if node.operator != "If":
            return {}
        return deciding(node.inputs[0], self._makers, self._graph.inputs, self.values)

    def _build_branch(self, node: Node, condition: bool) -> None:
        """Build the branch of an `If` whose condition is known, as exporters write what depends on sizes."""
        branch = node.attributes["then_branch" if condition else "else_branch"]
        self.values.update(branch.constants)
        for inner in branch.nodes:
            self.build(inner)
        known = zip(node.outputs, branch.outputs, strict=True)
        self.values.update({name: self.values[inner] for name, inner in known if inner in self.values})

    def _made(self, node: Node, inputs: Sequence[Operand | None]) -> Sequence[Operand | None]:
        if not any(isinstance(one, Laid) for one in inputs):
            known = folded(node, [one for one in inputs if not isinstance(one, Laid)], self._graph.opset)
            if known is not None:
                return known
        if not _is_known(node):
            raise CannotExpress(_why_unknown(node), "")
        base = self._base(node)
        self._bases.add(base)
        step = Step(self.making, node, inputs, base)
        try:
            made = operators()[node.operator](step)
        except CannotExpress:
            raise
        except Exception as problem:  # Keras has its own words for what it cannot make
            raise Unfit(f"{type(problem).__name__}: {' '.join(str(problem).split())[:200]}") from problem
        return made if isinstance(made, list | tuple) else (made,)

    def _base(self, node: Node) -> str:
        """A readable name: of the weight that the node has, else its own, else its operator's."""
        for name in node.inputs[1:2]:
            if name in self._graph.constants and name.endswith(WEIGHT):
                return name.rpartition(".")[0]
        found = node.name or node.operator.lower()
        return found.strip("/").replace("/", "_") or node.operator.lower()

    def leave(self, name: str) -> tuple[Any, Port]:
        """The Keras tensor of an output: in ONNX's order, but for pictures whose channels come last."""
        value = self.values[name]
        node = Node(operator="output", domain="", name="", inputs=(name,), outputs=(name,), attributes={})
        step = Step(self.making, node, [value], name)
        if not isinstance(value, Laid):
            value = self._same_for_all(step, value)
        has_batch = value.rank > 0 and value.shape[0] == 1
        pictures = value.rank == 4 and has_batch and has_order(value, CHANNELS_LAST)
        order = CHANNELS_LAST if pictures else plain_order(value.shape)
        tensor = step.by_order(value, order)
        if any(tensor is one for one in self.entered):
            tensor = step.layer("Identity", suffix="output")(tensor)
        full = (0, *order) if has_batch else order
        keras_name = str(tensor._keras_history.operation.name)
        port = Port(
            name=name,
            shape=value.shape,
            dtype=str(tensor.dtype),
            order=full,
            has_batch=has_batch,
            keras_name=keras_name,
        )
        return tensor, port

    def _same_for_all(self, step: Step, array: np.ndarray) -> Laid:
        """An output that no input changes."""
        like = next((one for one in self.values.values() if isinstance(one, Laid)), None)
        if like is None:
            raise ModelError("a model without inputs", where=self._where, next_step="export the network with its input")
        order = plain_order(array.shape)
        return step.made(step.repeated(array, order, like), array.shape, order)


def _some(what: Sequence[str]) -> str:
    """The first few of what a sentence is true of, and how many more there are."""
    found = list(dict.fromkeys(what))
    return ", ".join(found[:SHOWN]) + (f" and {len(found) - SHOWN} more" if len(found) > SHOWN else "")


def _is_known(node: Node) -> bool:
    return node.domain in DEFAULT_DOMAINS and node.operator in operators()


def _why_unknown(node: Node) -> str:
    if node.domain not in DEFAULT_DOMAINS:
        return f"the operator is of {node.domain!r} and not of ONNX"
    return "no layer of Keras is known for the operator"
