"""Inputs that are held at values, made constants of the graph: what hangs on them alone is then computed beforehand, as the choice of a branch."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence

import numpy as np

from edgekit.errors import ProjectError
from edgekit.onnx_file.held import WHERE, HeldInput
from edgekit.onnx_graph.entrance import fixed_batches
from edgekit.onnx_graph.graph import OnnxGraph


def with_held(graph: OnnxGraph, held: Sequence[HeldInput]) -> OnnxGraph:
    """The graph with these inputs among its constants; raises `ProjectError` for one that has another value in each sample of a batch that the file fixes."""
    names = {one.name for one in held}
    fed = dataclasses.replace(graph, inputs=tuple(one for one in graph.inputs if one.name not in names))
    batches = fixed_batches(fed) if held else ()
    arrays = {one.name: _of_one_sample(one, batches) for one in held}
    return dataclasses.replace(fed, constants={**graph.constants, **arrays})


def _of_one_sample(held: HeldInput, batches: Collection[int]) -> np.ndarray:
    """The value of one sample, where the first of several axes has the size of a batch."""
    array = held.array()
    if array.ndim < 2 or len(array) not in batches:
        return array
    if (array != array[:1]).any():
        raise ProjectError(
            f"the input {held.name!r} is held at another value for each sample of a batch", where=f"{WHERE}.{held.name}", received=held.words,
            allowed=f"the same for all {len(array)} samples of the batch that the file fixes: a device feeds one",
            next_step="write one value alone, which then stands everywhere, or the same for each sample; or export the model with batch 1",
        )  # fmt: skip
    return array[:1]
