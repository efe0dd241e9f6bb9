"""What a task admits: every technique is a candidate or declined with a reason, the cheapest come first."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.devices.bundled import profile_ids
from edgekit.documents.facts import LayerFacts, ModelFacts
from edgekit.planner.candidates import candidates, chained
from edgekit.planner.planner import Planner, outline
from edgekit.planner.proposing import control
from edgekit.techniques import techniques
from edgekit.techniques.pruning import Pruning
from edgekit.values import Value

from .conftest import small_network

CURRENCIES = ["flash", "download", "ram", "latency"]
cases = {
    "device": st.sampled_from(profile_ids()), "currency": st.sampled_from(CURRENCIES),
    "search": st.sampled_from(["first", "all"]), "filters": st.integers(1, 2000), "trains": st.booleans(),
}  # fmt: skip


def test_the_cheapest_come_first_and_the_baseline_before_all(task):
    waiting, _ = candidates(task(currency="download"))
    assert waiting[0].name == "float32" and waiting[0].role == "baseline"
    steps = [len(candidate.steps) for candidate in waiting]
    assert steps == sorted(steps), "what trains comes last"
    plain = {c.name: c.estimates["download"].value for c in waiting if len(c.steps) == 1 and c.role == "candidate"}
    assert plain.pop("int8_per_tensor") < plain["int8"], "it comes after int8 all the same"
    assert list(plain.values()) == sorted(plain.values())
    names = [candidate.name for candidate in waiting]
    assert names.index("int8") < names.index("int8_per_tensor") < names.index("int16x8")
    assert names.index("pruning_75+int8") < names.index("pruning_50+int8"), "the lighter one is for where it loses"
    assert names.index("clustering_16+int8") < names.index("clustering_32+int8")


def test_training_ends_in_the_conversion_that_the_device_takes(task):
    for candidate in candidates(task("nucleo-l4r5zi", currency="download"))[0]:
        assert candidate.conversion.name in ("float32", "int8", "int8_per_tensor", "int8_float_fallback", "int8_mixed")
        if candidate.conversion.name != "float32":
            settings = dict(candidate.steps[-1].published.settings)
            assert ("share" in settings) is (candidate.conversion.name == "int8_mixed")
            assert {name: value for name, value in settings.items() if name not in ("share", "half")} == {"io": "int8"}


def declined(found) -> dict[str, str]:
    return {one.technique: one.reason for one in found}


@pytest.mark.parametrize("device", ["nucleo-l4r5zi", "esp32-s3"])
def test_a_microcontroller_declines_what_its_runtime_cannot_run(task, device):
    reasons = declined(candidates(task(device))[1])
    assert "TFLite Micro" in reasons["float16"] and "TFLite Micro" in reasons["dynamic_range"]
    assert "int16x8" in reasons
    assert "int8_float_fallback" not in reasons, "its processor computes in float too"


@pytest.mark.parametrize("technique", ["pruning", "clustering"])
def test_flash_declines_what_only_deflates_better_and_download_tries_it(task, technique):
    assert "download" in declined(candidates(task("stm32mp157", currency="flash"))[1])[technique]
    for wanted in (task(currency="download"), task(limits={"download": 10_000.0})):
        waiting, refused = candidates(wanted)
        assert technique in {candidate.steps[0].technique.name for candidate in waiting}
        assert technique not in declined(refused)


def test_a_project_that_allows_no_training(task):
    waiting, refused = candidates(task(currency="download", trains=False))
    assert all(len(candidate.steps) == 1 for candidate in waiting)
    assert all("epochs = 0" in declined(refused)[name] for name in ("pruning", "clustering", "quantization_aware"))


def test_a_model_without_a_large_kernel_is_not_pruned(task):
    facts = task(filters=1).facts
    small = msgspec.structs.replace(facts.layers[3], kernel=(25, 10))
    few = msgspec.structs.replace(facts, layers=(*facts.layers[:3], small))
    assert "pruning" not in declined(candidates(task(currency="download", facts=facts))[1]), "360 weights are enough"
    refused = declined(candidates(task(currency="download", facts=few))[1])
    assert "256 weights" in refused["pruning"] and "256 weights" in refused["clustering"]


def test_the_control_is_the_float_model_trained(task):
    found = control(task())
    assert found.role == "control" and found.name == "fine_tuning+float32"
    for candidate in candidates(task(currency="download"))[0]:
        assert candidate.control == (found.name if len(candidate.steps) > 1 else None)


@settings(max_examples=40, deadline=None)
@given(**cases)
def test_nothing_is_dropped_silently_and_nothing_is_there_twice(task, device, currency, search, filters, trains):
    wanted = task(device, currency=currency, search=search, filters=filters, trains=trains)
    waiting, refused = candidates(wanted)
    names = [candidate.name for candidate in waiting]
    assert len(names) == len(set(names)) and names[0] == "float32"
    seen = {step.technique.name for candidate in waiting for step in candidate.steps} | set(declined(refused))
    assert seen == set(techniques()) - {"fine_tuning"}
    assert all(one.reason.strip() for one in refused)
    assert candidates(wanted) == (waiting, refused), "deterministic"
    for candidate in waiting:
        assert set(candidate.estimates) == set(CURRENCIES)
        assert all(0 <= one.low <= one.value <= one.high for one in candidate.estimates.values())
        assert isinstance(candidate, Value) and candidate.conversion.kind == "conversion"


@settings(max_examples=40, deadline=None)
@given(name=st.sampled_from(CURRENCIES), loose=st.floats(0.1, 1e7), factor=st.floats(0, 1), **cases)
def test_a_tighter_limit_never_plans_more(task, name, loose, factor, device, currency, search, filters, trains):
    def planned(limit):
        return outline(
            task(device, currency=currency, search=search, filters=filters, trains=trains, limits={name: limit})
        )

    wide, tight = planned(loose), planned(loose * factor)
    assert {c.name for c in tight.candidates} <= {c.name for c in wide.candidates}
    assert wide.outcome == "possible" or tight.outcome == "impossible"
    assert all(one.reason for one in tight.declined)
    if tight.outcome == "impossible":
        assert tight.reason


def test_what_a_technique_requires_and_the_model_has_not_is_a_reason_in_plan_and_search(task, search, monkeypatch):
    monkeypatch.setattr(Pruning, "requires", lambda self, graph, settings: f"{len(graph.nodes)} operators are too few")
    asked = task(currency="download")
    plan = outline(asked)
    told = {one.technique: one.reason for one in plan.declined}
    assert told["pruning_50+int8"] == "pruning: 3 operators are too few"
    assert not any("pruning" in candidate.name for candidate in plan.candidates)
    planner = Planner(asked)
    assert not any("pruning" in name for name in search(planner))
    assert "pruning: 3 operators are too few" in {one.reason for one in planner.declined}


def with_a_logarithm() -> ModelFacts:
    facts = small_network()
    *before, last = facts.layers
    curve = LayerFacts(name="log", kind="Log", inputs=("flat",), output_shape=(36 * 16,))
    return msgspec.structs.replace(facts, layers=(*before, curve, msgspec.structs.replace(last, inputs=("log",))))


@pytest.mark.parametrize(
    ("device", "given", "named"),
    [
        ("rpi4", {}, "quantization_aware+int8_mixed_0"),
        ("rpi4", {"engine": "tfmot"}, "quantization_aware+int8"),
        ("corstone-300", {}, "quantization_aware+int8"),
    ],
)
def test_rounding_is_trained_without_the_logarithm_where_a_file_may_leave_that_in_float(task, device, given, named):
    """Not on an NPU, which computes nothing in float, nor by TFMOT."""
    found = candidates(task(device, facts=with_a_logarithm(), **given))[0]
    (one,) = [
        one
        for one in found
        if [step.technique.name for step in one.training] == ["quantization_aware"] and one.conversion.packs is None
    ]
    assert one.name == named and one.steps[0].settings.wide_in_float is named.endswith("mixed_0")
    plain = [one.name for one in candidates(task(device, **given))[0] if len(one.steps) == 2]
    assert "quantization_aware+int8" in plain, "without a logarithm"


def test_a_chain_ends_in_the_conversion_that_its_training_simulates(task):
    """That of a part, whichever stands last."""
    asked = task(facts=with_a_logarithm(), currency="download")
    parts = [one for one in candidates(asked)[0] if len(one.steps) == 2]
    ends = {one.conversion.name for one in chained(asked, parts) if "quantization_aware" in one.name}
    assert ends == {"int8_mixed"}
