"""What speaks against trying a candidate, given the trials so far: each rule gives one reason, in words for a user.

The rules look at trials and predictions and run nothing. They do not know in which order candidates are looked at.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from edgekit.documents.report import Check
from edgekit.planner.chains import lighter_or_equal, simulates, trained_with
from edgekit.planner.conversions import mends, replaces
from edgekit.planner.hope import no_hope
from edgekit.planner.own_chains import OWN
from edgekit.planner.proposal import Proposal
from edgekit.planner.ranking import first, standing, text_of
from edgekit.planner.trial import Trial, figure
from edgekit.techniques.interface import Task
from edgekit.verdict.checks import misses
from edgekit.verdict.wording import points_as

# Where int8 alone loses less than this share of the loss allowed, its rounding is not why a trained candidate lost
# more.
ROUNDING_SHARE = 0.25
# Training with the rounding of int8 simulated is also more training: it may make up for a loss of at most this many
# times the loss allowed.
NEAR_MISS = 2.0
# The checks that training cannot change where the conversion is the same.
FIXED_BY_CONVERSION = (
    "flash",
    "ram",
    "latency",
    "operators",
    "input_dtype",
    "output_dtype",
    "runtime",
    "npu_operators",
)
# Those of them that it can change where an NPU's compiler encodes the weights.
CHANGED_WHERE_COMPILED = ("flash", "ram", "latency")
# Those that coding the weights makes smaller.
CHANGED_BY_PACKING = ("flash",)
# Those that training changes where it changes the shapes of layers.
CHANGED_BY_SHAPES = ("flash", "ram", "latency")


class Seen:
    """What the trials so far say of candidates; `trials` may grow."""

    def __init__(self, task: Task, trials: Sequence[Trial]) -> None:
        self.task, self._trials = task, trials

    def candidates(self) -> list[Trial]:
        """The trials without that of the control."""
        return [trial for trial in self._trials if trial.candidate.role != "control"]

    def best(self) -> Trial | None:
        """The passing trial that the goal would choose."""
        return first(self.task, [trial for trial in self.candidates() if trial.passes])

    def trial_of(self, name: str | None) -> Trial | None:
        """The trial of the candidate with this name."""
        return next((trial for trial in self._trials if trial.candidate.name == name), None)

    def is_usable(self, trial: Trial) -> bool:
        """Whether a conversion's file runs, keeps the accuracy, and fails no check that training cannot change."""
        missed = {check.name for check in self._telling_misses(trial)}
        return trial.failure is None and bool(trial.checks) and not missed & {*self._fixed(), "accuracy_drop"}

    def reason_against(self, candidate: Proposal) -> str | None:
        """Why a candidate is not worth a trial; None where it is."""
        if candidate.role != "candidate" or is_own(candidate):
            return candidate.ruled_out
        rules = (
            self._not_needed,
            self._nothing_to_mend,
            self._lighter_lost,
            self._heavier_fits,
            self._conversion_failed,
            self._own_reason,
            lambda found: impossible(self.task, found),
            self._no_better,
        )
        return next((reason for rule in rules if (reason := rule(candidate)) is not None), None)

    def _not_needed(self, candidate: Proposal) -> str | None:
        """It only replaces a conversion where that fails, and that one did not fail."""
        replaced = replaces(candidate)
        trial = self.trial_of(replaced)
        if trial is not None and trial.failure is None:
            return f"{replaced} converts every operator, and this would be the same file"
        return None

    def _nothing_to_mend(self, candidate: Proposal) -> str | None:
        """It is for where a conversion loses too much, and that one keeps the accuracy: with the goal of the most accurate file, all of it."""
        name = mends(candidate)
        trial = self.trial_of(name)
        if trial is None or trial.failure is not None or lost_too_much(trial):
            return None
        if self.task.goal.aim == "accurate" and lost(trial) > 0:
            return None
        return f"{name} loses no more than is allowed: no kernel need stay in float"

    def _lighter_lost(self, candidate: Proposal) -> str | None:
        """A candidate that takes less away already lost too much, or its technique could not be shown in its file."""
        for trial in self.candidates() if len(candidate.steps) > 1 else []:
            if not is_witness(trial) or not lighter_or_equal(trial.candidate, candidate):
                continue
            if trial.failure is not None and trial.failure.startswith("no proof"):
                return f"{trial.candidate.name}, which is lighter, could not be shown: {trial.failure}"
            if lost_too_much(trial) and not self._training_may_mend(trial, candidate):
                return f"{trial.candidate.name}, which is lighter, already loses more than {points_as(f'{self.task.goal.max_drop_points:g}')}"
        return None

    def _training_may_mend(self, trial: Trial, candidate: Proposal) -> bool:
        """Whether training with int8 rounding simulated might make up for what a trial without it lost.

        It might where int8 alone loses more than `ROUNDING_SHARE` of the loss allowed, or where the trial is a near
        miss.
        """
        if not simulates(candidate) or simulates(trial.candidate):
            return False
        allowed, plain = self.task.goal.max_drop_points, self.trial_of(candidate.conversion.name)
        if candidate.is_of_replacement:  # what rounding does to the model says nothing of another network
            return True
        return plain is None or lost(plain) > allowed * ROUNDING_SHARE or lost(trial) <= allowed * NEAR_MISS

    def _heavier_fits(self, candidate: Proposal) -> str | None:
        """The same techniques at stronger settings pass, and the goal asks neither for all candidates nor for the most accurate."""
        asked = self.task.goal.search == "all" and len(candidate.steps) == 2
        if len(candidate.steps) == 1 or asked or self.task.goal.aim == "accurate":
            return None
        for trial in self.candidates():
            same = trained_with(trial.candidate) == trained_with(candidate)
            passes = is_witness(trial) and trial.checks and not self._telling_misses(trial)
            if same and passes and lighter_or_equal(candidate, trial.candidate):
                return f"{trial.candidate.name}, which takes more away, fits"
        return None

    def _conversion_failed(self, candidate: Proposal) -> str | None:
        """The same conversion without training misses a limit that neither training nor packing can change."""
        packed = candidate.conversion.packs
        plain = self.trial_of(packed or candidate.conversion.name) if candidate.training else None
        if plain is None or candidate.is_of_replacement:  # another network may convert where the model does not
            return None
        if plain.failure is not None:
            return f"{plain.candidate.name} gave no file: {plain.failure}"
        changed = CHANGED_BY_SHAPES if reshapes(candidate, plain.candidate) else CHANGED_BY_PACKING if packed else ()
        fixed = [name for name in self._fixed() if name not in changed]
        missed = [check for check in self._telling_misses(plain) if check.name in fixed]
        if missed:
            return f"{plain.candidate.name} already misses {missed[0].name}, which training does not change"
        return None

    def _own_reason(self, candidate: Proposal) -> str | None:
        """A requirement of a step is not met, or the conversion itself speaks against the training before it."""
        return candidate.unmet or candidate.conversion.against(self.task, candidate.graph)

    def _no_better(self, candidate: Proposal) -> str | None:
        """It is predicted to be no better, by the goal, than a candidate that already fits."""
        best = self.best_known()
        if best is None or self.task.goal.search == "all":
            return None
        return no_hope(self.task, candidate, standing(best))

    def _fixed(self) -> tuple[str, ...]:
        """The checks that training cannot change on this device."""
        is_compiled = self.task.profile.is_compiled_here
        return tuple(name for name in FIXED_BY_CONVERSION if not is_compiled or name not in CHANGED_WHERE_COMPILED)

    def _telling_misses(self, trial: Trial) -> list[Check]:
        """The checks that a trial misses, without those that are unknown and that no trial passed: these tell no candidates apart."""
        passed = {check.name for found in self.candidates() for check in found.checks if check.outcome == "pass"}
        return [check for check in misses(trial.checks) if check.outcome == "fail" or check.name in passed]

    def best_known(self) -> Trial | None:
        """The best of the passing trials; where none passes, of those that miss only checks that are unknown for all."""
        best = self.best()
        if best is not None:
            return best
        found = [
            one for one in self.candidates() if one.failure is None and one.checks and not self._telling_misses(one)
        ]
        return first(self.task, found)


def impossible(task: Task, candidate: Proposal) -> str | None:
    """Why a candidate cannot fit: the first limit that is exceeded even by the low end of its prediction."""
    for name, limit in task.limits.values.items():
        estimate = candidate.estimates.get(name)
        if estimate is not None and estimate.low > limit:
            return f"{name} is predicted at {text_of(name, estimate.low)} or more, over the limit of {text_of(name, limit)}"
    return None


def reshapes(candidate: Proposal, plain: Proposal) -> bool:
    """Whether training changed the operators themselves, and not only which weights are zero or repeat another."""
    shapes = [[(node.elements, node.weights, node.macs) for node in one.graph.nodes] for one in (candidate, plain)]
    return shapes[0] != shapes[1]


def is_own(candidate: Proposal) -> bool:
    """Whether the project itself asks for it: then it is tried, whatever is predicted, unless it is certain to fail."""
    return candidate.name.startswith(OWN)


def is_witness(trial: Trial) -> bool:
    """Whether other candidates can be judged by a trial: it trains, and its settings differ from theirs only in strength.

    A chain that the project defines may differ in anything, such as its pattern or the layers that it leaves out.
    """
    return len(trial.candidate.steps) > 1 and trial.candidate.role == "candidate" and not is_own(trial.candidate)


def may_stand_for(trial: Trial, candidate: Proposal) -> bool:
    """Whether an untrained trial shows a variant of a trained candidate's conversion that can take its place.

    The variant must keep what was trained.
    """
    other, end = trial.candidate.conversion, candidate.conversion.name
    kept = all(name in other.keeps_trained for name in trained_with(candidate))
    return not trial.candidate.training and other.variant_of == end and kept


def lost(trial: Trial) -> float:
    """The points that a trial loses; infinite where that is not known."""
    return figure(trial, "accuracy_drop")


def lost_too_much(trial: Trial) -> bool:
    """Whether a trial loses more than the loss allowed."""
    return any(check.name == "accuracy_drop" and check.outcome == "fail" for check in trial.checks)


def excess(task: Task, candidate: Proposal) -> float:
    """The largest share by which a prediction exceeds a limit."""
    found = [
        (candidate.estimates[name].value, limit)
        for name, limit in task.limits.values.items()
        if name in candidate.estimates
    ]
    return max((value / limit if limit > 0 else math.inf for value, limit in found), default=0.0)
