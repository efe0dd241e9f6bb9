"""The plan for a `.tflite` as the model: conversions alone where it is float, the file alone where it is quantized."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from edgekit.documents.candidate import Declined, Step
from edgekit.documents.facts import KernelValues
from edgekit.errors import ProjectError
from edgekit.ingest.from_tflite import UNTRAINABLE, facts_of
from edgekit.planner.candidates import candidates
from edgekit.planner.planner import Planner
from edgekit.planner.proposal import Proposal
from edgekit.techniques import techniques
from edgekit.techniques.interface import Task
from edgekit.tflite.reader import read_tflite

GOLDEN = Path(__file__).parent.parent / "golden"


def planned(task: Callable[..., Task], stem: str, device: str = "rpi4", **more: Any) -> Task:
    facts = facts_of(read_tflite(GOLDEN / f"{stem}.tflite"), sha256="0" * 64)
    return task(device, facts=facts, trains=False, **more)


def found(task: Task) -> tuple[list[Proposal], dict[str, Declined]]:
    proposals, declined = candidates(task)
    return proposals, {one.technique: one for one in declined}


def test_a_float_file_is_converted_in_every_way_and_never_trained(task):
    proposals, declined = found(planned(task, "float32"))
    names = [one.name for one in proposals]
    assert names[0] == "float32" and proposals[0].role == "baseline"
    assert {"float16", "dynamic_range", "int8", "int16x8"} <= set(names)
    assert not any(one.training for one in proposals)
    training = {name for name, one in techniques().items() if one.kind == "training" and one.role == "candidate"}
    assert training and {name: declined[name].reason for name in training} == dict.fromkeys(training, UNTRAINABLE)
    assert declined["as_given"].reason == "the model is no quantized file"


def test_a_quantized_file_is_the_baseline_and_the_only_candidate(task):
    proposals, declined = found(planned(task, "int8"))
    (only,) = proposals
    assert (only.name, only.role) == ("as_given", "baseline")
    assert "quantized already (int8)" in declined["int8"].reason and declined["pruning"].reason == UNTRAINABLE
    float_task = planned(task, "float32")
    whole = Planner(float_task).ask()
    assert whole is not None and only.estimates["flash"].value < whole.estimates["flash"].value / 2


@pytest.mark.parametrize(
    ("stem", "arithmetic"), [("int8", "int8"), ("int16x8", "int16x8"), ("dynamic_range", "dynamic_range")]
)
def test_the_costs_of_a_quantized_file_are_those_of_its_arithmetic(task, stem, arithmetic):
    (only,) = found(planned(task, stem))[0]
    assert only.graph.arithmetic == arithmetic


def test_a_chain_of_the_projects_own_that_trains_is_refused_and_a_conversion_is_not(task):
    own = planned(task, "float32", chains=((Step(technique="int8"),),))
    assert "own_1:int8" in [one.name for one in found(own)[0]]
    with pytest.raises(ProjectError) as caught:
        candidates(planned(task, "float32", chains=((Step(technique="pruning"),),)))
    assert UNTRAINABLE in caught.value.what and (caught.value.received, caught.value.where) == (
        "pruning",
        "edgekit.toml: chain 1",
    )
    with pytest.raises(ProjectError, match="quantized file, which no technique changes"):
        candidates(planned(task, "int8", chains=((Step(technique="int8"),),)))


def test_on_a_microcontroller_int8_is_left(task):
    proposals, _ = found(planned(task, "float32", "nucleo-l4r5zi"))
    assert "int8" in [one.name for one in proposals]
    assert not any(one.training for one in proposals)


@pytest.mark.parametrize(
    ("device", "conversion", "fields"),
    [
        ("nano-33-ble", "int8_coded", {"zeros": 0.9}), ("nano-33-ble", "int8_coded", {"distinct": 4}),
        ("nano-33-ble", "int8_lookup_tables", {"distinct": 4}), ("rpi4", "int8_sparse", {"zeros": 0.9}),
    ],
)  # fmt: skip
def test_zeros_and_repeated_values_that_the_file_has_are_coded_where_that_pays(task, device, conversion, fields):
    facts = facts_of(read_tflite(GOLDEN / "float32.tflite"), sha256="0" * 64)

    def names(**more: Any) -> set[str]:
        wide = {"kernel": (144, 800), "parameters": 145 * 800, "output_shape": (800,)}
        layers = tuple(replace(one, **wide) if one.name == "hidden" else one for one in facts.layers)
        known = replace(facts, layers=layers, values={"hidden": KernelValues(**more)})
        proposals = candidates(task(device, facts=known, trains=False, aim="smallest"))[0]
        return {one.name for one in proposals}

    assert conversion in names(**fields) and conversion not in names()
