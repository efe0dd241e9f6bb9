"""`edgekit check`: any `.tflite` against a device, wherever the file comes from.

It joins reading, running and judging one file; it makes and changes nothing. A file that crashes its runtime is a
result with a failing check and not an error.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

import msgspec

from edgekit.boards.measurements import applied
from edgekit.devices.profile import DeviceProfile, load_profile
from edgekit.documents.compiled import Compiled
from edgekit.documents.report import Baseline, Check, Chosen, Finding, Metrics, Report
from edgekit.errors import ModelError
from edgekit.findings.checking import look_at_file
from edgekit.findings.settling import SettledFile, settled_for
from edgekit.findings.telling import sanity_check
from edgekit.ingest.dataset import Dataset
from edgekit.jobs.cache import Cache
from edgekit.jobs.limits import LONGEST_S
from edgekit.jobs.worker import Failed
from edgekit.measure.decisions import decisions_on
from edgekit.measure.emulator_check import emulated, note_of, require_emulator
from edgekit.measure.measure import Measured, basis_of, drop, drop_metric, measure
from edgekit.measure.static import Static, static
from edgekit.paths import next_step_for, why_absent
from edgekit.progress import Progress, no_progress
from edgekit.project.limits import limits_given
from edgekit.project.project_file import DataTable
from edgekit.project.userfunction import is_function
from edgekit.tflite.labels import labels
from edgekit.tflite.model import COMPILERS, VELA, TfliteModel
from edgekit.tflite.reader import read_tflite
from edgekit.verdict import checks as verdict
from edgekit.verdict.limits import Limits, limits_of
from edgekit.verdict.metric_spec import metric_spec
from edgekit.watching.auto import Auto, shows_progress

NO_DATA = "no data was given"
COMPILED_ENDINGS = re.compile(r"_(vela|edgetpu)$")
NO_REFERENCE = "a drop needs the model that it is from: give its float32 .tflite as the reference"


@shows_progress
def check(
    tflite: str | Path,
    *,
    device: str | Path,
    data: str | Path | None = None,
    reference: str | Path | None = None,
    max_drop: float | None = None,
    max_flash: str | float | None = None,
    max_download: str | float | None = None,
    max_ram: str | float | None = None,
    max_latency: str | float | None = None,
    metric: str | None = None,
    direction: str | None = None,
    output: int = 0,
    threshold: float | None = None,
    project: str | Path | None = None,
    cache: bool = True,
    seed: int = 0,
    time_limit_s: float | None = None,
    emulate: bool = False,
    strict: bool = False,
    progress: Progress | Auto = no_progress,
) -> Report:
    """Judge a `.tflite` file on a device; the file is the report's `chosen`.

    Sizes and durations are text with units ('512KiB', '20ms') or numbers in bytes and milliseconds; a limit that is not
    given is the board's. Exceeding a default of the profile only gives a warning.

    Without `data`, accuracy is not checked. `max_drop` in points needs `reference`, the float32 `.tflite` that the drop
    is measured from; without it the drop is unknown, which does not pass. `metric` and `direction` mean the same as in
    `edgekit.toml`. Without a metric, it is the accuracy for classes and labels and the mean absolute error for a
    regression; targets and outputs tell which. `threshold` is the value above which a single output means yes; without
    it, the file's last operator decides: 0 for a logit, 0.5 for a probability.

    Each of the two files has `time_limit_s` seconds; without it each step has its own limit, far above what a sound
    file needs (`edgekit.jobs.limits`). User functions ('module:function') are looked for in the folder `project`, and
    if it has an `edgekit.toml`, data without options of its own is read with the `[data]` of that file. With `cache`
    the data is kept for the next time.

    `emulate` runs the file on the device's emulated board too (docs/on-device.md). Whatever makes the figures hard to
    believe is in the report's `findings`, as far as data were given; with `strict` each finding fails the check
    `sanity`.

    Raises `ProjectError` for a value that cannot be a limit, `ModelError` for a file that is not a `.tflite` or that an
    NPU's compiler made, `ProfileError`, `DataError`.
    """
    assert not isinstance(progress, str)  # `shows_progress` has put a callable in its place
    given = limits_given(
        max_drop=max_drop, max_flash=max_flash, max_download=max_download, max_ram=max_ram, max_latency=max_latency
    )
    profile = load_profile(device)
    path = _existing(Path(tflite))
    if emulate:
        require_emulator(profile)
    known = static(path, profile, exists=True)
    _require_plain(known.model, path)
    root = Path(project) if project is not None else Path.cwd()
    allowed = limits_of(profile, given.values)
    asked = None if metric is None else metric_spec(metric, direction, output, where="--metric")
    against = None if reference is None else _existing(Path(reference))
    if against is not None:
        _require_plain(read_tflite(against), against)
    with Cache(fresh=not cache) as kept, kept.scratch() as folder:
        dataset = None if data is None else _open(data, root, kept, seed, known, progress)
        task = settled_for(known.model, dataset, asked, output, threshold, kept)
        run = _Run(profile, task, dataset, kept, root, time_limit_s, progress, strict=strict)
        report = run.report(path, known, against, folder, allowed)
        if emulate:
            report = _with(report, emulated(path, profile, kept, progress=progress), path, profile)
        return msgspec.structs.replace(report, notes=(*report.notes, *kept.notes))


class _Run:
    """One check, with everything that is the same for the file and its reference."""

    def __init__(
        self,
        profile: DeviceProfile,
        settled: SettledFile,
        dataset: Dataset | None,
        cache: Cache,
        root: Path,
        time_limit_s: float | None,
        progress: Progress,
        *,
        strict: bool,
    ) -> None:
        self._profile, self._settled, self._dataset, self._root = profile, settled, dataset, root
        self._cache, self._strict = cache, strict
        self._time_limit_s, self._progress = time_limit_s, progress

    def report(self, path: Path, known: Static, reference: Path | None, folder: Path, allowed: Limits) -> Report:
        """Measure the file, and its reference if a drop is asked for, and judge."""
        found = self._measure(path, folder / "file")
        if isinstance(found, Failed):
            return self._failed(path, known, found, reference, allowed)
        on_device, told = applied(found.metrics, known.artifact.sha256, self._profile)
        metrics = dict(on_device)
        baseline, of_reference = None, tuple[str, ...]()
        if reference is not None and self._dataset is not None:
            first = self._measure(reference, folder / "reference")
            if isinstance(first, Failed) or not first.scores:
                received = first.reason if isinstance(first, Failed) else first.problem
                raise ModelError("the reference does not run", where=str(reference), received=received)
            sha256 = static(reference, self._profile).artifact.sha256
            baseline = Baseline(metrics=applied(first.metrics, sha256, self._profile)[0], sha256=sha256)
            dropped = drop(
                self._settled.metric, self._dataset, "test", first.scores, found.scores,
                root=self._root, time_limit_s=self._time_limit_s,
            )  # fmt: skip
            metrics["accuracy_drop"] = drop_metric(dropped, "test", basis_of(self._profile))
            of_reference = first.scores
        findings = self._findings(found, of_reference, metrics, allowed.values.get("accuracy_drop"))
        facts = (
            *found.checks,
            *((sanity_check(findings if self._dataset is not None else None),) if self._strict else ()),
        )
        checks = self._judged(allowed, metrics, facts, reference)
        report = self._made(path, known, found, metrics, checks, baseline, (*found.notes, *told))
        if self._dataset is None:
            return report
        decided = decisions_on(self._dataset, "test", self._settled.metric, of_reference, found.scores)
        return msgspec.structs.replace(report, findings=findings, decisions=decided)

    def _findings(
        self, found: Measured, reference: Sequence[str], metrics: Metrics, max_drop: float | None
    ) -> tuple[Finding, ...]:
        if self._dataset is None:
            return ()
        return look_at_file(
            self._settled, self._dataset, self._cache, inputs=found.inputs, outputs=found.outputs, scores=found.scores,
            reference=reference, metrics=metrics, max_drop_points=max_drop, progress=self._progress,
        )  # fmt: skip

    def _measure(self, path: Path, scratch: Path) -> Measured | Failed:
        scratch.mkdir()
        return measure(
            path,
            self._profile,
            dataset=self._dataset,
            split="test",
            metric=self._settled.metric,
            scratch=scratch,
            progress=self._progress,
            time_limit_s=self._time_limit_s,
            tasks=self._settled.tasks,
            root=self._root,
            exists=True,
        )

    def _failed(self, path: Path, known: Static, failed: Failed, reference: Path | None, allowed: Limits) -> Report:
        """The report of a file that could not be measured: what its bytes show is judged; the rest is unknown, with the reason."""
        facts = (*known.checks, verdict.runtime_check(self._profile.runtime.kind, failed.reason))
        checks = self._judged(allowed, known.metrics, facts, reference)
        return self._made(path, known, None, known.metrics, checks, None, (*known.notes, failed.reason))

    def _judged(
        self, allowed: Limits, metrics: Metrics, facts: tuple[Check, ...], reference: Path | None
    ) -> tuple[Check, ...]:
        not_given = self._not_given(reference, allowed)
        return verdict.judge(allowed.values, metrics, defaults=allowed.default_values, facts=facts, not_given=not_given)

    def _not_given(self, reference: Path | None, allowed: Limits) -> dict[str, str]:
        if self._dataset is None:
            return {"accuracy_drop": NO_DATA}
        if reference is None and "accuracy_drop" not in allowed.deciding:
            return {"accuracy_drop": NO_REFERENCE}
        return {}

    def _data_facts(self, dataset: Dataset) -> dict[str, object]:
        metric = self._settled.metric
        return {
            "sha256": dataset.sha256,
            "samples": {"test": dataset.splits["test"].samples},
            "metric": metric.name,
            "direction": "higher" if metric.higher_is_better else "lower",
            "task": ", ".join(task.kind or "unknown" for task in self._settled.tasks),
        }

    def _made(
        self,
        path: Path,
        known: Static,
        found: Measured | None,
        metrics: Metrics,
        checks: tuple[Check, ...],
        baseline: Baseline | None,
        notes: tuple[str, ...],
    ) -> Report:
        from edgekit.version import __version__

        outcome = verdict.outcome(checks)
        return Report(
            edgekit_version=__version__,
            device=self._profile.id,
            outcome=outcome,
            summary=_summary(path, self._profile, checks),
            baseline=baseline,
            chosen=Chosen(
                candidate=path.stem,
                steps=(),
                path=str(path),
                sha256=known.artifact.sha256,
                metrics=metrics,
                inputs=found.inputs if found else known.inputs,
                outputs=found.outputs if found else known.outputs,
                compiled=_not_kept(found.compiled) if found and found.compiled else None,
                layers=labels(known.model),
            ),
            checks=checks,
            notes=notes if self._dataset is None else (*notes, *self._dataset.notes),
            data={} if self._dataset is None else self._data_facts(self._dataset),
        )


def _with(report: Report, check: Check, path: Path, profile: DeviceProfile) -> Report:
    """A report with one more check, which may change its outcome."""
    checks = (*report.checks, check)
    summary = _summary(path, profile, checks)
    notes = (*report.notes, *note_of(check))
    return msgspec.structs.replace(report, checks=checks, outcome=verdict.outcome(checks), summary=summary, notes=notes)


def _not_kept(compiled: Compiled) -> Compiled:
    """The compiled file's facts without a path: a check writes nothing, so the compiled file is deleted with its folder."""
    return msgspec.structs.replace(compiled, path=None)


def _existing(path: Path) -> Path:
    if os.path.isfile(path):
        return path
    what, reason = "a folder is no model" if os.path.isdir(path) else "there is no such file", why_absent(path)
    raise ModelError(
        what, where=str(path), received=reason or None, allowed="a .tflite file",
        next_step=next_step_for(reason) or "give the path of a .tflite file",
    )  # fmt: skip


def _require_plain(model: TfliteModel, path: Path) -> None:
    """Refuse a file that an NPU's compiler made: no runtime here runs it, and the compiler would not change it."""
    if model.compiled_by is None:
        return
    stem = COMPILED_ENDINGS.sub("", path.stem)
    plain = f"{stem}.tflite" if stem != path.stem else "the file that it was made of"
    is_vela = model.compiled_by == COMPILERS[VELA]
    raise ModelError(
        f"{model.compiled_by} has compiled this file for an NPU already",
        where=str(path),
        received="a file whose operators are inside a custom one, which nothing here can run, count or compile again",
        allowed="a .tflite before its compilation"
        + (", which a check with Vela compiles by itself" if is_vela else ""),
        next_step=f"check {plain}" + (" (a build writes model.tflite beside model_vela.tflite)" if is_vela else ""),
    )


def _open(data: str | Path, root: Path, cache: Cache, seed: int, known: Static, progress: Progress) -> Dataset:
    """The data's test split, read with the options of the folder's `[data]` if it has any.

    Data without splits is used as a whole. If it is the data of the folder's own project, only the samples are used
    that a build would test on, without what they have for inputs that its model is held at values of.
    """
    from edgekit.ingest.model import open_data
    from edgekit.ingest.wanted import Wanted
    from edgekit.project.project import load_project

    source = str(data) if is_function(str(data)) else str(Path(data).resolve())
    settings = load_project(root, required=False)
    own = settings.data
    table = own or DataTable(source=source)
    is_own = own is not None and (root / own.source).resolve() == Path(source)
    if not is_own:
        table = msgspec.structs.replace(table, test_source=None)
    wanted = Wanted(
        names=tuple(tensor.name for tensor in known.inputs),
        output_names=tuple(tensor.name for tensor in known.outputs),
        held=settings.model.held if is_own and settings.model is not None else {},
        input_shapes=tuple(tensor.shape[1:] for tensor in known.inputs),
        classes=known.outputs[0].shape[-1] if known.outputs and len(known.outputs[0].shape) > 1 else None,
    )
    return open_data(
        msgspec.structs.replace(table, source=source),
        root=root,
        cache=cache,
        seed=seed,
        need=("test",),
        wanted=wanted,
        whole=not is_own,
        progress=progress,
        time_limit_s=LONGEST_S,
    )


def _summary(path: Path, profile: DeviceProfile, checks: tuple[Check, ...]) -> str:
    missed = verdict.misses(checks)
    if not missed:
        warned = ", ".join(check.name for check in verdict.warnings(checks))
        text = f"{path.name} passes every required check for {profile.name}"
        return f"{text}; a warning: {warned}" if warned else text
    return f"{path.name} does not pass for {profile.name}: {', '.join(check.name for check in missed)}"
