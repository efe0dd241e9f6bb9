"""Packing into look-up tables: which kernels, with which mode, bit for bit, and where the planner tries it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from edgekit.cost import flash, latency, ram
from edgekit.cost.graph import Graph
from edgekit.cost.lowering import lower
from edgekit.devices.profile import load_profile
from edgekit.documents.candidate import Declined, Step
from edgekit.documents.facts import LayerFacts, ModelFacts, TensorFacts
from edgekit.documents.report import Metric
from edgekit.planner.candidates import candidates
from edgekit.planner.correct import corrected
from edgekit.planner.trial import Trial
from edgekit.project.project import AIM_OF, Goal
from edgekit.techniques import technique
from edgekit.techniques.integer import integer
from edgekit.techniques.interface import Task
from edgekit.techniques.steps import effect, typed
from edgekit.tflite.reader import parse_tflite, read_tflite
from edgekit.tflite.weights import kernels
from edgekit.verdict.limits import limits_of
from edgekit.verdict.metric_spec import MetricSpec

GOLDEN = Path(__file__).parent.parent / "golden"
METHOD = technique("int8_lookup_tables")
PACKED = Step(technique="int8_lookup_tables", settings={"io": "int8"})


def facts(width: int) -> ModelFacts:
    """64 inputs, a dense layer of `width`, one of 10."""
    layers = (
        LayerFacts(name="image", kind="InputLayer", output_shape=(64,)),
        LayerFacts(
            name="hidden", kind="Dense", inputs=("image",), output_shape=(width,), parameters=65 * width, macs=64 * width,
            kernel=(64, width), activation="relu",
        ),
        LayerFacts(
            name="classes", kind="Dense", inputs=("hidden",), output_shape=(10,), parameters=10 * width + 10,
            macs=10 * width, kernel=(width, 10), activation="softmax",
        ),
    )  # fmt: skip
    tensor = TensorFacts(name="image", shape=(64,), dtype="float32")
    return ModelFacts(
        sha256="0" * 64, format="keras", inputs=(tensor,), outputs=(tensor,), layers=layers, output_kinds=("softmax",)
    )


def a_task(device: str = "nucleo-l4r5zi", *, width: int = 1000, currency="flash", trains: bool = True) -> Task:
    goal = Goal(max_drop_points=1.0, metric=MetricSpec(), aim=AIM_OF[currency], search="first")
    limits = limits_of(load_profile("rpi4"), {"flash": 2.0**20})
    return Task(profile=load_profile(device), facts=facts(width), goal=goal, limits=limits, trains=trains)


def lowered(model: ModelFacts, *steps: Step) -> Graph:
    """The graph that the steps make of a model."""
    return effect(lower(model), map(typed, steps))[0]


@pytest.mark.micro
def test_the_large_kernel_is_packed_by_channel_and_the_small_ones_stay():
    """1,152 weights of 4 values: 288 + 16 + 32 B; 36 weights would take more room packed."""
    compression = pytest.importorskip("tflite_micro.tensorflow.lite.micro.compression")
    content = (GOLDEN / "clustered_int8.tflite").read_bytes()
    made = parse_tflite(
        METHOD.finish(SimpleNamespace(packing=compression), content, METHOD.settings_type(io="int8")), where="t"
    )
    lookups = [tensor.coding for tensor in made.tensors if tensor.coding is not None]
    assert [(lookup.bits, lookup.axis) for lookup in lookups] == [(2, 0)]
    for mine, theirs in zip(kernels(made), kernels(parse_tflite(content, where="t")), strict=True):
        np.testing.assert_array_equal(mine.array, theirs.array)
    found = METHOD.ensures(made, METHOD.settings_type(io="int8"))
    assert (
        found.holds
        and "1 of 4 kernels are in look-up tables with 2 bits an index: 320 B in place of 1152 B" in found.detail
    )
    # what is packed is not packed again, and so the bytes do not change
    assert METHOD.finish(SimpleNamespace(packing=compression), made.content, METHOD.settings_type()) == made.content


def test_what_does_not_shrink_stays_as_it_is():
    """144 values a channel need 8 bits: nothing is asked of tflite-micro at all."""
    content = (GOLDEN / "int8.tflite").read_bytes()
    assert METHOD.finish(SimpleNamespace(), content, METHOD.settings_type()) == content
    found = METHOD.ensures(read_tflite(GOLDEN / "int8.tflite"), METHOD.settings_type())
    assert not found.holds and "0 of 4 kernels are in look-up tables" in found.detail


def test_clustering_holds_in_a_packed_file():
    clustering = technique("clustering")
    assert clustering.ensures(
        read_tflite(GOLDEN / "lookup_tables_int8.tflite"), clustering.settings_type(clusters=4)
    ).holds


@pytest.mark.parametrize(
    ("task", "reason"),
    [
        (a_task("rpi4"), "only tflite-micro decodes"),
        (a_task("corstone-300"), "the compiler of the NPU"),
        (a_task(currency="ram"), "the goal is a small ram"),
        (a_task(width=60), "the code that decodes them takes 11.1 KiB"),
        (a_task(trains=False), "the project allows no training"),
    ],
    ids=["runtime", "npu", "currency", "too small", "no training"],
)
def test_it_is_declined_where_it_gains_nothing(task, reason):
    waiting, declined = candidates(task)
    assert not any(candidate.steps[-1].published == PACKED for candidate in waiting)
    (found,) = (one for one in declined if one.technique == "int8_lookup_tables")
    assert isinstance(found, Declined) and reason in found.reason


def test_it_follows_clustering_and_nothing_else():
    waiting, _ = candidates(a_task())
    packed = [candidate for candidate in waiting if candidate.steps[-1].published == PACKED]
    assert packed and all("clustering" in [step.technique.name for step in candidate.steps] for candidate in packed)
    clustered = [
        candidate for candidate in waiting if "clustering" in [step.technique.name for step in candidate.steps]
    ]
    assert all(candidate.conversion.packs for candidate in clustered), "clusters alone would not shrink the raw file"
    both, _ = candidates(a_task(currency="download"))
    assert any(candidate.name == "clustering_16+int8" for candidate in both)


def test_what_it_is_predicted_to_cost():
    """32,000 and 5,000 weights: half a byte each and 16 B a channel less; the larger is decoded at once."""
    profile, model = load_profile("nucleo-l4r5zi"), facts(500)
    clustered = Step(technique="clustering", settings={"clusters": 16, "exclude": []})
    plain, packed = lowered(model, Step(technique="int8")), lowered(model, clustered, PACKED)
    saved = flash.predict(profile, plain).value - flash.predict(profile, packed).value
    assert saved == 16_000 + 2_500 - (500 + 10) * 16 - 2 * 16 - 2 * 160
    more = ram.predict(profile, packed).value - ram.predict(profile, plain).value
    assert more == 32_000 + 2 * 185
    assert latency.predict(profile, packed).value > latency.predict(profile, plain).value
    spared = Step(technique="clustering", settings={"clusters": 16, "exclude": ["hidden"]})
    small = lowered(model, spared, PACKED).nodes
    assert [node.packed is not None for node in small] == [False, True]
    nothing = Step(technique="clustering", settings={"clusters": 16, "exclude": ["hidden", "classes"]})
    graph, unmet = effect(lower(model), map(typed, (nothing, PACKED)))
    assert (
        graph == integer(lower(model)) and unmet == "clustering: no kernel that is not left out has 256 weights or more"
    )


def test_the_int8_file_corrects_the_prediction_and_does_not_replace_it():
    waiting, _ = candidates(a_task())
    int8 = next(candidate for candidate in waiting if candidate.name == "int8")
    packed = next(candidate for candidate in waiting if candidate.steps[-1].published == PACKED)
    measured = 1.1 * int8.estimates["flash"].value
    metrics = {"flash": Metric(value=measured, unit="B", basis="measured", source="")}
    found = corrected(packed, [Trial(candidate=int8, seconds=1.0, metrics=metrics)]).estimates["flash"]
    assert found.value == pytest.approx(1.1 * packed.estimates["flash"].value) and "of int8" in found.source
    assert METHOD.packs == "int8" and technique("int8").packs is None
