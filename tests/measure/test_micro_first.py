"""A microcontroller's file is judged by its own interpreter; what LiteRT makes of it is a note."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from edgekit.devices.profile import load_profile
from edgekit.errors import ModelError
from edgekit.measure.firmware import vector_of
from edgekit.measure.measure import Measured, as_it_ran, measure
from edgekit.measure.static import static
from edgekit.tflite.appended import appended
from edgekit.tflite.reader import read_tflite
from edgekit.verdict.metric_spec import MetricSpec

pytest.importorskip("ai_edge_litert")
pytest.importorskip("tflite_micro")
GOLDEN = Path(__file__).parents[1] / "golden"
BOARD = "nucleo-l4r5zi"
BIAS, WEIGHTS, FILTERS = 2, 1, 4
INT16, INT32, BOOL, UINT8, INT8 = 7, 2, 6, 3, 9
"""Numbers of the schema's tensor types."""


def on(device: str, path: Path, folder: Path, dataset=None) -> Measured:
    folder.mkdir(exist_ok=True)
    return measure(path, load_profile(device), dataset=dataset, split="test", metric=MetricSpec(), scratch=folder)


def outcome(found: Measured, name: str) -> str | None:
    return next((check.outcome for check in found.checks if check.name == name), None)


def tensor_of(model, place):
    return model.subgraphs[0].tensors[model.subgraphs[0].operators[0].inputs[place]]


def bias_along_a_dimension_that_it_has_not(model):
    """As the published person detector has it."""
    tensor_of(model, BIAS).quantization.quantizedDimension = 3


def fewer_scales_than_biases(model):
    quantization = tensor_of(model, BIAS).quantization
    quantization.scale, quantization.zeroPoint = quantization.scale[:2], quantization.zeroPoint[:2]


def fewer_zero_points(model):
    quantization = tensor_of(model, BIAS).quantization
    quantization.zeroPoint = quantization.zeroPoint[:2]


def older_schema(model):
    model.version = 2


def signature_of_no_subgraph(model):
    """LiteRT crashes when it is asked for this one's names."""
    model.signatureDefs[0].subgraphIndex = 7


ONLY_ITS_OWN = [
    bias_along_a_dimension_that_it_has_not, fewer_scales_than_biases, fewer_zero_points, older_schema,
    signature_of_no_subgraph,
]  # fmt: skip


@pytest.mark.parametrize("change", ONLY_ITS_OWN)
def test_what_its_own_runtime_runs_is_not_damaged_and_passes_with_a_note(change, remade, tmp_path):
    path = remade("int8", change)
    found = on(BOARD, path, tmp_path / "board")
    assert outcome(found, "runtime") == "pass" and found.metrics["ram"].value > 500
    assert any("contradicts itself" in note for note in found.notes)
    assert any("alone judged the file" in note and "LiteRT" in note for note in found.notes)
    assert outcome(found, "micro_agreement") is None  # there is nothing to compare with


@pytest.mark.parametrize("change", ONLY_ITS_OWN)
def test_on_a_raspberry_pi_litert_decides(change, remade, tmp_path):
    found = on("rpi4", remade("int8", change), tmp_path / "pi")
    assert outcome(found, "runtime") == "fail" and found.problem


def test_the_whole_split_is_evaluated_by_the_board_s_runtime_where_litert_cannot(remade, dataset, tmp_path):
    plain = on(BOARD, remade("int8", unchanged), tmp_path / "plain", dataset)
    found = on(BOARD, remade("int8", bias_along_a_dimension_that_it_has_not), tmp_path / "odd", dataset)
    scores, step = np.load(found.scores[0]), 1 / 256
    np.testing.assert_allclose(scores, np.load(plain.scores[0]), atol=step)  # a rounding may fall otherwise
    assert found.metrics["accuracy"].runtime == "tflite_micro" and plain.metrics["accuracy"].runtime == "litert"
    assert found.metrics["accuracy"].value == pytest.approx(np.mean(scores.argmax(1) == dataset.targets("test")[0]))
    assert [facts.name for facts in found.inputs + found.outputs] == ["image", "classes"]


def unchanged(model):
    pass


def test_a_buffer_longer_than_its_tensor_is_read_and_one_that_is_shorter_is_damaged(remade):
    def longer(model):
        buffer = model.buffers[tensor_of(model, WEIGHTS).buffer]
        buffer.data = np.concatenate([buffer.data, buffer.data[:3]])

    def shorter(model):
        buffer = model.buffers[tensor_of(model, WEIGHTS).buffer]
        buffer.data = buffer.data[:-1]

    assert "39 bytes for int8 of shape (4, 3, 3, 1)" in read_tflite(remade("int8", longer)).oddities[0]
    with pytest.raises(ModelError, match="damaged"):
        read_tflite(remade("int8", shorter))


def test_scales_are_along_the_one_dimension_that_has_as_many(remade):
    model = read_tflite(remade("int8", bias_along_a_dimension_that_it_has_not))
    bias = model.tensors[model.operators[0].inputs[BIAS]]
    assert len(bias.scales) == FILTERS and bias.quantized_dimension == 0
    model = read_tflite(remade("int8", fewer_scales_than_biases))
    assert model.tensors[model.operators[0].inputs[BIAS]].scales == ()


AUDIO = {
    "SignalWindow": ([[1, 16]], [([1, 16], INT16)], {"shift": 12}, np.full(16, 2048, np.int16)),
    "SignalRfft": ([[1, 16]], [([1, 18], INT16)], {"T": INT16, "fft_length": 16}, None),
    "SignalDelay": ([[1, 16]], [([1, 16], INT16)], {"delay_length": 3}, None),
    "SignalFramer": ([[1, 16]], [([1, 1, 32], INT16), ([], BOOL)],
                     {"frame_size": 32, "frame_step": 16, "prefill": True}, None),
    "SignalStacker": ([[4]], [([12], INT16), ([], BOOL)],
                      {"num_channels": 4, "stacker_left_context": 1, "stacker_right_context": 1, "stacker_step": 1}, None),
}  # fmt: skip
"""Operators of the audio front end: shapes of 16-bit inputs, outputs, options, and a constant where it has one."""


def audio_model(name: str, folder: Path) -> Path:
    """A file with one operator of the signal library, which no converter here writes."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema
    from flatbuffers import flexbuffers

    inputs, outputs, options, constant = AUDIO[name]
    given = [(shape, INT16) for shape in inputs] + ([] if constant is None else [([16], INT16)])
    tensors = []
    for index, (shape, kind) in enumerate([*given, *outputs]):
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.type, tensor.buffer = f"t{index}", shape, kind, 0
        tensors.append(tensor)
    code, operator, subgraph, model = schema.OperatorCodeT(), schema.OperatorT(), schema.SubGraphT(), schema.ModelT()
    code.builtinCode = code.deprecatedBuiltinCode = 32
    code.customCode, code.version = name, 1
    operator.opcodeIndex, operator.customOptions = 0, list(flexbuffers.Dumps(options))
    operator.inputs, operator.outputs = list(range(len(given))), list(range(len(given), len(tensors)))
    subgraph.tensors, subgraph.operators = tensors, [operator]
    subgraph.inputs, subgraph.outputs = list(range(len(inputs))), operator.outputs
    model.version, model.operatorCodes, model.subgraphs, model.buffers = 3, [code], [subgraph], [schema.BufferT()]
    if constant is not None:
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(constant.tobytes(), np.uint8)
        model.buffers.append(buffer)
        tensors[len(inputs)].buffer = 1
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    path = folder / f"{name}.tflite"
    path.write_bytes(bytes(builder.Output()))
    return path


@pytest.mark.parametrize("name", sorted(AUDIO))
def test_the_audio_front_end_gets_a_verdict_from_the_runtime_that_has_it(name, tmp_path):
    found = on(BOARD, audio_model(name, tmp_path), tmp_path / "board")
    assert outcome(found, "runtime") == outcome(found, "operators") == "pass"
    assert found.metrics["ram"].basis == "simulated" and found.metrics["ram"].value > 200
    assert any(name in note and "alone judged" in note for note in found.notes)


def uint8_throughout(model):
    for tensor in model.subgraphs[0].tensors:
        tensor.type = UINT8 if tensor.type == INT8 else tensor.type


def operator_of_nobody(model):
    code = model.operatorCodes[0]
    code.builtinCode = code.deprecatedBuiltinCode = 32
    code.customCode = "Oracle"


def operator_of_the_future(model):
    model.operatorCodes[0].builtinCode = 9999


def operator_that_it_lacks(model):
    model.operatorCodes[0].builtinCode = model.operatorCodes[0].deprecatedBuiltinCode = 24


def half_uint8(model):
    model.subgraphs[0].tensors[model.subgraphs[0].inputs[0]].type = UINT8


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (uint8_throughout, "CONV_2D, operator 0 of 6, 'convolution' (uint8, uint8, int32 to uint8)"),
        (half_uint8, "CONV_2D, operator 0 of 6, 'convolution' (uint8, int8, int32 to int8)"),
        (operator_of_nobody, "Oracle, operator 0 of 6, 'convolution' (int8, int8, int32 to int8)"),
        (operator_of_the_future, "UNKNOWN_9999, operator 0 of 6"),
        (operator_that_it_lacks, "RNN, operator 0 of 6"),
    ],
)
def test_the_operator_that_stops_a_file_is_named_with_its_place_and_dtypes(change, named, remade, tmp_path):
    found = on(BOARD, remade("int8", change), tmp_path / "board")
    assert outcome(found, "runtime") == "fail" and named in found.problem
    assert named in found.metrics["ram"].reason


def test_what_the_runtime_runs_is_not_refused_by_a_table(remade):
    known = static(remade("int8", uint8_throughout), load_profile(BOARD))
    ran = as_it_ran(known, "a later tflite-micro")
    before, after = (next(check for check in one.checks if check.name == "operators") for one in (known, ran))
    assert (before.outcome, after.outcome) == ("fail", "pass")
    assert after.reason.startswith("a later tflite-micro runs them") and before.reason in after.reason


def test_a_firmware_gets_its_test_vector_where_litert_does_not_open_the_file(remade, dataset):
    path = remade("int8", bias_along_a_dimension_that_it_has_not)
    vector = vector_of(path, load_profile(BOARD), dataset)
    assert vector is not None and "TensorFlow Lite Micro" in vector.source


def test_an_appended_archive_is_found_with_its_size(tmp_path):
    plain = (GOLDEN / "int8.tflite").read_bytes()
    assert appended(plain) is None and appended(plain + b"PK\x05\x06" + bytes(18)) is None
    path = tmp_path / "labelled.tflite"
    path.write_bytes(plain)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("labels.txt", "cat\ndog\n")
        archive.writestr("bad\x1bname.txt", "x")
    found = appended(path.read_bytes())
    assert found.names == ("labels.txt", "bad?name.txt")
    assert found.size_bytes == path.stat().st_size - len(plain)
