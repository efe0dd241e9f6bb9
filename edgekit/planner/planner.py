"""The search: it is asked for the next candidate and told what came of it, until nothing promises more.

Deterministic and pure: the same task and the same answers give the same candidates. Conversions come first, training
last; what was measured corrects what was estimated; whatever is not tried is declined with its reason.
"""

from __future__ import annotations

import copy

from edgekit.candidate import Candidate, Declined, Plan
from edgekit.planner.candidates import OWN, QUANTIZATION_AWARE, candidates, control, with_conversion
from edgekit.planner.chains import lighter_or_equal, packs, strengths
from edgekit.planner.correct import corrected
from edgekit.planner.trial import Trial as Trial
from edgekit.planner.trial import figure
from edgekit.planner.verdict import misses, shortfall
from edgekit.report import Check
from edgekit.techniques import techniques
from edgekit.techniques.interface import Task
from edgekit.units import format_ms, format_size

# A candidate must be predicted smaller than the best by more than this to be worth a trial.
WORTHWHILE = 0.99
TIE = 1.005
# An outlook that long is none.
MOST_AHEAD = 200
# Where int8 alone loses less than this share of what may be lost, its rounding is not what a trained candidate lost by.
ROUNDING_SHARE = 0.25
# What training with the same conversion cannot change.
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
# What it can change where an NPU's compiler codes the weights.
CHANGED_WHERE_COMPILED = ("flash", "ram", "latency")
# What packing into look-up tables makes smaller.
CHANGED_BY_PACKING = ("flash",)


class Planner:
    """Asks and is told. `declined` grows as reasons appear; `waiting` is what was not asked yet."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.waiting, self.declined = candidates(task)
        self.trials: list[Trial] = []
        self._asked: set[str] = set()
        self._too_large_by_prediction: list[Candidate] = []

    def ask(self, *, alone: bool = True) -> Candidate | None:
        """The next candidate worth a trial, its control before it; None when nothing promises more.

        `alone` says that no other candidate is being tried: what is left may depend on what comes of that.
        """
        while self.waiting:
            candidate = self._with_a_conversion_that_works(self._corrected(self.waiting[0]))
            reason = self._reason_against(candidate)
            if reason is not None:
                self.waiting.pop(0)
                self._decline(candidate, reason)
                continue
            if candidate.control is not None and candidate.control not in self._asked:
                self._asked.add(candidate.control)
                return control(self.task)
            self.waiting.pop(0)
            self._asked.add(candidate.name)
            return candidate
        return self._closest_by_prediction() if alone else None

    def _with_a_conversion_that_works(self, candidate: Candidate) -> Candidate:
        """A trained candidate is converted with what works untrained, where its own conversion was seen not to."""
        plain = (
            self._trial_of(candidate.steps[-1].technique) if len(candidate.steps) > 1 else None
        )  # none packs untrained
        if plain is None or self._is_usable(plain) or _is_own(candidate) or QUANTIZATION_AWARE in strengths(candidate):
            return candidate
        usable = [trial for trial in self._candidates() if len(trial.candidate.steps) == 1 and self._is_usable(trial)]
        if not usable:
            return candidate
        step = min(usable, key=self._currency).candidate.steps[-1]
        return self._corrected(with_conversion(self.task, candidate, step))

    def _corrected(self, candidate: Candidate) -> Candidate:
        return corrected(candidate, self.trials, compiled=self.task.profile.is_compiled_here)

    def _closest_by_prediction(self) -> Candidate | None:
        """Where nothing fits, the conversion that is predicted to miss by the least: a user wants to see how much."""
        left, self._too_large_by_prediction = self._too_large_by_prediction, []
        if not left or self.best() is not None:
            return None
        nearest = min(left, key=lambda candidate: _excess(self.task, candidate))
        self.declined = [found for found in self.declined if found.technique != nearest.name]
        return nearest

    def tell(self, trial: Trial) -> None:
        """Take in what came of a candidate."""
        self.trials.append(trial)

    def outlook(self) -> tuple[Candidate, ...]:
        """What would be asked for from here, if nothing that is still tried changed anything; it stays as it is."""
        other = copy.copy(self)
        found: list[Candidate] = []
        for name, held in vars(self).items():
            if isinstance(held, list | set | dict):
                setattr(other, name, copy.copy(held))
        while len(found) < MOST_AHEAD and (candidate := other.ask(alone=False)) is not None:
            found.append(candidate)
        return tuple(found)

    def stop(self, reason: str) -> tuple[str, ...]:
        """Decline all that is left, for lack of time; returns their names."""
        names = tuple(candidate.name for candidate in self.waiting)
        for candidate in self.waiting:
            self._decline(candidate, reason)
        self.waiting, self._too_large_by_prediction = [], []
        return names

    def best(self) -> Trial | None:
        """The passing trial that is smallest in the goal's currency.

        Among equals the more accurate one, then the simpler, then the faster.
        """
        passing = [trial for trial in self._candidates() if trial.passes]
        if not passing:
            return None
        least = min(self._currency(trial) for trial in passing)
        equal = [trial for trial in passing if self._currency(trial) <= least * TIE]

        def rank(trial: Trial) -> tuple[float, int, float, str]:
            steps = len(trial.candidate.steps)
            return figure(trial, "accuracy_drop"), steps, figure(trial, "latency"), trial.candidate.name

        return min(equal, key=rank)

    def closest(self) -> Trial | None:
        """The trial that misses the fewest checks, and those by the least; for when nothing passes."""
        finished = [trial for trial in self._candidates() if trial.failure is None and trial.checks]

        def distance(trial: Trial) -> tuple[int, float, float]:
            missed = misses(trial.checks)
            return len(missed), sum(min(shortfall(check), 1e9) for check in missed), self._currency(trial)

        return min(finished, key=distance, default=None)

    def _candidates(self) -> list[Trial]:
        return [trial for trial in self.trials if trial.candidate.role != "control"]

    def _currency(self, trial: Trial) -> float:
        return figure(trial, self.task.goal.currency)

    def _decline(self, candidate: Candidate, reason: str) -> None:
        self.declined.append(Declined(technique=candidate.name, reason=reason))

    def _reason_against(self, candidate: Candidate) -> str | None:
        if candidate.role == "baseline" or _is_own(candidate):
            return None
        rules = (
            self._not_needed,
            self._lighter_lost,
            self._heavier_fits,
            self._conversion_failed,
            self._too_large,
            self._not_smaller,
        )
        return next((reason for rule in rules if (reason := rule(candidate)) is not None), None)

    def _too_large(self, candidate: Candidate) -> str | None:
        """A limit that even the low end of the prediction exceeds."""
        reason = impossible(self.task, candidate)
        if reason is not None and len(candidate.steps) == 1:
            self._too_large_by_prediction.append(candidate)
        return reason

    def _not_needed(self, candidate: Candidate) -> str | None:
        """A technique that only replaces another's failed conversion."""
        replaced = getattr(techniques()[candidate.steps[-1].technique], "REPLACES_FAILED", None)
        trial = self._trial_of(replaced) if len(candidate.steps) == 1 else None
        if replaced is not None and trial is not None and trial.failure is None:
            return f"{replaced} converts every operator, and this would be the same file"
        return None

    def _lighter_lost(self, candidate: Candidate) -> str | None:
        """A candidate that takes less away and already lost too much, or could not be shown."""
        for trial in self._candidates() if len(candidate.steps) > 1 else []:
            if not _is_witness(trial) or not lighter_or_equal(trial.candidate, candidate):
                continue
            if trial.failure is not None and trial.failure.startswith("no proof"):
                return f"{trial.candidate.name}, which is lighter, could not be shown: {trial.failure}"
            if _lost_too_much(trial) and not self._rounding_may_be_the_cause(trial, candidate):
                return f"{trial.candidate.name}, which is lighter, already loses more than {self.task.goal.max_drop_points:g} points"
        return None

    def _rounding_may_be_the_cause(self, trial: Trial, candidate: Candidate) -> bool:
        """Whether training with int8 rounding might mend what a trial without it lost: where int8 alone loses its share."""
        if QUANTIZATION_AWARE not in strengths(candidate) or QUANTIZATION_AWARE in strengths(trial.candidate):
            return False
        plain = self._trial_of(candidate.steps[-1].technique)
        return plain is None or figure(plain, "accuracy_drop") > self.task.goal.max_drop_points * ROUNDING_SHARE

    def _heavier_fits(self, candidate: Candidate) -> str | None:
        """A chain of the same techniques that takes more away and passes all the same."""
        if len(candidate.steps) < 3:
            return None
        for trial in self._candidates():
            same = set(strengths(trial.candidate)) == set(strengths(candidate))
            if (
                same
                and _is_witness(trial)
                and not self._own_misses(trial)
                and trial.checks
                and lighter_or_equal(candidate, trial.candidate)
            ):
                return f"{trial.candidate.name}, which takes more away, fits"
        return None

    def _conversion_failed(self, candidate: Candidate) -> str | None:
        """A limit that the same conversion without training misses, and that neither training nor packing can change."""
        last = candidate.steps[-1].technique
        plain = self._trial_of(packs(last) or last) if len(candidate.steps) > 1 else None
        if plain is None:
            return None
        if plain.failure is not None:
            return f"{plain.candidate.name} gave no file: {plain.failure}"
        fixed = [name for name in self._fixed() if packs(last) is None or name not in CHANGED_BY_PACKING]
        missed = [check for check in self._own_misses(plain) if check.name in fixed]
        if missed:
            return f"{plain.candidate.name} already misses {missed[0].name}, which training does not change"
        return None

    def _not_smaller(self, candidate: Candidate) -> str | None:
        """A prediction that is no better than what already fits, in the currency that the user named.

        A conversion costs seconds: it is tried where even the low end of its prediction is better; training is not.
        """
        best = self._best_known()
        if best is None or self.task.goal.search == "all":
            return None
        currency = self.task.goal.currency
        estimate, found = candidate.estimates.get(currency), self._currency(best)
        if estimate is None:
            return None
        predicted = estimate.low if len(candidate.steps) == 1 else estimate.value
        if predicted < found * WORTHWHILE:
            return None
        return f"{_text(currency, estimate.value)} of {currency} predicted, {best.candidate.name} fits with {_text(currency, found)}"

    def _fixed(self) -> tuple[str, ...]:
        """The checks that training cannot change on this device."""
        is_compiled = self.task.profile.is_compiled_here
        return tuple(name for name in FIXED_BY_CONVERSION if not is_compiled or name not in CHANGED_WHERE_COMPILED)

    def _own_misses(self, trial: Trial) -> list[Check]:
        """What a trial misses but for what is unknown, and passed by no other either: that tells none from another."""
        passed = {check.name for found in self._candidates() for check in found.checks if check.outcome == "pass"}
        return [check for check in misses(trial.checks) if check.outcome == "fail" or check.name in passed]

    def _is_usable(self, trial: Trial) -> bool:
        """Whether a conversion gave a file that runs, keeps the accuracy, and whose faults training might mend."""
        missed = {check.name for check in self._own_misses(trial)}
        return trial.failure is None and bool(trial.checks) and not missed & {*self._fixed(), "accuracy_drop"}

    def _best_known(self) -> Trial | None:
        """The best of those that pass; where none can, for what is unknown of all alike, of those that miss nothing else."""
        best = self.best()
        if best is not None:
            return best
        found = [one for one in self._candidates() if one.failure is None and one.checks and not self._own_misses(one)]
        return min(found, key=self._currency, default=None)

    def _trial_of(self, name: str | None) -> Trial | None:
        return next((trial for trial in self.trials if trial.candidate.name == name), None)


def impossible(task: Task, candidate: Candidate) -> str | None:
    """Why a candidate cannot fit: the first limit that even the low end of its prediction exceeds."""
    for name, limit in task.limits.items():
        estimate = candidate.estimates.get(name)
        if estimate is not None and estimate.low > limit:
            return f"{name} is predicted at {_text(name, estimate.low)} or more, over the limit of {_text(name, limit)}"
    return None


def _is_own(candidate: Candidate) -> bool:
    """Whether the project asks for it: it is tried, whatever is known."""
    return candidate.name.startswith(OWN)


def _is_witness(trial: Trial) -> bool:
    """Whether other candidates can be judged by a trial: it trains, and its settings differ from theirs in strength alone.

    A project's own chain may differ in anything, in its pattern or in the layers that it leaves out.
    """
    return len(trial.candidate.steps) > 1 and not _is_own(trial.candidate)


def _lost_too_much(trial: Trial) -> bool:
    return any(check.name == "accuracy_drop" and check.outcome == "fail" for check in trial.checks)


def _excess(task: Task, candidate: Candidate) -> float:
    """The largest share by which a prediction exceeds a limit."""
    found = (
        candidate.estimates[name].value / limit for name, limit in task.limits.items() if name in candidate.estimates
    )
    return max(found, default=0.0)


def outline(task: Task) -> Plan:
    """What would be tried, in order, without trying it; impossible only where every candidate is proven to be."""
    waiting, declined = candidates(task)
    reasons = {candidate.name: impossible(task, candidate) for candidate in waiting}
    possible = [candidate for candidate in waiting if reasons[candidate.name] is None or candidate.role == "baseline"]
    hopeless = all(reason is not None for reason in reasons.values())
    return Plan(
        schema_version=1,
        device=task.profile.id,
        outcome="impossible" if hopeless else "possible",
        reason=next((reason for reason in reasons.values() if reason), "") if hopeless else "",
        candidates=tuple(possible),
        declined=(
            *declined,
            *(Declined(technique=name, reason=why) for name, why in reasons.items() if why and name != "float32"),
        ),
        limits=task.limits,
    )


def _text(name: str, value: float) -> str:
    return format_ms(value) if name == "latency" else format_size(value)
