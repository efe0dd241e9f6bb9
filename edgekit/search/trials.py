"""A trial: one candidate made and judged on the validation split, for one device.

`Maker` makes the file and `Evaluator` measures it. The two are joined here, and a failure becomes a value.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import msgspec

from edgekit.devices.profile import DeviceProfile
from edgekit.documents.diet import Proof
from edgekit.documents.report import Check, Metric
from edgekit.findings.telling import sanity_check
from edgekit.ingest.dataset import Split
from edgekit.ingest.materials import Materials
from edgekit.jobs.cache import file_digest, key, processor, versions
from edgekit.jobs.worker import Failed, TrialFailed
from edgekit.make.keras_outputs import KerasOutputs
from edgekit.make.look_ahead import Hopeless
from edgekit.make.maker import BeforeDiet, Maker
from edgekit.measure.children import runs_here
from edgekit.measure.emulator_check import emulated
from edgekit.measure.evaluator import Evaluator, Skipped
from edgekit.measure.measure import Measured, Watch, no_watch
from edgekit.measure.same import prove_same
from edgekit.planner.proposal import Proposal
from edgekit.planner.rules import is_own
from edgekit.planner.trial import Trial
from edgekit.progress import Progress
from edgekit.values import Value, to_builtins
from edgekit.verdict.checks import check_limit, judge
from edgekit.verdict.limits import Limits

PROOF_INPUTS = 200
"""Random inputs on which the chosen file must give the bits that it gave before its diet."""


class Finished(Value):
    """A candidate's trial and, where it gave a file, the file with what was measured of it on the validation split.

    `cut` says what of its training was cut for lack of time; it is judged all the same. `skipped` says why its trial
    was ended early, `timed_out` that it gave no file only because its time was over. `before` is what the file's diet began with.
    """

    trial: Trial
    tflite: str | None = None
    before: BeforeDiet | None = None
    measured: Measured | None = None
    evidence: tuple[str, ...] = ()
    training: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    cut: tuple[str, ...] = ()
    skipped: str | None = None
    timed_out: bool = False


class TrialRunner:
    """Runs the trials of one device's candidates, and keeps the baseline that they are compared with."""

    def __init__(self, materials: Materials, profile: DeviceProfile, limits: Limits) -> None:
        self.project, self.model, self.dataset = materials.project, materials.model, materials.dataset
        self.losses, self.profile, self.limits = materials.losses, profile, limits
        self.tasks, self.findings, self.notes = materials.tasks, materials.findings, materials.notes
        self._cache, self._maker, self._semaphore = materials.cache, Maker(materials), materials.semaphore
        self._keras = KerasOutputs(materials)
        self._evaluator = Evaluator(materials, profile, self._keras.on)
        self._baseline: Path | None = None

    def run(
        self,
        candidate: Proposal,
        *,
        progress: Progress,
        deadline: float | None = None,
        watch: Watch = no_watch,
        whole: bool = False,
    ) -> Finished:
        """Make and measure a candidate; a failure is a value. The baseline must come first.

        After each measurement that takes little time, `watch` is asked whether the rest is still wanted. At the
        `deadline` (of `time.monotonic`) a conversion is stopped, and a training stops with its best weights so far;
        measuring has time limits of its own. A training that is predicted to lose too much at its end is ended, but where it
        must be `whole`, and where the project asks for the candidate or for all figures.
        """
        started = time.monotonic()
        try:
            return self._run(candidate, progress, deadline, watch, whole=whole)
        except Skipped as skipped:
            return Finished(trial=Trial(candidate=candidate, seconds=0.0), skipped=skipped.reason)
        except Hopeless as hopeless:
            return Finished(trial=self._predicted(candidate, hopeless))
        except TrialFailed as failed:
            seconds = time.monotonic() - started if failed.seconds is None else failed.seconds
            trial = Trial(candidate=candidate, seconds=round(seconds, 3), failure=failed.reason)
            return Finished(trial=trial, timed_out=failed.timed_out)

    def _run(
        self, candidate: Proposal, progress: Progress, deadline: float | None, watch: Watch, *, whole: bool
    ) -> Finished:
        made = self._maker.make(candidate, progress, deadline, max_drop=None if whole else self._may_lose(candidate))
        if candidate.role == "baseline":
            self._baseline = made.tflite
        found = self._evaluator.measured(made.tflite, "validation", progress, watch)
        if candidate.role == "baseline":
            self._evaluator.require_score(found.measured)
        measured = self._beside_baseline(found.measured, "validation", progress)
        if self._baseline is not None and candidate.role == "candidate" and not candidate.training:
            measured = self._evaluator.widened(self._baseline, made.tflite, measured, progress)
        # a check of this trial only: other candidates may not have these findings
        strictly = (sanity_check(measured.findings),) if self.project.strict and measured.findings else ()
        trial = Trial(
            candidate=candidate,
            seconds=round(made.seconds + found.seconds, 3),
            metrics=measured.metrics,
            checks=(*self.checks(measured), *strictly),
            sha256=file_digest(made.tflite),
        )
        return Finished(
            trial=trial,
            tflite=str(made.tflite),
            before=made.before,
            measured=measured,
            evidence=made.evidence,
            training=made.training,
            notes=made.notes,
            cut=made.cut,
        )

    def _may_lose(self, candidate: Proposal) -> float | None:
        """The points above which a candidate's training may be ended; None where it never is."""
        is_wanted = candidate.role != "candidate" or is_own(candidate) or self.project.goal.search == "all"
        if candidate.is_of_replacement:  # a network that learns from nothing may lose much for long, and then little
            return None
        return None if is_wanted else self.limits.values.get("accuracy_drop")

    def _predicted(self, candidate: Proposal, hopeless: Hopeless) -> Trial:
        """The trial of a candidate whose training was ended: its loss is predicted, and fails its check."""
        found = hopeless.outlook
        drop = Metric(
            value=found.points, unit="points", basis="predicted", source=found.source, low=found.low, high=found.high,
            split="validation",
        )  # fmt: skip
        check = check_limit("accuracy_drop", self.limits.values.get("accuracy_drop"), drop)
        return Trial(
            candidate=candidate,
            seconds=round(hopeless.seconds, 3),
            metrics={"accuracy_drop": drop},
            checks=(msgspec.structs.replace(check, reason=found.reason),),
        )

    def checks(self, measured: Measured) -> tuple[Check, ...]:
        """What was measured, judged by the device's limits, with the checks of the file itself."""
        limits = self.limits
        return judge(limits.values, measured.metrics, defaults=limits.default_values, facts=measured.checks)

    def measure(self, tflite: Path, split: Split, *, progress: Progress) -> Measured | Failed:
        """Everything that is measured of a file on a split, with its drop from the baseline on the same split."""
        try:
            return self._beside_baseline(self._evaluator.measured(tflite, split, progress).measured, split, progress)
        except TrialFailed as failed:
            return Failed(reason=failed.reason)

    def same(self, before: Path, after: Path, *, progress: Progress) -> Proof:
        """Whether a file computes after its diet what it did before, on the device's runtime."""
        kind = self.profile.runtime.kind
        runtimes = [kind if kind == "tflite_micro" else runs_here(kind)]
        pair = [file_digest(before), file_digest(after)]
        entry = key(same=pair, runtimes=runtimes, inputs=PROOF_INPUTS, versions=versions(), processor=processor())

        def compute() -> Any:
            with self._semaphore.acquired():
                found = prove_same(before, after, inputs=PROOF_INPUTS, runtimes=runtimes, progress=progress)
            return to_builtins(found)

        return msgspec.convert(self._cache.value("same", entry, compute), Proof)

    def emulated(self, tflite: Path, *, progress: Progress) -> Check | None:
        """The check of a file on the device's emulated board; None where the project does not ask for it."""
        if not self.project.emulate:
            return None
        with self._semaphore.acquired():  # it would disturb a latency that is measured at the same time
            return emulated(tflite, self.profile, self._cache, progress=progress)

    def keras_outputs(self, split: Split, *, progress: Progress) -> list[Path]:
        """The Keras model's own outputs on a split, as `.npy` files."""
        return self._keras.on(split, progress=progress)

    def keras_score(self, split: Split, *, progress: Progress) -> Metric | None:
        """The Keras model's own score on a split by the same metric; None for a metric of the user's own, and where the model is a file.

        Where the model could not be run on the split, the metric has a reason in place of a value.
        """
        try:
            return self._evaluator.keras_score(split, progress=progress)
        except TrialFailed as failed:
            return Metric(value=None, unit="", basis=None, source="", split=split, reason=failed.reason)

    def _beside_baseline(self, measured: Measured, split: Split, progress: Progress) -> Measured:
        """A measurement with its drop from the baseline, where there is one."""
        return measured if self._baseline is None else self._evaluator.beside(self._baseline, measured, split, progress)
