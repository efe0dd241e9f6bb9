"""The roofline: ordered ends, never faster for more work, and around what others measured."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.candidate import Step
from edgekit.cost.latency import Workload, predict, predict_workload
from edgekit.errors import ProfileError
from edgekit.facts import ModelFacts
from edgekit.profile import Rates, list_profiles, load_profile

PROFILES = list_profiles()
MOBILENET_V1 = {"macs": 569_000_000, "weights": 4_200_000, "activations": 5_100_000, "operators": 31}
MOBILENET_V2 = {"macs": 301_000_000, "weights": 3_500_000, "activations": 6_700_000, "operators": 66}
RESNET8 = {"macs": 12_500_000, "weights": 78_000, "activations": 115_000, "operators": 16}
WAKE_WORDS = {"macs": 7_490_000, "weights": 210_000, "activations": 270_000, "operators": 31}
AUTOENCODER = {"macs": 264_000, "weights": 270_000, "activations": 2_200, "operators": 10}
PERSON = {"macs": 7_160_000, "weights": 210_000, "activations": 260_000, "operators": 31}
# Milliseconds that others published, with the source's key in the profile.
PUBLISHED = [
    ("rpi4", MOBILENET_V1, "float32", 77.0),  # xnnpack
    ("rpi4", MOBILENET_V2, "float32", 46.0),
    ("rpi4", MOBILENET_V1, "int8", 24.0),
    ("rpi4", MOBILENET_V2, "int8", 17.0),
    ("rpi4", RESNET8, "float32", 1.31),  # mlperf-tiny
    ("rpi4", WAKE_WORDS, "int8", 2.60),
    ("rpi4", AUTOENCODER, "float32", 0.169),
    ("pixel-4", MOBILENET_V1, "float32", 14.0),  # benchmarks
    ("pixel-4", MOBILENET_V1, "int8", 5.0),
    ("nucleo-l4r5zi", RESNET8, "int8", 704.2),  # mlperf-tiny-05
    ("nucleo-l4r5zi", WAKE_WORDS, "int8", 600.6),
    ("nucleo-l4r5zi", AUTOENCODER, "int8", 10.1),
    ("nucleo-l4r5zi", RESNET8, "int8", 389.6),  # mlperf-tiny-10
    ("nucleo-l4r5zi", WAKE_WORDS, "int8", 88.9),  # mlperf-tiny-12
    ("esp32-s3", PERSON, "int8", 54.0),  # tflm
]


def workload(dtype: str, macs: int, weights: int, activations: int, operators: int) -> Workload:
    width = {"float32": 4, "int8": 1}[dtype]
    return Workload(
        macs=macs, weight_bytes=weights * width, activation_bytes=activations * width, operators=operators, dtype=dtype
    )


@pytest.mark.parametrize(("device", "network", "dtype", "published_ms"), PUBLISHED)
def test_published_latencies_lie_in_the_interval(device: str, network: dict, dtype: str, published_ms: float) -> None:
    found = predict_workload(load_profile(device), workload(dtype, **network))
    assert found.low <= published_ms <= found.high
    assert found.high < 40 * found.low, "an interval that says nothing"


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
    plain = predict(profile, keyword_spotter, (Step(technique="int8"),))
    pruned = (Step(technique="pruning", settings={"sparsity": 0.9}), Step(technique="int8"))
    assert predict(profile, keyword_spotter, pruned) == plain


def test_a_fallback_may_be_as_slow_as_float(keyword_spotter: ModelFacts) -> None:
    profile = load_profile("nucleo-l4r5zi")
    found = predict(profile, keyword_spotter, (Step(technique="int8_float_fallback"),))
    assert found.high == predict(profile, keyword_spotter, (Step(technique="float32"),)).high
    assert found.value == predict(profile, keyword_spotter, (Step(technique="int8"),)).value


def test_the_keyword_spotter_on_its_reference_board(keyword_spotter: ModelFacts) -> None:
    """MLPerf Tiny v0.5, closed/reference, Nucleo-L4R5ZI: 181.9 ms."""
    found = predict(load_profile("nucleo-l4r5zi"), keyword_spotter, (Step(technique="int8"),))
    assert found.low <= 181.9 <= found.high
    assert keyword_spotter.macs == pytest.approx(2.66e6, rel=0.01)
