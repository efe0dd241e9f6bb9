"""The job `derive`: a smaller network of the model's own graph, for the model to teach: fewer residual blocks, fewer channels.

It keeps the weights of what stays: of each group of channels those whose filters have the largest norm. The blocks and channels that go are
taken evenly over the whole model, but for the code of an autoencoder, which stays whole; nothing is looked at but the graph and the weights.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from edgekit.errors import ModelError
from edgekit.keras_graph.flat_graph import FlatGraph, model_of, read_graph
from edgekit.make.workshop.door import Door, door
from edgekit.make.workshop.load import FACTS_FILE
from edgekit.make.workshop.model_facts import take_facts
from edgekit.make.workshop.store import open_model, save_model
from edgekit.passes.channels.code import without_codes
from edgekit.passes.channels.groups import Group, channel_groups, left_out
from edgekit.passes.channels.kernels import squares_of
from edgekit.passes.channels.narrow import narrowed
from edgekit.passes.channels.ranges import Channels, read_channels
from edgekit.passes.residual import residual_blocks, without_blocks
from edgekit.progress import Progress
from edgekit.values import to_builtins, to_json

STEP = 4
"""Of a group of twice as many channels or more, a multiple of this stays: what the vectors of int8 kernels take at once."""


def derive(job: dict[str, Any], progress: Progress) -> Any:
    """Write the network derived from the model in `job["model"]`, with its facts, to `job["target"]`.

    `width` and `depth` are the shares of channels and of residual blocks that stay (None: all). The job also holds `sha256`, `root`, `imports`
    and `seed`. Raises `ModelError` where nothing of what was asked for can go.
    """
    tools = door()
    tools.fresh(job["seed"])
    progress("deriving a student", 0, 1)
    graph = read_graph(tools, open_model(tools, Path(job["model"]), (), job))
    if job["depth"] is not None:
        graph = shallower(graph, job["depth"])
    if job["width"] is not None:
        graph = narrower(tools, graph, job["width"])
    model = model_of(tools, graph)
    target = Path(job["target"])
    save_model(model, target)
    facts = take_facts(tools, model, sha256=job["sha256"], kind="derived, Keras 3", losses=(), error=None)
    facts = msgspec.structs.replace(facts, losses=(None,) * len(facts.outputs))
    (target / FACTS_FILE).write_text(to_json(facts), encoding="utf-8")
    progress("deriving a student", 1, 1)
    return to_builtins(facts)


def shallower(graph: FlatGraph, depth: float) -> FlatGraph:
    """The graph with a share of its residual blocks, the first among them; raises `ModelError` where none goes."""
    blocks = residual_blocks(graph)
    stays = _evenly(len(blocks), _blocks_left(len(blocks), depth))
    gone = [block for block, kept in zip(blocks, stays, strict=True) if not kept]
    if not gone:
        raise ModelError(
            "no residual block of the model can be left out", where="[student] depth", received=depth,
            allowed=f"the model has {len(blocks)}: an addition of a value and of what is computed from it, of the same shape; the first stays",
            next_step=_advice("depth", depth, lambda share: _blocks_left(len(blocks), share) < len(blocks)) + "give a width, or a network of your own",
        )  # fmt: skip
    return without_blocks(graph, gone)


def _blocks_left(number: int, depth: float) -> int:
    """How many of a number of residual blocks stay: one at least, where there is one."""
    return min(number, max(1, round(depth * number)))


def _advice(key: str, share: float, goes: Callable[[float], bool]) -> str:
    """The largest smaller share, in hundredths, with which something goes, as the beginning of advice; empty where there is none."""
    smaller = (place / 100 for place in range(99, 0, -1) if place / 100 < share)
    largest = next((one for one in smaller if goes(one)), None)
    return "" if largest is None else f"give a {key} of {largest:g} or less; or "


def _evenly(number: int, left: int) -> np.ndarray:
    """Which of a number of things stay, spread evenly, the first among them.

    >>> _evenly(5, 3).astype(int).tolist()
    [1, 1, 0, 1, 0]
    """
    stays = np.zeros(number, bool)
    stays[[place * number // left for place in range(left)] if number else []] = True
    return stays


def narrower(tools: Door, graph: FlatGraph, width: float) -> FlatGraph:
    """The graph with a share of the channels of every group but a code; raises `ModelError` where none goes."""
    channels = read_channels(graph)
    groups = without_codes(graph, channel_groups(graph, channels))
    gone = {place: cut for place, group in enumerate(groups) if (cut := _cut(group, channels, width)).any()}
    if not gone:
        raise ModelError(
            "no channel of the model can be left out", where="[student] width", received=width,
            allowed=f"the model has {len(groups)} groups of channels that can go; of each, one channel stays at least, or {STEP} of {2 * STEP} or more",
            next_step=_advice("width", width, lambda share: any(_left(one.size, share) < one.size for one in groups)) + "give a network of your own",
        )  # fmt: skip
    return narrowed(tools, graph, channels, left_out(groups, gone))


def _left(size: int, width: float) -> int:
    """How many channels of a group of this size stay.

    >>> _left(16, 0.5), _left(16, 0.1), _left(3, 0.1)
    (8, 4, 1)
    """
    step = STEP if size >= 2 * STEP else 1
    return min(size, max(step, step * round(width * size / step)))


def _cut(group: Group, channels: Channels, width: float) -> np.ndarray:
    """Which channels of a group go: all but the share whose filters have the largest norm."""
    left = _left(group.size, width)
    norms = np.zeros(group.size)
    for call in group.makers:
        which = group.members[call.outputs[0]]
        squares = squares_of(channels.readings[id(call)], which.size)
        np.add.at(norms, which[which >= 0], squares[which >= 0])
    cut = np.ones(group.size, bool)
    cut[np.argsort(-norms, kind="stable")[:left]] = False
    return cut
