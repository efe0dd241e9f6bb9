"""The search: it is asked for the next candidate and told the result, until no other candidate is worth a trial.

Deterministic and pure: the same task and the same answers give the same candidates. Conversions come first, training
last. Measured figures correct the estimates. Every candidate that is not tried is declined with a reason. A training
technique begins in the middle of its settings: lighter ones follow where those lose too much, stronger ones where they
leave room.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from edgekit.documents.candidate import Declined, Plan
from edgekit.documents.report import Check, Metrics
from edgekit.planner.candidates import candidates, chained, stronger, with_conversion
from edgekit.planner.chains import may_convert, trained_with
from edgekit.planner.conversions import mends, replaces
from edgekit.planner.correct import corrected
from edgekit.planner.estimates import order
from edgekit.planner.hope import no_hope
from edgekit.planner.nearest import too_little
from edgekit.planner.promise import by_promise
from edgekit.planner.proposal import Proposal
from edgekit.planner.proposing import control
from edgekit.planner.ranking import first, of_the_goal, place, standing, why
from edgekit.planner.rules import Seen, excess, impossible, is_own, is_witness, lost, may_stand_for
from edgekit.planner.schedules import schedule_notes
from edgekit.planner.trial import Trial as Trial
from edgekit.techniques.interface import Task
from edgekit.verdict.checks import judge, misses, shortfall

ROOM = 0.5
"""A stronger setting is tried where the last one lost no more than this share of the loss that is allowed."""
NOT_TRIED = "not tried: the time budget was used up"
# An outlook of more candidates would say nothing.
MOST_AHEAD = 200


class Planner:
    """Gives candidates (`ask`) and takes results (`tell`). `declined` grows as reasons appear; `waiting` was not asked for yet.

    `too_large` holds the candidates with a prediction that exceeds a limit.
    """

    def __init__(self, task: Task) -> None:
        self.task = task
        self.waiting, self.declined = candidates(task)
        self.trials: list[Trial] = []
        self._seen = Seen(task, self.trials)
        self._parts = parts(self.waiting)
        self._asked: dict[str, Proposal] = {}
        self._answered: set[str] = set()
        self.too_large: list[Proposal] = []
        self._has_chains = self._showed_the_closest = False

    def ask(self, *, alone: bool = True) -> Proposal | None:
        """The next candidate worth a trial; None when none is left.

        `alone` says that no other candidate is being tried now. Where one is, candidates that depend on its result are
        put off. The control comes last, and only where a trained candidate would be chosen.
        """
        put_off: list[Proposal] = []
        while self.waiting or (alone and self._add_chains()):
            candidate = self._with_a_conversion_that_works(self._corrected(self.waiting.pop(0)))
            if candidate.name in self._asked or any(one.technique == candidate.name for one in self.declined):
                continue  # with the conversion that works it is one that was decided on already
            if not alone and self._depends_on_a_trial(candidate):
                put_off.append(candidate)
                continue
            reason = self._seen.reason_against(candidate)
            if reason is None:
                self.waiting[:0] = put_off
                self._asked[candidate.name] = candidate
                return candidate
            self._decline(candidate, reason)
            if reason == impossible(self.task, candidate):
                self.too_large.append(candidate)
        self.waiting[:0] = put_off
        return self._closest_by_prediction() or self._control() if alone else None

    def _add_chains(self) -> bool:
        """Add the chains, once the techniques that they are made of were tried alone; returns whether there are any."""
        if self._has_chains:
            return False
        self._has_chains = True
        found = chained(self.task, self._parts)
        self.waiting += by_promise(self.task, found, self.trials, partial(order, self.task))
        return bool(self.waiting)

    def _depends_on_a_trial(self, candidate: Proposal) -> bool:
        """Whether a running trial decides on this candidate: that of the conversion that it replaces or mends, or of a technique that it trains too."""
        running = [one for name, one in self._asked.items() if name not in self._answered]
        if len(candidate.steps) == 1:
            return any(one.name in (replaces(candidate), mends(candidate)) for one in running)
        return any(trained_with(one) & trained_with(candidate) for one in running)

    def _with_a_conversion_that_works(self, candidate: Proposal) -> Proposal:
        """A trained candidate with the conversion that serves it best.

        Where its own conversion failed untrained, it gets one that works untrained; where a variant of its own did
        better, it gets that.
        """
        seen = self._seen
        plain = (
            seen.trial_of(candidate.conversion.name) if candidate.training else None
        )  # those that pack are never tried untrained
        if plain is None or is_own(candidate):
            return candidate
        if seen.is_usable(plain):
            found = first(
                self.task, [plain, *(one for one in seen.candidates() if one.passes and may_stand_for(one, candidate))]
            )
        elif candidate.is_of_replacement:
            return candidate
        else:
            usable = [
                trial for trial in seen.candidates() if len(trial.candidate.steps) == 1 and seen.is_usable(trial)
                and may_convert(trial.candidate.conversion.name, candidate.training)
            ]  # fmt: skip
            found = first(self.task, usable)
        if found is None or found is plain:
            return candidate
        return self._corrected(with_conversion(self.task, candidate, found.candidate.steps[-1]))

    def _corrected(self, candidate: Proposal) -> Proposal:
        return corrected(candidate, self.trials, compiled=self.task.profile.is_compiled_here)

    def _closest_by_prediction(self) -> Proposal | None:
        """Where nothing fits, the conversion that is predicted to miss by the least, so that the user sees by how much."""
        left = [one for one in self.too_large if len(one.steps) == 1 and one.name not in self._asked]
        if self._showed_the_closest or not left or self.best() is not None:
            return None
        nearest = min(left, key=lambda candidate: excess(self.task, candidate))
        self.declined = [found for found in self.declined if found.technique != nearest.name]
        self._showed_the_closest = True
        self._asked[nearest.name] = nearest
        return nearest

    def _control(self) -> Proposal | None:
        """The control, once, where the candidate that would be chosen was trained."""
        found, one = self.best() or self.closest(), control(self.task)
        if found is None or found.candidate.control != one.name or one.name in self._asked:
            return None
        self._asked[one.name] = one
        return one

    def tell(self, trial: Trial) -> bool:
        """Take in the result of a candidate; returns false where its file is the same as that of an earlier trial.

        Where it passed with room, its stronger settings come next.
        """
        self._answered.add(trial.candidate.name)
        twin = next((one for one in self.trials if one.sha256 is not None and one.sha256 == trial.sha256), None)
        if twin is not None and trial.candidate.role == "candidate":
            self._decline(trial.candidate, f"it is the same file as {twin.candidate.name}, byte for byte: one trial")
            return False
        self.trials.append(trial)
        if is_witness(trial) and trial.passes and lost(trial) <= ROOM * self.task.goal.max_drop_points:
            known = {*self._asked, *(one.name for one in self.waiting), *(one.technique for one in self.declined)}
            heavier = [one for one in stronger(self.task, trial.candidate) if one.name not in known]
            self._parts += parts(heavier)
            self.waiting[:0] = heavier
        return True

    def skip(self, candidate: Proposal, reason: str) -> None:
        """Take in that a candidate's trial was ended early, since it could no longer be chosen."""
        self._answered.add(candidate.name)
        self._decline(candidate, reason)

    def watch(self, candidate: Proposal) -> Callable[[Metrics, Sequence[Check]], str | None]:
        """A function that says, from the figures and checks of a running trial, why it can no longer be chosen; None while it can.

        It knows only the trials that are finished now, so its answer does not depend on what else is tried meanwhile.
        """
        best, task = self.best(), self.task
        if best is None or task.goal.search == "all" or candidate.role != "candidate" or is_own(candidate):
            return lambda metrics, checks: None
        mark = standing(best)

        def reason(metrics: Metrics, checks: Sequence[Check]) -> str | None:
            limits = {name: limit for name, limit in task.limits.values.items() if name in metrics}
            missed = [check for check in judge(limits, metrics, facts=checks) if check.outcome == "fail"]
            if missed:
                return f"{missed[0].name}: {missed[0].reason}, and {mark.name} fits"
            return no_hope(task, candidate, mark, metrics)

        return reason

    def stop(self) -> tuple[str, ...]:
        """Decline all that is left, for lack of time where no other reason is found; returns the names of those that only lacked time."""
        self._add_chains()
        cut, waiting = [], self.waiting
        self.waiting, self._showed_the_closest = [], True
        missing = self._control()
        for candidate in [*map(self._corrected, waiting), *([missing] if missing else [])]:
            reason = self._seen.reason_against(candidate)
            cut += [candidate.name] if reason is None else []
            self._decline(candidate, reason or NOT_TRIED)
        return tuple(cut)

    def outlook(self) -> tuple[Proposal, ...]:
        """What would be asked for from here on, if no running trial changed anything. The planner itself does not change."""
        other = copy.copy(self)
        for name, held in vars(self).items():
            if isinstance(held, list | set | dict):
                setattr(other, name, copy.copy(held))
        found: list[Proposal] = []
        while len(found) < MOST_AHEAD:
            other._answered = set(other._asked)
            candidate = other.ask(alone=False)
            if candidate is not None:
                found.append(candidate)
            elif not other._add_chains():
                break
        return tuple(found)

    def best(self) -> Trial | None:
        """The passing trial that the goal chooses (`edgekit.planner.ranking`)."""
        return self._seen.best()

    def closest(self) -> Trial | None:
        """The trial that misses the fewest checks, by the least; for when nothing passes."""
        finished = [
            trial
            for trial in self._seen.candidates()
            if trial.failure is None and trial.checks and not trial.is_predicted
        ]

        def distance(trial: Trial) -> tuple[int, float, float]:
            missed = misses(trial.checks)
            away = sum(min(shortfall(check), 1e9) for check in missed)
            return len(missed), away, of_the_goal(self.task, standing(trial))

        return min(finished, key=distance, default=None)

    def reasons(self) -> dict[str, str]:
        """Why each passing trial that is not chosen was not, by its name; the last one to be ruled out comes first."""
        placed = place(self.task, [standing(trial) for trial in self._seen.candidates() if trial.passes])
        return {one.standing.name: why(self.task, placed[0].standing, one) for one in placed[1:]}

    def _decline(self, candidate: Proposal, reason: str) -> None:
        self.declined.append(Declined(technique=candidate.name, reason=reason))


def parts(found: Sequence[Proposal]) -> list[Proposal]:
    """The candidates of one training technique and a conversion, of which chains are made; the project's own chains are not among them."""
    return [one for one in found if len(one.steps) == 2 and not is_own(one)]


def outline(task: Task) -> Plan:
    """What would be tried, in order, without trying it; "impossible" only where every candidate is proven to exceed a limit.

    Stronger settings are not in it: they are only tried where trials leave room.
    """
    waiting, declined = candidates(task)
    waiting += chained(task, parts(waiting))
    reasons = {one.name: one.ruled_out or one.unmet or impossible(task, one) for one in waiting}
    tried = {one.name for one in waiting if one.role == "baseline" or (is_own(one) and one.ruled_out is None)}
    idle = {one.name: why for one in waiting if not is_own(one) and (why := one.conversion.against(task, one.graph))}
    possible = [
        candidate
        for candidate in waiting
        if (reasons[candidate.name] is None and candidate.name not in idle) or candidate.name in tried
    ]
    hopeless = all(reason is not None for reason in reasons.values())
    return Plan(
        schema_version=1,
        device=task.profile.id,
        outcome="impossible" if hopeless else "possible",
        reason=_why_impossible(task, waiting, reasons) if hopeless else "",
        candidates=tuple(candidate.published for candidate in possible),
        declined=(
            *declined,
            *(
                Declined(technique=name, reason=why)
                for name in reasons
                if name not in tried and (why := reasons[name] or idle.get(name))
            ),
        ),
        limits=task.limits.values,
        defaults=task.limits.default_values,
        notes=(*task.facts.notes, *schedule_notes(possible)),
    )


def _why_impossible(task: Task, waiting: Sequence[Proposal], reasons: Mapping[str, str | None]) -> str:
    """Which limit is too low for all candidates and what would fit; where no single one is, what the closest candidate misses."""
    least = min(waiting, key=lambda candidate: excess(task, candidate))
    return too_little(task, (), waiting) or f"{least.name} comes closest: {reasons[least.name]}"
