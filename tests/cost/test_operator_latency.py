"""The predicted time of each operator: the parts of the whole's prediction."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgekit.cost.file_latency import predicted_latency
from edgekit.cost.operator_latency import operator_latencies
from edgekit.devices.profile import load_profile
from edgekit.tflite.reader import read_tflite

GOLDEN = Path(__file__).parents[1] / "golden"
FILES = [path for path in sorted(GOLDEN.glob("*.tflite")) if path.stem != "loop"]


@pytest.mark.parametrize("device", ["rpi4", "nucleo-l4r5zi"])
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_values_sum_to_the_prediction(path: Path, device: str) -> None:
    model, profile = read_tflite(path), load_profile(device)
    whole, parts = predicted_latency(model, profile), operator_latencies(model, profile)
    assert whole.value is not None and len(parts) == len(model.operators)
    assert sum(part.value for part in parts) == pytest.approx(whole.value)
    assert sum(part.low for part in parts) <= whole.low * (1 + 1e-9)
    assert sum(part.high for part in parts) >= whole.high * (1 - 1e-9)


def test_the_operator_with_most_work_takes_most_of_the_time() -> None:
    model = read_tflite(GOLDEN / "float32.tflite")
    parts = [part.value for part in operator_latencies(model, load_profile("nucleo-l4r5zi"))]
    assert parts.index(max(parts)) in (0, 1)  # the two convolutions have 1,296 multiply-accumulates each
    assert min(parts) > 0


def test_a_loop_has_no_prediction_and_no_parts() -> None:
    model = read_tflite(GOLDEN / "loop.tflite")
    assert predicted_latency(model, load_profile("rpi4")).value is None
    assert operator_latencies(model, load_profile("rpi4")) == ()


def test_an_arithmetic_that_a_device_lacks_has_no_parts() -> None:
    model, board = read_tflite(GOLDEN / "int16x8.tflite"), load_profile("coral-dev-board")
    known = predicted_latency(model, board).value is not None
    assert bool(operator_latencies(model, board)) == known


def test_what_is_expanded_once_takes_no_time_of_an_inference() -> None:
    """LiteRT keeps what a DENSIFY of a constant wrote: only the overhead of the inference is shared with it."""
    model = read_tflite(GOLDEN / "sparse_int8.tflite")
    parts = operator_latencies(model, load_profile("rpi4"))
    pairs = list(zip(model.operators, parts, strict=True))
    once = [part.value for operator, part in pairs if operator.name == "DENSIFY"]
    assert once and max(once) < min(part.value for operator, part in pairs if operator.name != "DENSIFY")
