"""The fast evaluation gives what a one-image loop gives, whatever way it takes, and says how it ran."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgekit.measure.runtimes.interface import Refused
from edgekit.measure.runtimes.litert import LiteRt
from edgekit.measure.runtimes.predict import batch_of, engines, first_outputs, one_at_a_time, predict
from edgekit.measure.runtimes.samples import Samples, to_float
from edgekit.measure.runtimes.throughput import throughput
from edgekit.progress import no_progress

pytest.importorskip("ai_edge_litert")
GOLDEN = Path(__file__).parents[2] / "golden"


def samples_for(model: Path, count: int = 300) -> Samples:
    session = LiteRt().open(model)
    assert not isinstance(session, Refused)
    generator = np.random.default_rng(0)
    arrays = [generator.random((count, *port.shape[1:]), dtype=np.float32) for port in session.inputs]
    return Samples(arrays, np.arange(count), session.inputs)


def loop(model: Path, samples: Samples) -> list[np.ndarray]:
    session = LiteRt().open(model)
    assert not isinstance(session, Refused)
    raw = one_at_a_time(session, samples, 0, len(samples))
    return [to_float(array, port) for array, port in zip(raw, session.outputs, strict=True)]


@pytest.mark.parametrize("name", ["int8", "pruned_int8", "quantization_aware_int8", "int16x8", "lstm", "int8_float_io"])
@pytest.mark.parametrize("cores", [1, 2, 3])
def test_outputs_are_bit_identical_to_a_loop(name, cores, tmp_path):
    model = GOLDEN / f"{name}.tflite"
    samples = samples_for(model)
    found = predict(LiteRt(), model, samples, tmp_path / "out", cores=cores, progress=no_progress)
    (path,) = found.paths
    assert np.array_equal(np.load(path), loop(model, samples)[0])
    assert found.samples == 300 and "interpreter" in found.how


@pytest.mark.parametrize("name", ["float32", "float16", "dynamic_range", "loop"])
def test_float_outputs_are_close_to_a_loop(name, tmp_path):
    model = GOLDEN / f"{name}.tflite"
    samples = samples_for(model)
    found = predict(LiteRt(), model, samples, tmp_path / "out", cores=2, progress=no_progress)
    assert np.allclose(np.load(found.paths[0]), loop(model, samples)[0], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("count", [1, 2, 31, 33, 65])
def test_any_number_of_samples_is_run_once_each(count, tmp_path):
    model = GOLDEN / "int8.tflite"
    samples = samples_for(model, count)
    found = predict(LiteRt(), model, samples, tmp_path / "out", cores=2, progress=no_progress)
    assert np.array_equal(np.load(found.paths[0]), loop(model, samples)[0])


def test_a_state_never_leaks_from_a_sample_to_the_next():
    """The LSTM keeps its state in variable tensors: the same sample gives the same output wherever it stands."""
    model = GOLDEN / "lstm.tflite"
    one = samples_for(model, 1).block(0, 1)[0]
    repeated = Samples([np.repeat(one, 6, axis=0)], np.arange(6), LiteRt().open(model).inputs)
    (outputs,) = loop(model, repeated)
    assert (outputs == outputs[0]).all()


def test_a_model_that_cannot_be_resized_gets_an_interpreter_a_core():
    model = GOLDEN / "lstm.tflite"
    samples = samples_for(model)
    found = engines(LiteRt(), model, samples, 2, first_outputs(LiteRt(), model, samples))
    assert found and all(engine.way.batch == 1 for engine in found)
    assert found[0].way.sessions == 2


def test_a_model_that_can_be_resized_is_batched():
    model = GOLDEN / "int8.tflite"
    samples = samples_for(model)
    found = engines(LiteRt(), model, samples, 2, first_outputs(LiteRt(), model, samples))
    assert found and all(engine.way.batch == batch_of(samples) > 1 and engine.exact for engine in found)


def test_outputs_are_written_in_the_order_asked_for(tmp_path):
    model = GOLDEN / "two_inputs.tflite"
    samples = samples_for(model, 5)
    plain = predict(LiteRt(), model, samples, tmp_path / "a", cores=2, progress=no_progress)
    turned = predict(LiteRt(), model, samples, tmp_path / "b", cores=2, output_order=(1, 0), progress=no_progress)
    for here, there in zip(plain.paths, reversed(turned.paths), strict=True):
        assert np.array_equal(np.load(here), np.load(there))
    assert np.load(plain.paths[0]).shape != np.load(plain.paths[1]).shape


def test_progress_ends_at_the_total_and_never_goes_back(tmp_path):
    seen = []
    model = GOLDEN / "int8.tflite"
    predict(
        LiteRt(), model, samples_for(model, 200), tmp_path / "out", cores=2,
        progress=lambda phase, done, total: seen.append((phase, done, total)),
    )  # fmt: skip
    done = [step[1] for step in seen]
    assert done == sorted(done) and seen[-1] == ("evaluating", 200, 200)


def test_a_refused_model_says_what_the_runtime_said(refused, tmp_path):
    samples = samples_for(GOLDEN / "float32.tflite", 3)
    found = predict(LiteRt(), refused, samples, tmp_path / "out", cores=2, progress=no_progress)
    assert isinstance(found, Refused) and "stride" in found.reason


def test_throughput_compares_the_same_outputs():
    model = GOLDEN / "int8.tflite"
    found = throughput(LiteRt(), model, samples_for(model), cores=2, count=200, pairs=2)
    assert found.identical and len(found.loop) == len(found.evaluation) == 2 and found.ratio > 0
