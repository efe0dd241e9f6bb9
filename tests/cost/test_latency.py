"""The roofline: ordered ends, never faster for more work, and around what others measured."""

from __future__ import annotations

import importlib.util
import statistics
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.cost.graph import Graph
from edgekit.cost.latency import Workload, predict, predict_workload
from edgekit.cost.lowering import lower
from edgekit.devices.profile import DeviceProfile, list_profiles, load_profile
from edgekit.devices.profile_tables import Rates
from edgekit.documents.candidate import Estimate, Step
from edgekit.documents.facts import ModelFacts
from edgekit.errors import ProfileError
from edgekit.techniques.steps import effect, typed

PROFILES = list_profiles()
RESNET8 = {"macs": 12_500_000, "weights": 78_000, "activations": 115_000, "operators": 16}
NARROW = 40.0
"""An interval whose high end is more times its low end says nothing, but where a compiler decides what runs where."""


def lowered(facts: ModelFacts, steps: tuple[Step, ...]) -> Graph:
    """The graph that the steps make of a model."""
    return effect(lower(facts), map(typed, steps))[0]


def workload(dtype: str, macs: int, weights: int, activations: int, operators: int) -> Workload:
    width = {"float32": 4, "int8": 1}[dtype]
    return Workload(
        macs=macs, weight_bytes=weights * width, activation_bytes=activations * width, operators=operators, dtype=dtype
    )


@pytest.fixture(scope="module")
def published() -> list[tuple[DeviceProfile, str, str, float, Estimate]]:
    path = Path(__file__).resolve().parents[2] / "tools" / "make_device_docs.py"
    spec = importlib.util.spec_from_file_location("make_device_docs", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return list(module.published(PROFILES))


def test_published_latencies_lie_in_the_interval(published: list) -> None:
    assert len(published) >= 96
    outside = [(p.id, dtype, net, ms) for p, dtype, net, ms, found in published if not found.low <= ms <= found.high]
    assert outside == []


def test_intervals_say_something(published: list) -> None:
    wide = {p.id for p, _, _, _, found in published if found.high > NARROW * found.low}
    assert wide == {p.id for p, *_ in published if p.runtime.compiler is not None}
    ratios = [found.high / found.low for p, *_, found in published if p.runtime.compiler is None]
    assert statistics.median(ratios) < 10


def test_on_an_npu_the_interval_reaches_from_its_compilers_best_to_its_worst() -> None:
    found = predict_workload(load_profile("coral-dev-board"), workload("int8", **RESNET8))
    assert "none of it" in found.source
    assert "compiler" not in predict_workload(load_profile("rpi4"), workload("int8", **RESNET8)).source


workloads = st.builds(
    Workload,
    macs=st.integers(0, 10**11),
    weight_bytes=st.integers(0, 10**9),
    activation_bytes=st.integers(0, 10**9),
    operators=st.integers(0, 1000),
    dtype=st.sampled_from(["float32", "float16", "int8", "int16x8", "dynamic_range"]),
)


@given(work=workloads, profile=st.sampled_from(PROFILES))
def test_low_value_high_are_in_order(work: Workload, profile: object) -> None:
    found = predict_workload(profile, work)  # type: ignore[arg-type]
    assert 0 < found.low <= found.value <= found.high


@given(work=workloads, profile=st.sampled_from(PROFILES), more=st.integers(1, 10**9))
def test_more_work_is_never_faster(work: Workload, profile: object, more: int) -> None:
    before = predict_workload(profile, work)  # type: ignore[arg-type]
    for field in ("macs", "weight_bytes", "activation_bytes", "operators"):
        grown = msgspec.structs.replace(work, **{field: getattr(work, field) + more})
        after = predict_workload(profile, grown)  # type: ignore[arg-type]
        assert (after.low, after.value, after.high) >= (before.low, before.value, before.high)
        assert after.low >= before.low and after.value >= before.value and after.high >= before.high


def test_a_bandwidth_bound_workload_is_bound_by_bandwidth() -> None:
    profile = load_profile("rpi4")
    found = predict_workload(
        profile, Workload(macs=1, weight_bytes=480_000_000, activation_bytes=0, operators=0, dtype="int8")
    )
    assert found.value == pytest.approx(480e6 / 4.8e9 * 1e3 + 0.020)


def test_an_arithmetic_without_a_rate_is_an_error_that_names_it() -> None:
    profile = load_profile("rpi4")
    bare = msgspec.structs.replace(profile, cost=msgspec.structs.replace(profile.cost, rates=Rates()))
    with pytest.raises(ProfileError, match="no rate for int8 arithmetic") as raised:
        predict_workload(bare, workload("int8", **RESNET8))
    assert "rpi4: cost.rates" in str(raised.value)


def test_pruning_makes_no_dense_kernel_faster(keyword_spotter: ModelFacts) -> None:
    profile = load_profile("rpi4")
    plain = predict(profile, lowered(keyword_spotter, (Step(technique="int8"),)))
    pruned = (Step(technique="pruning", settings={"sparsity": 0.9}), Step(technique="int8"))
    assert predict(profile, lowered(keyword_spotter, pruned)) == plain


def test_a_fallback_may_be_as_slow_as_float(keyword_spotter: ModelFacts) -> None:
    profile = load_profile("nucleo-l4r5zi")
    found = predict(profile, lowered(keyword_spotter, (Step(technique="int8_float_fallback"),)))
    assert found.high == predict(profile, lowered(keyword_spotter, (Step(technique="float32"),))).high
    assert found.value == predict(profile, lowered(keyword_spotter, (Step(technique="int8"),))).value


def test_the_keyword_spotter_on_its_reference_board(keyword_spotter: ModelFacts) -> None:
    """MLPerf Tiny v0.5, closed/reference, Nucleo-L4R5ZI: 181.9 ms."""
    found = predict(load_profile("nucleo-l4r5zi"), lowered(keyword_spotter, (Step(technique="int8"),)))
    assert found.low <= 181.9 <= found.high
    assert keyword_spotter.macs == pytest.approx(2.66e6, rel=0.01)
