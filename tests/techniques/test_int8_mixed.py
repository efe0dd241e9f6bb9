"""int8 with kernels in float32: where it is proposed, what it is predicted to cost, and what its file shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edgekit.cost import download, flash, latency, ram
from edgekit.cost.graph import Graph, Node
from edgekit.devices.profile import load_profile
from edgekit.documents.candidate import Declined
from edgekit.documents.facts import LayerFacts, ModelFacts, TensorFacts
from edgekit.project.project import Goal
from edgekit.techniques import technique
from edgekit.techniques.interface import Task
from edgekit.tflite.reader import read_tflite
from edgekit.verdict.limits import Limits
from edgekit.verdict.metric_spec import MetricSpec

GOLDEN = Path(__file__).parent.parent / "golden"
METHOD = technique("int8_mixed")


def task(device: str, *sizes: int, ends: str = "") -> Task:
    """Dense layers of ten inputs, one after another; `ends` is the kind of an operation behind them."""
    layers = [LayerFacts(name="x", kind="InputLayer", output_shape=(10,))]
    for index, size in enumerate(sizes):
        layers.append(
            LayerFacts(name=f"d{index}", kind="Dense", inputs=(layers[-1].name,), output_shape=(size,), parameters=10 * size, kernel=(10, size))
        )  # fmt: skip
    if ends:
        layers.append(LayerFacts(name="e", kind=ends, inputs=(layers[-1].name,), output_shape=layers[-1].output_shape))
    port = TensorFacts(name="x", shape=(10,), dtype="float32")
    facts = ModelFacts(
        sha256="0" * 64, format="keras", inputs=(port,), outputs=(port,), layers=tuple(layers), output_kinds=("linear",)
    )
    goal = Goal(max_drop_points=1.0, metric=MetricSpec())
    return Task(profile=load_profile(device), facts=facts, goal=goal, limits=Limits())


@pytest.mark.parametrize(("sizes", "labels"), [((4, 96), ["5", "20"]), ((10, 90), ["20"])])
def test_the_shares_are_those_that_a_kernel_fits_into(sizes, labels):
    found = METHOD.propose(task("rpi4", *sizes))
    assert [METHOD.label(one) for one in found] == [f"int8_mixed_{label}" for label in labels]
    on_a_microcontroller = METHOD.propose(task("nucleo-l4r5zi", *sizes))[0]
    assert on_a_microcontroller.io == "int8"
    assert [found[0].half, on_a_microcontroller.half] == [True, False], "whose runtime reads no float16"


@pytest.mark.parametrize(
    ("device", "sizes", "reason"),
    [
        ("rpi4", (30, 70), "the smallest kernel holds 30% of the weights"),
        ("corstone-300", (4, 96), "would leave the NPU"),
    ],
)
def test_it_declines_where_nothing_could_stay_in_float(device, sizes, reason):
    found = METHOD.propose(task(device, *sizes))
    assert isinstance(found, Declined) and reason in found.reason


def test_a_logarithm_may_stay_in_float_where_every_kernel_is_too_large():
    found = METHOD.propose(task("rpi4", 30, 70, ends="Log"))
    assert [METHOD.label(one) for one in found] == ["int8_mixed_0", "int8_mixed_60"]
    assert METHOD.float_share(found[0]) == 0.0 and not METHOD.effect(task("rpi4", 30, 70).graph, found[0]).float_weights
    assert isinstance(METHOD.propose(task("rpi4", 30, 70, ends="Activation")), Declined)


def test_its_cost_is_that_of_int8_at_the_low_end_and_of_the_share_in_float_beyond():
    graph = Graph(
        inputs={"x": 10}, outputs=("d",),
        nodes=(Node(name="d", inputs=("x",), elements=100, kind="Dense", weights=1000, channels=100, macs=1000, window=10),),
    )  # fmt: skip
    whole = technique("int8").effect(graph, technique("int8").settings_type())
    mixed = METHOD.effect(graph, METHOD.settings_type(share=0.2))
    for device in ("rpi4", "nucleo-l4r5zi"):
        profile = load_profile(device)
        for cost in (flash, download, ram, latency):
            int8, some, none = (cost.predict(profile, one) for one in (whole, mixed, graph))
            assert some.low == int8.low <= int8.value <= some.value <= some.high, cost.__name__
            assert int8.high <= some.high <= max(int8.high, none.high), cost.__name__
    halves = METHOD.effect(graph, METHOD.settings_type(share=0.2, half=True))
    extra = [flash.predict(None, one).value - flash.predict(None, whole).value for one in (mixed, halves)]
    assert extra == [200 * 3, 200 * 1]


def evidence(stem: str, **settings: Any) -> Any:
    return METHOD.ensures(read_tflite(GOLDEN / f"{stem}.tflite"), METHOD.settings_type(**settings))


def test_the_evidence_names_the_layers_in_float_and_holds_both_to_their_share():
    """36 of 1,248 weights are those of the convolution."""
    found = evidence("int8_mixed")
    assert (
        found.holds
        and found.detail == "3 of 4 kernels are int8; 2.9% of the weights are in float32, 5% may be: convolution"
    )
    assert not evidence("int8_mixed", share=0.02).holds
    assert (
        not evidence("int8").holds
        and not evidence("int8_float_fallback", share=0.9).holds
        and not evidence("float32", share=0.9).holds
        and not evidence("dynamic_range", share=0.9).holds
    )
