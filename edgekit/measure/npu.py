"""What a compiled file means for a device with an NPU: its checks, and its figures instead of the plain file's.

It takes the compiler's answer, and runs nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edgekit.devices.profile import DeviceProfile
from edgekit.documents.compiled import COMPILED_FILE, Compiled, LeftOperator
from edgekit.documents.report import Check, Metric, Metrics
from edgekit.jobs.worker import Failed
from edgekit.machine.extras import is_installed, pip_line
from edgekit.measure.npu_figures import CUSTOM, figures, is_on_npu
from edgekit.tflite.model import TfliteModel
from edgekit.tflite.operators import load_table, unsupported
from edgekit.tflite.reader import read_tflite
from edgekit.values import Value
from edgekit.verdict import checks as verdict

NAMED = 5
"""At most so many of the operators left to the processor are named."""


class Asked(Value):
    """The NPU's part of a measurement: figures and checks that replace those of the same name, and notes."""

    metrics: Metrics
    checks: tuple[Check, ...]
    notes: tuple[str, ...] = ()
    compiled: Compiled | None = None


def missing() -> str | None:
    """Why Vela cannot be run here; None if it can."""
    if is_installed("ethosu"):
        return None
    return f"its NPU runs only what Vela compiled for it, and Vela is not installed: {pip_line('npu')}"


def not_asked(reason: str, ran_on: str) -> Asked:
    """The result without Vela: whether the file runs is unknown."""
    runs = Check(name="runtime", outcome="unknown", value=ran_on, reason=f"{reason}; here it loads and runs")
    return Asked(metrics={}, checks=(runs,))


def answered(answer: Compiled | Failed, plain: TfliteModel, profile: DeviceProfile, folder: Path) -> Asked:
    """The figures of what Vela made of a file (`folder / COMPILED_FILE`), or only failing checks if it compiled nothing."""
    if isinstance(answer, Failed):
        return Asked(metrics={}, checks=(verdict.runtime_check("Vela", answer.reason),))
    checks = [_runtime(answer), _npu_operators(answer)]
    if not answer.on_npu:
        return Asked(metrics={}, checks=tuple(checks), compiled=answer)
    compiled = read_tflite(folder / COMPILED_FILE)
    metrics = figures(answer, compiled, plain, profile)
    if "sram" in metrics:
        checks.append(_sram(metrics["sram"], profile))
    checks.append(_operators(compiled, profile))
    return Asked(metrics=metrics, checks=tuple(checks), notes=_notes(answer), compiled=answer)


def over(metrics: Metrics, asked: Asked) -> Metrics:
    """The figures of a file, with the NPU's instead of those of the same name, and without those of an arena that it does not have."""
    kept = {name: one for name, one in metrics.items() if not ("ram" in asked.metrics and name.startswith("ram_"))}
    return kept | asked.metrics


def notes(of_the_file: Sequence[str], asked: Asked) -> tuple[str, ...]:
    """The notes that hold for the compiled file; those about running the plain file on the processor do not."""
    return (*(() if "ram" in asked.metrics else of_the_file), *asked.notes)


def in_place(checks: Sequence[Check], asked: Asked, problem: str | None) -> tuple[Check, ...]:
    """The checks of a file, with the NPU's instead of those of the same name.

    A file that no runtime here runs still fails: its accuracy could not be measured.
    """
    mine = {check.name: check for check in asked.checks}
    if problem is not None and mine["runtime"].outcome != "fail":
        del mine["runtime"]
    names = {check.name for check in checks}
    return (
        *(mine.get(check.name, check) for check in checks),
        *(one for one in mine.values() if one.name not in names),
    )


def _runtime(made: Compiled) -> Check:
    return Check(
        name="runtime",
        outcome="pass" if made.on_npu else "fail",
        value=f"{made.compiler}, {made.accelerator}",
        basis="simulated",
        reason=f"it compiles for {made.accelerator}; {made.on_npu} of {made.operators} operators on the NPU"
        + ("" if made.on_npu else f": {_named(made.left)}"),
    )


def _npu_operators(made: Compiled) -> Check:
    """How many operators the NPU runs; none is a failure, and those left to the processor are named in the notes."""
    return Check(
        name="npu_operators",
        outcome="pass" if made.on_npu else "fail",
        value=f"{made.on_npu} of {made.operators}",
        basis="simulated",
        reason=f"left to the processor: {_named(made.left)}" if made.left else "all are on the NPU",
    )


def _named(left: tuple[LeftOperator, ...]) -> str:
    said = list(dict.fromkeys(f"{one.operator} ({one.reason or 'no reason given'})" for one in left))
    more = f", and {len(said) - NAMED} more" if len(said) > NAMED else ""
    return ", ".join(said[:NAMED]) + more


def _notes(made: Compiled) -> tuple[str, ...]:
    if not made.left:
        return ()
    return (f"{len(made.left)} of {made.operators} operators stay on the processor: {_named(made.left)}",)


def _operators(compiled: TfliteModel, profile: DeviceProfile) -> Check:
    """The runtime itself runs the operators of the compiled file; `ethos-u` is run by the NPU's driver."""
    assert profile.runtime.operators is not None
    table = load_table(profile.runtime.operators)
    problems = [
        f"{one.operator} version {one.version}: {one.reason}"
        for one in unsupported(compiled, table)
        if one.operator != CUSTOM
    ]
    count = len({(operator.name, operator.version) for operator in compiled.operators if not is_on_npu(operator)})
    if not count:
        return Check(
            name="operators", outcome="pass", limit=profile.runtime.operators, value="none needed", basis="measured",
            reason=f"all that is left is {CUSTOM}, which the NPU's driver brings along",
        )  # fmt: skip
    return verdict.operators_check(profile.runtime.operators, problems, count=count)


def _sram(metric: Metric, profile: DeviceProfile) -> Check:
    """If weights and activations are in DRAM, the part staged on the chip must fit its memory."""
    fast = profile.memory.ram_fast
    return verdict.check_limit("sram", None if fast is None else fast.value, metric)
