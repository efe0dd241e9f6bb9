"""Patterns for names of layers: each must match one, or what it should leave out would not be left out."""

from __future__ import annotations

from collections.abc import Sequence

from edgekit.documents.facts import ModelFacts
from edgekit.errors import ProjectError, did_you_mean
from edgekit.techniques.sites import matching

NAMED = 20
"""An error names at most this many layers."""


def require_layers(networks: Sequence[ModelFacts], patterns: Sequence[str], where: str) -> None:
    """Raise `ProjectError` for a pattern that matches no layer of any of the networks; `where` is the key that holds the patterns."""
    for pattern in patterns:
        if not any(matching(facts, [pattern]) for facts in networks):
            names = [layer.name for facts in networks for layer in facts.layers]
            near = did_you_mean(pattern, names)
            raise ProjectError(
                "no layer of the model has this name",
                where=where,
                received=pattern,
                allowed=", ".join(names[:NAMED]) + (", ..." if len(names) > NAMED else ""),
                next_step=f"did you mean {near!r}?" if near else "`edgekit inspect` lists the layers of the model",
            )
