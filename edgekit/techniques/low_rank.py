"""Low-rank factorisation: a large kernel becomes two or three small ones whose product is near to it, and the model is fine-tuned.

A dense layer or a convolution of one point becomes two by a truncated singular value decomposition; a larger convolution
becomes two of k x 1 and 1 x k, or three by Tucker-2. `factors/` has the algebra and the break-even. The file shrinks, and so
do the multiply-accumulates; each factor is an operator more, which takes time.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from edgekit.cost.graph import Graph
from edgekit.documents.candidate import Declined
from edgekit.documents.facts import ModelFacts
from edgekit.keras_graph.flat_graph import model_of, read_graph
from edgekit.techniques.factors.choose import by_energy, by_share
from edgekit.techniques.factors.layers import with_factors
from edgekit.techniques.factors.nodes import called_as_factors, factorised
from edgekit.techniques.factors.seen import Chain, in_file, in_model, matched
from edgekit.techniques.factors.shape import LEAST_RANK
from edgekit.techniques.factors.worth import counted, no_site, spared, why_not
from edgekit.techniques.interface import Conversion, Evidence, Task, Training, TrainingTechnique
from edgekit.techniques.percents import percent
from edgekit.techniques.sites import matching_sites
from edgekit.tflite.model import TfliteModel
from edgekit.values import Value

LEFTS = (0.5, 0.35, 0.25, 0.15)
"""From the lightest to the strongest; the first two that pay are proposed, the others follow where those leave room."""


class Settings(Value):
    """`left` is the largest share of a factorised kernel's weights that its factors have; `energy`, where it is given, decides in its place.

    No rank is below eight, whatever they ask for; a kernel of which rank eight takes more than a half stays whole.
    `energy` is the share of the squared singular values that is kept: then the ranks are known only once the weights are.
    `form` is for kernels with a window: "spatial" (k x 1 by 1 x k), "tucker", the "best" of both for each kernel, or
    "svd", which leaves them whole; dense layers and convolutions of one point have one form. `exclude` names the layers left out.
    `own` names the layers of the network itself that are called as factors are; the planner writes it.
    """

    left: Annotated[float, Meta(gt=0, lt=1)] = 0.5
    energy: Annotated[float, Meta(gt=0, lt=1)] | None = None
    form: Literal["best", "svd", "spatial", "tucker"] = "best"
    exclude: tuple[str, ...] = ()
    own: tuple[str, ...] = ()


class LowRank(TrainingTechnique):
    """Large kernels become products of small ones."""

    name = "low_rank"
    settings_type = Settings
    place_in_chain = 0.5
    predicts_shapes = False
    written_by_planner = ("own",)

    def propose(self, task: Task) -> Sequence[Settings] | Declined:
        """Two shares, the lighter first, of those that are predicted to save what counts of a cost that a limit or the goal asks for."""
        if not counted(task):
            return self.declined(
                "it saves flash, download, RAM and time, of which neither a limit nor the goal asks for any"
            )
        exclude, form = spared(task), Settings().form
        reasons = {left: why_not(task, form, left, exclude) for left in LEFTS}
        paying = [left for left, reason in reasons.items() if reason is None][:2]
        if not paying:
            return self.declined(reasons[LEFTS[0]] or "")
        return tuple(Settings(left=left, exclude=exclude) for left in paying)

    def stronger(self, settings: Settings) -> Settings | None:
        """The next smaller share of the weights; None beyond the smallest, and where the energy decides."""
        smaller = next((left for left in LEFTS if left < settings.left), None)
        if smaller is None or settings.energy is not None:
            return None
        return msgspec.structs.replace(settings, left=smaller)

    def strength(self, settings: Settings) -> float | None:
        """The share of the weights that goes; None where the energy decides, since it is not known then."""
        return 1 - settings.left if settings.energy is None else None

    def label(self, settings: Settings) -> str:
        """Its part of a candidate's name."""
        share = percent(settings.left) if settings.energy is None else f"energy_{percent(settings.energy)}"
        return f"low_rank_{share}" + ("" if settings.form == "best" else f"_{settings.form}")

    def leave_out(self, facts: ModelFacts, patterns: Sequence[str]) -> tuple[str, ...]:
        """Of the layers that it would work on, those that match the patterns."""
        return matching_sites(facts, patterns)

    def requires(self, graph: Graph, settings: Settings) -> str | None:
        """It requires a kernel that costs less in factors than as a whole."""
        left = settings.left if settings.energy is None else None
        return no_site(graph, settings.form, left, settings.exclude)

    def effect(self, graph: Graph, settings: Settings) -> Graph:
        """Two or three operators for each kernel that pays. Where the energy decides, the graph as it is: the file has at most its weights."""
        if settings.energy is not None:
            return graph
        return factorised(graph, settings.form, settings.left, settings.exclude)

    def settled(self, graph: Graph, settings: Settings) -> Settings:
        """With the layers of the network that are called as factors are, which are no evidence."""
        return msgspec.structs.replace(settings, own=called_as_factors(graph))

    def apply(self, door: Any, model: Any, settings: Settings, training: Training, before: Sequence[Any]) -> Any:
        """Replace the layers by their factors and fine-tune the model."""
        choose = functools.partial(by_share, form=settings.form, left=settings.left)
        if settings.energy is not None:
            choose = functools.partial(by_energy, form=settings.form, energy=settings.energy)
        smaller = model_of(door, with_factors(door, read_graph(door, model), choose, settings.exclude))
        if in_model(smaller, settings.own):  # else there is nothing to train, and no evidence
            training.fit(smaller)
        return smaller

    def ensures_in_model(self, door: Any, model: Any, settings: Settings) -> Evidence:
        """Holds where layers are factorised, each with no more of its weights than the settings leave."""
        return _judged(in_model(model, settings.own), settings)

    def ensures(self, tflite: TfliteModel, settings: Settings) -> Evidence:
        """Holds where operators of the file follow one another as factors do, with no more weights than the settings leave."""
        return _judged(in_file(tflite), settings)

    def ensures_kept(
        self, door: Any, model: Any, tflite: TfliteModel, settings: Settings, conversion: Conversion
    ) -> Evidence:
        """Holds where the factors of every factorised layer of the model follow one another in the file."""
        wanted, (found, size) = in_model(model, settings.own), matched(model, tflite, settings.own)
        shown = _judged(found, settings)
        whole = round(size * sum(chain.whole.weights for chain in found) / max(_weights(found), 1))
        return Evidence(
            technique=self.name,
            holds=shown.holds and len(found) == len(wanted),
            detail=f"{len(found)} of {len(wanted)} factorised layers; {shown.detail}, in {size:,} B in place of {whole:,}",
        )


def _judged(chains: Sequence[Chain], settings: Settings) -> Evidence:
    """Whether there are factorised kernels, each with no more of its weights than the settings leave or of the least rank, and what they have."""
    if not chains and settings.energy is not None:
        none = f"no kernel keeps {percent(settings.energy)}% of its energy in factors that cost less than the whole"
        return Evidence(technique=LowRank.name, holds=False, detail=f"0 kernels are products: {none}")
    most = settings.left if settings.energy is None else 1.0
    whole = sum(chain.whole.weights for chain in chains)
    ranks = sorted(rank for chain in chains for rank in chain.ranks)
    between = f" of ranks {ranks[0]} to {ranks[-1]}" if ranks else ""
    return Evidence(
        technique=LowRank.name,
        holds=bool(chains) and all(chain.left <= most or min(chain.ranks) == LEAST_RANK for chain in chains),
        detail=f"{len(chains)} kernels are products{between}, with {_weights(chains):,} of {whole:,} weights",
    )


def _weights(chains: Sequence[Chain]) -> int:
    return sum(one.weights for chain in chains for one in chain.factors)
