"""What a pass over a flat graph is: where it applies, the rewritten graph, and how it shows that it did what it promises.

A pass changes the form of a model and never what it computes: outputs stay the same but for rounding in float32, what is left is as good to
train, and no layer of the user's that stays in use is changed. Keras comes as the argument `tools`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from edgekit.keras_graph.flat_graph import Call, FlatGraph

SHOWN = 6
"""So many layers are named in a sentence, then how many more there are."""


class Pass(ABC):
    """A rewrite of a flat graph. It holds no state, and is not told where the graph came from."""

    name: ClassVar[str]
    """Its file's stem."""
    place: ClassVar[int]
    """Passes run from the lowest place to the highest."""
    words: ClassVar[str]
    """What was done, as a reader of a report reads it before the names of the layers."""
    after_training: ClassVar[bool] = False
    """Whether it takes the weights for those of a trained model: a network that is still to be trained gets it afterwards."""

    @abstractmethod
    def requires(self, tools: Any, graph: FlatGraph) -> Sequence[Call]:
        """The calls that it rewrites; none where it does not apply. Pure, and quick: it is asked for every model."""

    @abstractmethod
    def apply(self, tools: Any, graph: FlatGraph) -> FlatGraph:
        """The rewritten graph, of new layers and values where they change. It may raise: then the pass is not applied."""

    def ensures(self, tools: Any, before: FlatGraph, after: FlatGraph) -> str | None:
        """Why the outcome is not what was promised; None where it is. As a rule: it applies nowhere in what it made."""
        left = self.requires(tools, after)
        return f"it still applies to {named(left)}" if left else None

    def told(self, places: Sequence[Call], before: FlatGraph, after: FlatGraph) -> str:
        """What was done with a graph, in a sentence that names the layers."""
        return f"{self.words}: {named(places)}"


def named(places: Sequence[Call]) -> str:
    """The names of calls, each once, the first few and then their number."""
    names = list(dict.fromkeys(call.name for call in places))
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
