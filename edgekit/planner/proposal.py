"""A candidate as the planner works with it: its typed steps, the graph that they make, and what it is predicted to cost."""

from __future__ import annotations

from edgekit.cost.graph import Graph
from edgekit.documents.candidate import Candidate, Estimate
from edgekit.techniques.interface import Conversion, Role
from edgekit.techniques.steps import TypedStep, conversion_of, published, training_of
from edgekit.values import Value


class Proposal(Value):
    """Steps in the order they are applied, the last of them a conversion, and what they are predicted to cost.

    `graph` is the lowered graph after all steps; it is made once, and every cost model reads it. `unmet` is the first
    requirement of a step that is not met; `ruled_out` says why a chain of the project's own is certain to fail. The other fields are those of `Candidate`, the form in documents.
    """

    name: str
    steps: tuple[TypedStep, ...]
    graph: Graph = Graph()
    estimates: dict[str, Estimate] = {}
    role: Role = "candidate"
    control: str | None = None
    unmet: str | None = None
    ruled_out: str | None = None

    @property
    def training(self) -> tuple[TypedStep, ...]:
        """The steps that train."""
        return self.steps[:-1]

    @property
    def conversion(self) -> Conversion:
        """The technique that makes the file."""
        return conversion_of(self.steps[-1])

    @property
    def is_of_replacement(self) -> bool:
        """Whether it is made of the network that the project offers in the model's place."""
        return any(training_of(step).from_replacement for step in self.training)

    @property
    def published(self) -> Candidate:
        """The candidate as a plan holds it."""
        return Candidate(
            name=self.name,
            steps=published(self.steps),
            estimates=self.estimates,
            role=self.role,
            control=self.control,
        )
