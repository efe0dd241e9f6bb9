"""An operator of the lowered graph as its factors: two or three operators, the last with the operator's own name, bias and output."""

from __future__ import annotations

import math
from collections.abc import Collection

from msgspec.structs import replace

from edgekit.cost.graph import Graph, Node
from edgekit.techniques.factors.choose import planned
from edgekit.techniques.factors.shape import Factors, Shape
from edgekit.techniques.sites import LAYER_KINDS

FIRST, CORE = "_low_rank", "_low_rank_core"
"""What the layers before the last are called, behind the layer's own name."""


def whole_of(node: Node, names: Collection[str]) -> Shape | None:
    """The sizes of an operator's kernel where it can be factorised; None for others.

    It is of a dense layer or a convolution without groups, called once; its sizes are known; and `names`, those of all
    operators, leave its factors their names: a layer of the network itself may have one of them.
    """
    window = (*node.kernel_size, 1, 1)[:2]
    given = node.window // math.prod(window)
    whole = Shape(window[0], window[1], given, node.channels)
    fits = node.kind in LAYER_KINDS and node.filter_groups == 1 and len(node.inputs) == 1
    is_known = node.weights > 0 and node.weights == whole.weights and (node.kind == "Dense" or bool(node.places_out))
    return whole if fits and is_known and is_free(node.name, names) else None


def is_free(name: str, names: Collection[str]) -> bool:
    """Whether the factors of a layer can have their names beside those of all layers.

    >>> is_free("conv", {"conv", "conv_low_rank"}), is_free("conv_low_rank", {"conv", "conv_low_rank"})
    (False, True)
    """
    return f"{name}{FIRST}" not in names and f"{name}{CORE}" not in names


def called_as_factors(graph: Graph) -> tuple[str, ...]:
    """The operators of a graph that bear names as factors do, before anything is factorised: they are of the network itself."""
    return tuple(node.name for node in graph.nodes if node.name.endswith((FIRST, CORE)))


def sites(graph: Graph, exclude: Collection[str] = ()) -> dict[str, Shape]:
    """The kernels that can be factorised, by the name of their operator, whether or not it pays."""
    names = {node.name for node in graph.nodes}
    found = {node.name: whole_of(node, names) for node in graph.nodes if node.name not in exclude}
    return {name: whole for name, whole in found.items() if whole is not None}


def factorised(graph: Graph, form: str, left: float, exclude: Collection[str] = ()) -> Graph:
    """The graph with the factors of every kernel that pays at this share of its weights.

    Where the weights decide between two forms, it is the one that computes more. Channels that could go are not followed into factors.
    """
    wholes, nodes = sites(graph, exclude), []
    for node in graph.nodes:
        whole = wholes.get(node.name)
        options = () if whole is None else planned(whole, form, left)
        parts = [operators(node, whole, one) for one in options if whole is not None]
        nodes += max(parts, key=lambda found: sum(one.macs for one in found), default=[node])
    return replace(graph, nodes=tuple(nodes), groups=() if len(nodes) > len(graph.nodes) else graph.groups)


def operators(node: Node, whole: Shape, factors: Factors) -> list[Node]:
    """The operators that stand in the place of one."""
    shapes, found, before = factors.shapes(whole), [], node.inputs
    names = (*(f"{node.name}{FIRST}", f"{node.name}{CORE}")[: len(shapes) - 1], node.name)
    for name, one, (reads, places) in zip(names, shapes, _moves(node, whole, factors), strict=True):
        count = math.prod(places) if places else node.elements // max(node.channels, 1)
        found.append(
            replace(
                node, name=name, inputs=before, elements=count * one.made, weights=one.weights, macs=count * one.weights,
                channels=one.made, window=one.weights // one.made, kernel_size=(one.height, one.width)[: len(node.kernel_size)],
                width=one.made, reads=one.given, places_in=reads, places_out=places, scales=one.made if node.scales == node.channels else node.scales,
                biases=node.biases if name == node.name else 0, zeros=0.0, distinct=None, packed=None,
            )
        )  # fmt: skip
        before = (name,)
    return found


def _moves(node: Node, whole: Shape, factors: Factors) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """The sizes of what each factor reads and makes: a stride is taken along one axis after the other, or at once by the core or a first factor."""
    if factors.form == "tucker":
        return [(node.places_in, node.places_in), (node.places_in, node.places_out), (node.places_out, node.places_out)]
    between = node.places_out if whole.width == 1 else (node.places_out[0], node.places_in[1])
    return [(node.places_in, between), (between, node.places_out)]
