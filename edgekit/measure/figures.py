"""The figures of a report, made from the child processes' answers: each with its basis and its source."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from edgekit.cost.file_latency import predicted_latency
from edgekit.documents.report import Check, Finding, InputFacts, Metric
from edgekit.jobs.worker import Failed
from edgekit.measure.children import Children, Loaded
from edgekit.measure.runtimes.interface import Port
from edgekit.measure.runtimes.latency import Latency
from edgekit.measure.runtimes.memory import Memory
from edgekit.measure.runtimes.micro import Difference, Micro
from edgekit.measure.runtimes.predict import Prediction
from edgekit.measure.runtimes.samples import arrays_of, feeding, order
from edgekit.measure.runtimes.tflite_micro import Arena
from edgekit.measure.static import Static
from edgekit.sanity.columns import swallowed
from edgekit.verdict import checks as verdict
from edgekit.verdict.agreement import Agreement, agreement
from edgekit.verdict.metric_spec import MetricSpec
from edgekit.verdict.metrics import Score
from edgekit.verdict.task import OutputTask
from edgekit.verdict.wording import plain

_PURPOSES = {
    "TfLiteEvalTensor data": "tensors",
    "Persistent TfLiteTensor data": "inputs and outputs",
    "Persistent TfLiteTensor quantization data": "their scales",
    "Persistent buffer data": "the kernels' own (multipliers, shifts, sizes)",
    "NodeAndRegistration struct": "operators",
    "TfLiteTensor variable buffer data": "state between inferences",
    "Operator runtime data": "the operators' parameters",
}
"""Readable names for the parts of tflite-micro's recording allocator (tensorflow/lite/micro/recording_micro_allocator.cc)."""


def tensor_facts(ports: Sequence[Port]) -> tuple[InputFacts, ...]:
    return tuple(
        InputFacts(
            name=port.signature or port.name,
            shape=port.shape,
            dtype=port.dtype,
            scale=port.scale,
            zero_point=port.zero_point,
        )
        for port in ports
    )


def input_ranges(loaded: Loaded, ask: Children, input_order: Sequence[int | str] | None) -> tuple[InputFacts, ...]:
    """The inputs with the range of the training data, which the device must feed, or else of the split."""
    assert ask.dataset is not None
    files = ask.dataset.splits.get("train") or ask.dataset.splits[ask.split]
    sources = feeding(ask.dataset.inputs(ask.split), loaded.inputs, input_order)
    return tuple(
        msgspec.structs.replace(facts, low=files.inputs[source].low, high=files.inputs[source].high)
        for facts, source in zip(tensor_facts(loaded.inputs), sources, strict=True)
    )


def output_ranges(
    loaded: Loaded, prediction: Prediction, output_order: Sequence[int | str] | None
) -> tuple[InputFacts, ...]:
    """The outputs with the range of the values they gave."""
    facts = list(tensor_facts(loaded.outputs))
    places = order(loaded.outputs, output_order, side="output")
    for place, values in zip(places, arrays_of(prediction.paths), strict=True):
        if values.size:
            facts[place] = msgspec.structs.replace(facts[place], low=float(values.min()), high=float(values.max()))
    return tuple(facts)


def output_names(loaded: Loaded, output_order: Sequence[int | str] | None) -> list[str]:
    """The names of the outputs in the order of the data's targets."""
    facts = tensor_facts(loaded.outputs)
    return [facts[place].name for place in order(loaded.outputs, output_order, side="output")]


def unknown(unit: str, reason: str, *, split: str | None = None) -> Metric:
    return Metric(value=None, unit=unit, basis=None, source="", split=split, reason=reason)


def unit_of(metric: MetricSpec) -> str:
    return "fraction" if metric.is_fraction else ""


def score_metric(metric: MetricSpec, found: Score | Failed, ask: Children, source: str) -> Metric:
    if isinstance(found, Failed):
        return unknown(unit_of(metric), f"{metric.name}: {found.reason}", split=ask.split)
    method = f"; 95% interval: {found.method}" if found.method else ""
    return Metric(
        value=found.value,
        unit=unit_of(metric),
        basis=ask.basis() if found.value is not None else None,
        source=source + method,
        low=found.low,
        high=found.high,
        split=ask.split,
        runtime=ask.kind(),
        reason=found.reason,
    )


def memory_metric(found: Memory | Failed, ask: Children) -> Metric:
    if isinstance(found, Failed):
        return unknown("B", f"memory: {found.reason}")
    return Metric(
        value=found.added_bytes,
        unit="B",
        basis=ask.basis(),
        source=f"what the model adds (weights, tensors, packed copies) to a fresh process on this machine: {found.how}",
        runtime=ask.kind(),
        threads=ask.threads,
    )


def latency_metric(found: Latency | Failed | None, known: Static, ask: Children) -> Metric:
    """Measured if the profile is this machine's own, else predicted from the file."""
    if found is None:
        return predicted_latency(known.model, ask.profile)
    if isinstance(found, Failed):
        return unknown("ms", f"latency: {found.reason}")
    steady = "" if found.steady else ", not steady after the warm-up"
    return Metric(
        value=found.median_ms,
        unit="ms",
        basis="measured",
        source=f"median of {found.runs} runs at batch 1, low and high are the 10th and 90th percentile{steady}",
        low=found.p10_ms,
        high=found.p90_ms,
        runtime=ask.kind(),
        threads=ask.threads,
    )


OF_EXPANDED = " with the coded weights written out"


def arena_metric(micro: Micro | Failed) -> Metric:
    if isinstance(micro, Failed):
        return unknown("B", f"arena: {micro.reason}")
    if micro.arena is None:
        return Metric(value=None, unit="B", basis=None, source=micro.runtime, reason="the allocator did not say")
    return Metric(
        value=micro.arena.total_bytes,
        unit="B",
        basis="simulated",
        source=f"arena of {micro.runtime}, 64-bit build on this machine, an upper bound for a 32-bit board with the same kernels: "
        + _parts(micro.arena),
        runtime="tflite_micro",
        threads=1,
    )


def _parts(arena: Arena) -> str:
    """The arena's parts, in words."""
    parts = [f"{size} B {_PURPOSES.get(name, name)}" for name, size in arena.purposes.items()]
    own = arena.tail_bytes - sum(arena.purposes.values())
    parts += [f"{own} B the interpreter's own objects"] if own > 0 else []
    stays = f" ({', '.join(parts)})" if parts else ""
    return f"{arena.head_bytes} B of activations and scratch, which operators share one after another, and {arena.tail_bytes} B that stay{stays}"


def decoding_checks(micro: Micro) -> list[Check]:
    """Whether the interpreter decodes the same weights as those used for the score."""
    share = micro.same_as_expanded
    if share is None:
        return []
    outputs = "the same outputs bit for bit" if share == 1 else f"{100 * share:.1f}% equal outputs"
    reason = f"{micro.runtime} gives {outputs} with the weights coded and with them written out, over {micro.samples} samples"
    return [
        Check(
            name="decoded_weights", outcome="pass" if share == 1 else "fail", value=share, unit="fraction",
            basis="simulated", reason=reason,
        )
    ]  # fmt: skip


def micro_evidence(micro: Micro) -> str:
    if micro.difference is None:
        return ", with the arithmetic of the board"
    return f", with the arithmetic of the board: on {micro.samples} of them tflite_micro {_differs(micro.difference)}"


def _differs(found: Difference) -> str:
    if found.largest_steps == 0:
        return "gives the same outputs bit for bit"
    steps = " steps of the output" if found.range_steps else ""
    return f"differs by at most {plain(found.largest_steps, 3)}{steps} ({100 * found.equal:.0f}% equal)"


def micro_checks(micro: Micro) -> list[Check]:
    """A few differences in rounding pass; more are the arithmetic of another model. No check if LiteRT does not run the file."""
    found = micro.difference
    if found is None:
        return []
    return [
        verdict.agreement_check(
            "micro_agreement",
            found.largest_steps,
            "steps" if found.range_steps else "",
            garbage=found.is_garbage,
            reason=f"{micro.runtime} {_differs(found)} from LiteRT over {micro.samples} samples",
        )
    ]


def agreed(
    reference: Sequence[Path], prediction: Prediction, tasks: Sequence[OutputTask], ask: Children, names: Sequence[str]
) -> tuple[Metric, Check]:
    """The agreement of the output that agrees least, named if there are several; outputs in the same order."""
    pairs = zip(arrays_of(reference), arrays_of(prediction.paths), strict=True)
    found = [
        agreement(wanted, got, kind=task.kind, threshold=task.threshold if task.kind else None)
        for (wanted, got), task in zip(pairs, (*tasks, *[OutputTask()] * len(names)), strict=False)
    ]
    worst = min(range(len(found)), key=lambda place: (not found[place].is_garbage, _share(found[place])))
    least, value = found[worst], _value(found[worst])
    what = "same decision" if least.same is not None else "variance explained (R²)"
    which = f"output {names[worst]!r}, which agrees least: " if len(found) > 1 else ""
    apart = f"outputs differ by {plain(least.mean_difference, 3)} on average"
    source = f"{which}{what} as the original model on {least.samples} samples; {apart}"
    made = Metric(
        value=value, unit="fraction", basis=ask.basis() if value is not None else None, source=source, split=ask.split,
        reason=None if value is not None else "the original model's output does not vary, so there is nothing to explain",
    )  # fmt: skip
    check = verdict.agreement_check(
        "agreement", value, "fraction", garbage=least.is_garbage, reason=source, basis=ask.basis()
    )
    return made, check


def lost_columns(
    reference: Sequence[Path],
    prediction: Prediction,
    tasks: Sequence[OutputTask],
    outputs: Sequence[InputFacts],
    names: Sequence[str],
) -> list[Finding]:
    """Columns of a regression's output that its quantization loses, compared with a reference; outputs in the order of `names`."""
    scales = {facts.name: facts.scale for facts in outputs}
    pairs = zip(arrays_of(reference), arrays_of(prediction.paths), tasks, names, strict=False)
    each = [
        swallowed(wanted, got, name, scale=scales.get(name))
        for wanted, got, task, name in pairs
        if task.kind == "regression"
    ]
    return [found for found in each if found is not None]


def _value(found: Agreement) -> float | None:
    return found.same if found.same is not None else found.explained


def _share(found: Agreement) -> float:
    value = _value(found)
    return 1.0 if value is None else value
