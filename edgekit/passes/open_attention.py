"""Multi-head and grouped-query attention opened into dense layers, products and a softmax.

Inside the closed layer the kernels have three dimensions and no technique finds them. Opened, they are those of four `Dense` layers, each
of which prunes, clusters and is rounded like any other. The scale of the scores, one by the root of a head's size, goes into the query's and the key's
kernels, half into each, so that no operator computes it and neither kernel changes much in size.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from edgekit.keras_graph.flat_graph import Call, FlatGraph, Value
from edgekit.passes.interface import Pass
from edgekit.passes.kinds import kind
from edgekit.passes.masked import Origin, origins_at, takes_mask
from edgekit.passes.rewriting import Rewriting, weighted

KINDS = ("MultiHeadAttention", "GroupedQueryAttention")
HIDDEN = -1e9
"""Added to the scores of masked positions, as Keras does; where every row has a position that is not, less is enough."""
HIDDEN_CAUSAL = -100.0
"""exp(-100) is nothing beside any score of a trained model, and leaves int8 more steps for the scores than -1e9."""
LARGEST_MASK = 2**16
"""A causal mask is stored with the model; above this many positions the layer stays closed."""


class OpenAttention(Pass):
    """Attention along one axis: dense layers named `<layer>_query`, `_key`, `_value` and `_output`."""

    name = "open_attention"
    place = 30
    words = "attention opened into dense layers, which are pruned, clustered and rounded like others"

    def requires(self, tools: Any, graph: FlatGraph) -> Sequence[Call]:
        """The calls of such layers along one axis, without a window, whose Keras masks are those of an `Embedding` or `Masking`."""
        return [call for call, _ in _places(tools, graph)]

    def apply(self, tools: Any, graph: FlatGraph) -> FlatGraph:
        """A layer that is called more than once keeps one set of kernels."""
        places = _places(tools, graph)
        rewriting = Rewriting(tools, graph, [call for call, _ in places])
        for call, masks in places:
            parts = rewriting.once(call.operation, functools.partial(_parts, tools, call.operation))
            output, scores = _Opened(tools, rewriting, call.operation, parts, masks).called(_given(call))
            rewriting.put(call, output, *([scores] if len(call.outputs) > 1 else []))
        return rewriting.done()


Masks = Mapping[str, Call]
"""The calls that made the Keras masks of the query, the key and the value, where these have one."""


def _places(tools: Any, graph: FlatGraph) -> list[tuple[Call, Masks]]:
    if not any(kind(call) in KINDS for call in graph.calls):
        return []
    found: list[tuple[Call, Masks]] = []
    users = graph.users()
    for call, origins in zip(graph.calls, origins_at(tools, graph), strict=True):
        if kind(call) not in KINDS or not _can_be_opened(call):
            continue
        given, by_value = _given(call), dict(zip(call.inputs, origins, strict=True))
        masks = {part: by_value[given[part]] for part in ("query", "key", "value") if by_value[given[part]] is not None}
        if not masks or (
            _are_known(call, masks) and not any(takes_mask(users, value) for value in (*call.inputs, *call.outputs))
        ):
            found.append((call, {part: origin for part, origin in masks.items() if isinstance(origin, Call)}))
    return found


def _are_known(call: Call, masks: Mapping[str, Origin | None]) -> bool:
    """Whether masks can be made again, for lengths that are known; attention may have one argument more than Keras masks."""
    lengths = [value.shape[0] for value in call.inputs[:2]]
    return None not in lengths and all(isinstance(origin, Call) for origin in masks.values())


def _given(call: Call) -> dict[str, Any]:
    """The arguments of a call by name."""
    bound = inspect.signature(call.operation.call).bind(*call.args, **call.kwargs)
    bound.apply_defaults()
    given: dict[str, Any] = dict(bound.arguments)
    return given | {"key": given["value"] if given["key"] is None else given["key"]}


def _can_be_opened(call: Call) -> bool:
    layer, given = call.operation, _given(call)
    ends = [given[name] for name in ("query", "key", "value")]
    if not all(isinstance(value, Value) and len(value.shape) == 2 for value in ends):
        return False
    if any(given[name] is not None for name in ("query_mask", "key_mask", "value_mask")) or _of(
        layer, "sliding_window"
    ):
        return False
    queries, keys = ends[0].shape[0], ends[1].shape[0]
    is_grouped = kind(call) == "GroupedQueryAttention"
    if None in (queries, keys) and (is_grouped or given["use_causal_mask"]):
        return False
    if given["use_causal_mask"] and queries * keys > LARGEST_MASK:
        return False
    mask, shape = given["attention_mask"], getattr(layer, "_output_shape", None)
    takes_mask = mask is None or (isinstance(mask, Value) and len(mask.shape) in (2, 3) and None not in mask.shape)
    return takes_mask and (shape is None or len(shape) == 1)


def _of(layer: Any, name: str) -> Any:
    """A setting of a layer, which multi-head attention keeps with an underscore."""
    return getattr(layer, f"_{name}", None) or getattr(layer, name, None)


def _heads(layer: Any) -> tuple[int, int, int, int]:
    """Heads of the query, of key and value, and the sizes of a key and of a value."""
    if type(layer).__name__ == "GroupedQueryAttention":
        return layer.num_query_heads, layer.num_key_value_heads, layer.head_dim, layer.head_dim
    return layer.num_heads, layer.num_heads, layer.key_dim, layer.value_dim


def _causal(queries: Any, keys: Any) -> np.ndarray:
    """One where a query sees a position, up to its own, else zero."""
    return np.tril(np.ones((1, 1, queries, keys), np.float32))


def _parts(tools: Any, layer: Any) -> dict[str, Any]:
    """The layers with weights, built, and dropout where there is any."""
    root = _heads(layer)[2] ** -0.25
    scales = {"query": root, "key": root}
    parts = {
        part: _dense(tools, layer, part, getattr(layer, f"_{part}_dense"), scales.get(part, 1.0))
        for part in ("query", "key", "value", "output", "gate")
        if part != "gate" or _of(layer, "use_gate")
    }
    if _of(layer, "dropout"):
        parts["dropout"] = tools.keras3.layers.Dropout(
            _of(layer, "dropout"), seed=layer.seed, name=f"{layer.name}_dropout"
        )
    return parts


def _dense(tools: Any, layer: Any, part: str, closed: Any, scale: float) -> Any:
    """The dense layer of one of its projections, whose kernel has the heads in one dimension."""
    kernel, bias = np.asarray(closed.kernel), closed.bias
    rows = int(np.prod(kernel.shape[:-1])) if part == "output" else kernel.shape[0]
    made = tools.keras3.layers.Dense(
        kernel.size // rows, activation=closed.activation, use_bias=bias is not None, dtype=layer.dtype_policy,
        trainable=layer.trainable, kernel_regularizer=closed.kernel_regularizer, name=f"{layer.name}_{part}",
    )  # fmt: skip
    weights = [kernel.reshape(rows, -1)] + ([np.asarray(bias).reshape(-1)] if bias is not None else [])
    return weighted(made, (rows,), *(weight * scale for weight in weights))


class _Opened:
    """Makes the calls that one call of an attention layer becomes."""

    def __init__(self, tools: Any, rewriting: Rewriting, layer: Any, parts: dict[str, Any], masks: Masks) -> None:
        self._masks = masks
        self._tools, self._rewriting, self._layer, self._parts = tools, rewriting, layer, parts
        self._layers = tools.keras3.layers
        self._heads, self._groups, self._key_size, self._value_size = _heads(layer)

    def called(self, given: dict[str, Any]) -> tuple[Value, Value]:
        """The output and the attention scores."""
        query, value = given["query"], given["value"]
        self._returns_scores = bool(given["return_attention_scores"])
        queries, keys = query.shape[0], value.shape[0]
        lines = queries if self._groups == self._heads else queries * self._heads // self._groups
        scores = self._product(self._query(query), self._by_head("key", given["key"], self._key_size, (2, 3, 1)))
        shares = self._shares(scores, given, (self._heads, queries, keys))
        kept = self._call(self._parts["dropout"], shares) if "dropout" in self._parts else shares
        kept = self._shaped(kept, (self._groups, lines, keys), "grouped")
        mixed = self._product(kept, self._by_head("value", value, self._value_size, (2, 1, 3)))
        if self._groups != self._heads:
            mixed = self._shaped(mixed, (self._heads, queries, self._value_size), "heads")
        mixed = self._call(self._layers.Permute((2, 1, 3), name=self._name("mixed")), mixed)
        joined = self._shaped(mixed, (queries, self._heads * self._value_size), "joined")
        if "gate" in self._parts:
            gate = self._call(self._parts["gate"], query)
            joined = self._call(self._operation("Multiply", "gated"), joined, gate)
        return self._call(self._parts["output"], joined), shares

    def _query(self, query: Value) -> Value:
        """The query by head; heads that share a key are lines of one matrix."""
        found = self._by_head("query", query, self._key_size, (2, 1, 3), self._heads)
        if self._groups == self._heads:
            return found
        lines = query.shape[0] * self._heads // self._groups  # type: ignore[operator]
        return self._shaped(found, (self._groups, lines, self._key_size), "query_groups")

    def _by_head(self, part: str, value: Value, size: int, order: Sequence[int], heads: int | None = None) -> Value:
        flat = self._call(self._parts[part], value)
        split = self._shaped(flat, (value.shape[0], heads or self._groups, size), f"{part}_split")
        return self._call(self._layers.Permute(order, name=self._name(f"{part}_heads")), split)

    def _shares(self, scores: Value, given: dict[str, Any], shape: tuple[int | None, ...]) -> Value:
        """How much of each value is taken: the softmax of the scores that no mask hides."""
        scores, add = self._shaped(scores, shape, "scores_heads"), self._operation("Add", "masked")
        softmax = self._layers.Softmax(dtype=self._layer.dtype_policy, name=self._name("softmax"))
        causal = _causal(*shape[1:]) if given["use_causal_mask"] else None
        seen = self._seen(given, causal)
        if seen is None:
            return self._call(
                softmax, scores if causal is None else self._call(add, scores, (1 - causal) * HIDDEN_CAUSAL)
            )
        hide = self._layers.Rescaling(-HIDDEN, offset=HIDDEN, name=self._name("hidden"))
        shares = self._call(softmax, self._call(add, scores, self._call(hide, seen)))
        if not (self._returns_scores or "dropout" in self._parts):
            return shares
        # here Keras gives a query that sees nothing no value at all, elsewhere all of them alike
        return self._call(self._operation("Multiply", "seen"), shares, seen)

    def _seen(self, given: dict[str, Any], causal: Any) -> Value | None:
        """One where a position is seen, else zero; None without a mask that depends on the input."""
        parts = [self._padding(part, origin) for part, origin in self._masks.items()]
        mask = given["attention_mask"]
        if mask is not None:
            mask = self._shaped(mask, (1, *mask.shape) if len(mask.shape) == 2 else mask.shape, "mask")
            parts.append(self._ones(self._is_seen(mask, alone=not parts and causal is None)))
        if not parts:
            return None
        if causal is not None:
            parts.append(causal)
        return functools.reduce(
            lambda one, other: self._call(self._operation("Multiply", "seen_by_both"), one, other), parts
        )

    def _padding(self, part: str, origin: Call) -> Value:
        """The Keras mask of the query as a column, of the key or the value as a row."""
        (value,), hidden = origin.inputs, getattr(origin.operation, "mask_value", 0)
        there = self._call(self._operation("NotEqual", f"{part}_there"), value, hidden)
        if kind(origin) == "Masking":
            there = self._call(self._tools.keras3.src.ops.numpy.Any(axis=-1, name=self._name(f"{part}_any")), there)
        length = there.shape[0]
        shape = (1, length, 1) if part == "query" else (1, 1, length)
        return self._shaped(self._ones(there), shape, f"{part}_mask")

    def _ones(self, there: Value) -> Value:
        """One where a truth value is true, else zero: a choice of two constants, which has an int8 kernel, as a cast has not."""
        return self._call(self._operation("Where", "ones"), there, np.float32(1), np.float32(0))

    def _is_seen(self, mask: Value, alone: bool) -> Value:
        """Whether a mask lets a position be seen. Numbers count as Keras takes them: its softmax asks for more than a half, else zero hides."""
        if mask.dtype == "bool":
            return mask
        halves = alone and (self._returns_scores or "dropout" in self._parts)
        return self._call(
            self._operation(*(("Greater", "more") if halves else ("NotEqual", "there"))), mask, 0.5 if halves else 0
        )

    def _operation(self, kind: str, part: str) -> Any:
        return getattr(self._tools.keras3.src.ops.numpy, kind)(name=self._name(part))

    def _product(self, one: Value, other: Value) -> Value:
        return self._call(self._operation("Matmul", "product"), one, other)

    def _shaped(self, value: Value, shape: tuple[int | None, ...], part: str) -> Value:
        if value.shape == shape:
            return value
        if self._masks:  # the layer would warn that it takes the mask off, as the closed one did
            return self._call(self._tools.keras3.src.ops.numpy.Reshape((-1, *shape), name=self._name(part)), value)
        target = tuple(-1 if size is None else size for size in shape)
        return self._call(self._layers.Reshape(target, name=self._name(part)), value)

    def _call(self, operation: Any, *values: Any) -> Value:
        return self._rewriting.call(operation, *values)

    def _name(self, part: str) -> str:
        return f"{self._layer.name}_{part}"
