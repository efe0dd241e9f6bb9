"""Loops of known length: turns that the file tells, those that it does not, and files that lie."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.cost.file_latency import predicted_latency
from edgekit.cost.operator_latency import operator_latencies
from edgekit.devices.profile import load_profile
from edgekit.tflite.loops import MOST_RUNS, _turns
from edgekit.tflite.model import TfliteModel
from edgekit.tflite.reader import parse_tflite, read_tflite

GOLDEN = Path(__file__).parent.parent / "golden"
STEPS = 5
FIRST, COUNTER, BOUND = 0, 0, 2


def changed(change: Any) -> TfliteModel:
    """The golden recurrent loop with its flatbuffer changed by a function that gets the object form."""
    flatbuffers = pytest.importorskip("flatbuffers")
    schema = pytest.importorskip("ai_edge_litert.schema_py_generated")
    model = schema.ModelT.InitFromPackedBuf((GOLDEN / "recurrent_loop.tflite").read_bytes(), 0)
    change(model, schema.BuiltinOperator)
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return parse_tflite(bytes(builder.Output()), where="changed")


def operator(model: Any, codes: Any, subgraph: int, name: str) -> Any:
    code = getattr(codes, name)
    return next(
        one for one in model.subgraphs[subgraph].operators
        if max(model.operatorCodes[one.opcodeIndex].builtinCode, model.operatorCodes[one.opcodeIndex].deprecatedBuiltinCode) == code
    )  # fmt: skip


def set_number(model: Any, subgraph: int, tensor: int, value: int) -> None:
    """Give a constant tensor a buffer of its own with another int32."""
    from copy import deepcopy

    buffer = deepcopy(model.buffers[model.subgraphs[subgraph].tensors[tensor].buffer])
    buffer.data = np.frombuffer(np.int32(value).tobytes(), np.uint8)
    model.buffers.append(buffer)
    model.subgraphs[subgraph].tensors[tensor].buffer = len(model.buffers) - 1


def runs_of(model: TfliteModel, name: str) -> set[int | None]:
    return {one.runs for one in model.operators if one.name == name}


def test_a_recurrent_layer_runs_its_body_once_a_step():
    model = read_tflite(GOLDEN / "recurrent_loop.tflite")
    assert (runs_of(model, "WHILE"), runs_of(model, "LESS"), runs_of(model, "TANH")) == ({1}, {STEPS + 1}, {STEPS})
    assert model.macs == STEPS * (2 * 3 * 4 + 4 * 3 * 4) + 4 * 2


def test_its_latency_is_known_and_its_operators_share_it():
    model, profile = read_tflite(GOLDEN / "recurrent_loop.tflite"), load_profile("rpi4")
    whole, parts = predicted_latency(model, profile), operator_latencies(model, profile)
    assert whole.value is not None and sum(part.value for part in parts) == pytest.approx(whole.value)
    assert model.runs == sum(one.runs or 0 for one in model.operators) > len(model.operators)


def test_a_longer_loop_is_predicted_to_take_longer():
    def longer(model: Any, codes: Any) -> None:
        set_number(model, 1, operator(model, codes, 1, "LESS").inputs[1], 50)

    model, profile = changed(longer), load_profile("rpi4")
    assert runs_of(model, "TANH") == {50}
    short, long = (predicted_latency(one, profile).value for one in (changed(lambda *_: None), model))
    assert short is not None and long is not None and long > 5 * short


@pytest.mark.parametrize(("start", "step", "runs"), [(1, 1, 4), (0, 2, 3), (7, 1, 0), (0, -1, None), (0, 0, None)])
def test_the_counters_start_and_step_count(start, step, runs):
    def other(model: Any, codes: Any) -> None:
        loop = operator(model, codes, 0, "WHILE")
        body = model.subgraphs[loop.builtinOptions.bodySubgraphIndex]
        position = _counter(model, codes)
        set_number(model, 0, loop.inputs[position], start)
        made = next(one for one in body.operators if body.outputs[position] in one.outputs)
        constant = next(index for index in made.inputs if index != body.inputs[position])
        set_number(model, loop.builtinOptions.bodySubgraphIndex, constant, step)

    model = changed(other)
    assert runs_of(model, "TANH") == {runs}
    if runs is None:
        latency = predicted_latency(model, load_profile("rpi4"))
        assert latency.value is None and latency.reason and "WHILE" in latency.reason


def _counter(model: Any, codes: Any) -> int:
    """The loop's value that the condition looks at."""
    condition = model.subgraphs[operator(model, codes, 0, "WHILE").builtinOptions.condSubgraphIndex]
    return list(condition.inputs).index(operator(model, codes, 1, "LESS").inputs[0])


@pytest.mark.parametrize("called", [0, 2, -1, 99])
def test_a_file_whose_subgraphs_call_themselves_or_none_is_read(called):
    def lying(model: Any, codes: Any) -> None:
        operator(model, codes, 0, "WHILE").builtinOptions.bodySubgraphIndex = called

    assert all(one.runs is None or one.runs >= 0 for one in changed(lying).operators)


def test_a_loop_that_ends_by_its_values_has_no_known_turns():
    model = read_tflite(GOLDEN / "loop.tflite")
    assert {one.runs for one in model.operators if one.name != "WHILE"} == {None}
    assert model.runs is None and model.macs == 4 * 4


@pytest.mark.parametrize(
    ("comparison", "start", "bound", "step", "turns"),
    [
        ("LESS", 0, 10, 3, 4), ("LESS_EQUAL", 0, 9, 3, 4), ("GREATER", 10, 0, -1, 10), ("GREATER_EQUAL", 10, 0, -1, 11),
        ("LESS", 3, 3, 1, 0), ("LESS_EQUAL", 3, 3, 1, 1), ("LESS", 0, MOST_RUNS, 1, None), ("GREATER", 0, -1, 1, None),
    ],
)  # fmt: skip
def test_turns(comparison, start, bound, step, turns):
    assert _turns(comparison, start, bound, step) == turns
