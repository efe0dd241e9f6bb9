"""Narrowing in rounds: what channels are worth is looked at anew after each cut, when a short training has mended what it broke."""

from __future__ import annotations

import math
from typing import Any

from edgekit.errors import ProjectError
from edgekit.keras_graph.flat_graph import read_graph
from edgekit.techniques.interface import Training
from edgekit.techniques.narrowing.cutter import Cutter, Plan
from edgekit.techniques.narrowing.importance import (
    Criterion,
    Importance,
    State,
    by_norm,
    by_scale,
    by_taylor,
    state_of,
    unscaled,
)
from edgekit.techniques.narrowing.pays import UNSCALED, without_scale

SHORT = 0.2
"""The share of the project's length that the training after a cut has, where another cut follows."""
CRITERIA: dict[Criterion, str] = {
    "norm": "the norm of their filters",
    "scale": "the scale of their batch normalization",
    "taylor": "the change of the loss without them",
}


def narrowed_in_rounds(door: Any, model: Any, plan: Plan, training: Training) -> Any:
    """The narrower model, trained; its layers keep their names. Where the groups' floors do not allow the goal, it is as near as they allow."""
    state = state_of(read_graph(door, model))
    cutter = Cutter(door, state, plan)
    shares = [plan.left ** (number / plan.rounds) for number in range(1, plan.rounds + 1)]
    criterion = plan.criterion or probed(cutter, state, model, training, shares[0])
    for number, share in enumerate(shares, start=1):
        graph = cutter.cut(state, needed(criterion, state, model, training), share)
        model = cutter.model(graph)
        if number < plan.rounds:
            training.fit(model, share=SHORT)
            state = state_of(graph)
    training.fit(model)
    return model


def _worth(criterion: Criterion, state: State, model: Any, training: Training) -> Importance | None:
    """What the channels are worth by a criterion; None where it cannot tell of every group."""
    if criterion == "taylor":
        return by_taylor(state, lambda kernels: training.gradients(model, kernels))
    return by_norm(state) if criterion == "norm" else by_scale(state)


def needed(criterion: Criterion, state: State, model: Any, training: Training) -> Importance:
    """What the channels are worth by a criterion; `ProjectError` where it cannot tell of every group."""
    found = _worth(criterion, state, model, training)
    if found is None:
        raise ProjectError(
            without_scale(unscaled(state)),
            where="structured pruning: criterion",
            received=criterion,
            allowed="probe, norm, taylor, group_lasso",
            next_step=UNSCALED,
        )
    return found


def probed(cutter: Cutter, state: State, model: Any, training: Training, share: float) -> Criterion:
    """The criterion whose first cut, untrained, has the least loss on training samples."""
    losses: dict[Criterion, float] = {}
    for criterion in CRITERIA:
        worth = _worth(criterion, state, model, training)
        if worth is not None:
            losses[criterion] = training.loss(cutter.model(cutter.cut(state, worth, share)))
    best = min(losses, key=lambda one: losses[one])
    others = ", ".join(f"{loss:.4g} by {name}" for name, loss in losses.items() if name != best)
    shown = f"{losses[best]:.4g}" if math.isfinite(losses[best]) else "not finite"
    training.say(
        f"channels ranked by {CRITERIA[best]} ({best}): after the first cut the training loss is {shown}, {others}"
    )
    return best
