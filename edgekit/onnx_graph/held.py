"""Inputs that are held at values, made constants of the graph: what hangs on them alone is then computed beforehand, as the choice of a branch."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from edgekit.onnx_file.held import HeldInput
from edgekit.onnx_graph.graph import OnnxGraph


def with_held(graph: OnnxGraph, held: Sequence[HeldInput]) -> OnnxGraph:
    """The graph with these inputs among its constants."""
    arrays = {one.name: one.array() for one in held}
    inputs = tuple(one for one in graph.inputs if one.name not in arrays)
    return dataclasses.replace(graph, inputs=inputs, constants={**graph.constants, **arrays})
