"""What a page shows of a file: one total, that of the verdict, and a reason wherever there is no figure."""

from __future__ import annotations

import msgspec
import pytest

from edgekit.cost.file_latency import predicted_latency
from edgekit.devices.profile import load_profile
from edgekit.documents.compiled import Compiled
from edgekit.documents.insides import NO_CANDIDATE, NO_FILE, NO_PROFILE, ON_NPU, Insides
from edgekit.documents.report import Metric
from edgekit.measure.insides import insides
from edgekit.tflite.breakdown import breakdown
from edgekit.tflite.reader import read_tflite

RPI4 = load_profile("rpi4")


@pytest.fixture
def model(int8_model):
    return read_tflite(int8_model)


def judged(report, value: float, basis: str = "measured"):
    """The chosen file with a latency of the verdict."""
    latency = Metric(value=value, unit="ms", basis=basis, source="a test")
    return msgspec.structs.replace(report.chosen, metrics={**report.chosen.metrics, "latency": latency})


def test_what_is_missing_has_its_reason(sample_report, model):
    chosen = sample_report.chosen
    assert insides(None, model, RPI4) == Insides(reason=NO_CANDIDATE)
    assert insides(chosen, None, RPI4) == Insides(reason=NO_FILE)
    assert insides(chosen, None, RPI4, model_reason="moved").reason == "moved"
    without = insides(chosen, model, None)
    assert without == Insides(parts=breakdown(model), latency_reason=NO_PROFILE)


def test_a_prediction_is_shared_out_as_it_is(sample_report, model):
    whole = predicted_latency(model, RPI4).value
    found = insides(judged(sample_report, whole, "predicted"), model, RPI4)
    assert found.latency_ms == sum(time.value for time in found.latencies) == pytest.approx(whole)
    assert found.latency_basis == "predicted" and found.predicted_ms is None
    assert any(time.low < time.high for time in found.latencies), "each part has its own interval"


def test_a_measured_latency_is_the_total_of_the_parts(sample_report, model):
    found = insides(judged(sample_report, 3.1), model, RPI4)
    assert found.latency_ms == 3.1 == pytest.approx(sum(time.value for time in found.latencies))
    assert found.latency_basis == "measured" and found.predicted_ms == pytest.approx(
        predicted_latency(model, RPI4).value
    )
    assert all(time.low == time.value == time.high for time in found.latencies), "a part has no interval of its own"


def test_a_damaged_latency_is_not_shared_out(sample_report, model):
    assert insides(judged(sample_report, 1e300), model, RPI4).predicted_ms is None


def test_a_file_that_an_npu_runs_has_no_times_of_its_own(sample_report, model):
    compiled = msgspec.convert(
        {
            "compiler": "a", "accelerator": "b", "system_config": "c", "memory_mode": "d", "clock_hz": 1e9, "bytes": 1,
            "sha256": "", "operators": 1, "on_npu": 1, "cycles": 5, "npu_cycles": 5, "sram_bytes": 0, "dram_bytes": 0,
            "flash_bytes": 0, "weight_bytes": 0, "encoded_bytes": 0,
        },
        Compiled,
    )  # fmt: skip
    found = insides(msgspec.structs.replace(sample_report.chosen, compiled=compiled), model, RPI4)
    assert (found.latencies, found.latency_ms, found.latency_reason, found.is_compiled) == ((), None, ON_NPU, True)
