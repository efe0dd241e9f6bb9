"""The figures of a report from what the child processes answered: each with its basis and where it comes from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from edgekit.agreement import agreement
from edgekit.dataset import Split
from edgekit.jobs import Failed
from edgekit.metric_spec import MetricSpec
from edgekit.metrics import Score
from edgekit.planner import verdict
from edgekit.report import Check, InputFacts, Metric
from edgekit.runtimes.children import Children, arrays_of
from edgekit.runtimes.interface import Port
from edgekit.runtimes.memory import Memory
from edgekit.runtimes.micro import Micro
from edgekit.runtimes.predict import Prediction

MICRO_STEPS = 16


def tensor_facts(ports: list[dict[str, Any]]) -> tuple[InputFacts, ...]:
    found = msgspec.convert(ports, tuple[Port, ...])
    return tuple(
        InputFacts(
            name=port.signature or port.name,
            shape=port.shape,
            dtype=port.dtype,
            scale=port.scale,
            zero_point=port.zero_point,
        )
        for port in found
    )


def with_ranges(
    inputs: tuple[InputFacts, ...], outputs: tuple[InputFacts, ...], ask: Children, prediction: Prediction
) -> tuple[tuple[InputFacts, ...], tuple[InputFacts, ...]]:
    """The real ranges: of the data's inputs where there is one, and of the outputs that came back."""
    assert ask.dataset is not None
    fed = ask.dataset.splits[ask.split].inputs
    if len(fed) == 1 and len(inputs) == 1:
        inputs = (msgspec.structs.replace(inputs[0], low=fed[0].low, high=fed[0].high),)
    if len(outputs) == 1 and prediction.samples:
        (values,) = arrays_of(prediction.paths)
        outputs = (msgspec.structs.replace(outputs[0], low=float(values.min()), high=float(values.max())),)
    return inputs, outputs


def score_metric(metric: MetricSpec, found: Score, ask: Children, source: str) -> Metric:
    return Metric(
        value=found.value,
        unit="fraction" if metric.is_fraction else "",
        basis=ask.basis() if found.value is not None else None,
        source=source,
        low=found.low,
        high=found.high,
        split=ask.split,
        runtime=ask.kind(),
        reason=found.reason,
    )


def memory_metric(found: Memory | Failed, ask: Children) -> Metric:
    if isinstance(found, Failed):
        return Metric(value=None, unit="B", basis=None, source="", reason=f"memory: {found.reason}")
    return Metric(
        value=found.added_bytes,
        unit="B",
        basis=ask.basis(),
        source=f"what the model adds (weights, tensors, packed copies) to a fresh process on this machine: {found.how}",
        runtime=ask.kind(),
        threads=max(1, ask.profile.runtime.threads),
    )


def arena_metric(micro: Micro) -> Metric:
    if micro.arena_bytes is None:
        return Metric(value=None, unit="B", basis=None, source=micro.runtime, reason="the allocator did not say")
    return Metric(
        value=micro.arena_bytes,
        unit="B",
        basis="simulated",
        source=f"arena of {micro.runtime}, 64-bit build on this machine: an upper bound for a 32-bit board",
        runtime="tflite_micro",
        threads=1,
    )


def micro_evidence(micro: Micro) -> str:
    return f", with the arithmetic of the board: on {micro.samples} of them tflite_micro {_differs(micro)}"


def _differs(micro: Micro) -> str:
    if micro.largest_steps == 0:
        return "gives the same outputs bit for bit"
    return f"differs by at most {micro.largest_steps:.3g} steps of the output ({100 * micro.equal:.0f}% equal)"


def micro_check(micro: Micro) -> Check:
    """A rounding or a few may fall otherwise; deciding otherwise for half of the samples is another model."""
    return verdict.agreement_check(
        "micro_agreement",
        micro.largest_steps,
        "steps",
        garbage=micro.same < 0.5 and micro.largest_steps > MICRO_STEPS,
        reason=f"{micro.runtime} {_differs(micro)} from LiteRT over {micro.samples} samples",
    )


def agreed(reference: Sequence[Path], prediction: Prediction, metric: MetricSpec, split: Split) -> tuple[Metric, Check]:
    wanted, got = arrays_of([str(path) for path in reference]), arrays_of(prediction.paths)
    found = agreement(wanted[metric.output], got[metric.output])
    value = found.same if found.same is not None else found.explained
    what = "same decision" if found.same is not None else "variance explained (R²)"
    apart = f"outputs differ by {found.mean_difference:.3g} on average"
    source = f"{what} as the Keras model on {found.samples} samples; {apart}"
    made = Metric(value=value, unit="fraction", basis="simulated", source=source, split=split)
    check = verdict.agreement_check(
        "agreement", value if value is not None else 0.0, "fraction", garbage=found.is_garbage, reason=source
    )
    return made, check
