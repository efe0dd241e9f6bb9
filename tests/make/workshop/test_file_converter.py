"""A finished float file through TensorFlow's own quantizer: the same integers and scales as of the Keras model that it was made of."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.make.workshop.convert import convert
from edgekit.make.workshop.file_converter import file_converter
from edgekit.make.workshop.file_model import FileModel
from edgekit.make.workshop.int8.calibrating import kept_inputs
from edgekit.make.workshop.int8.quantizing import quantizing
from edgekit.progress import no_progress
from edgekit.techniques import technique
from edgekit.tflite.diet.whole import dieted
from edgekit.tflite.model import TfliteModel
from edgekit.tflite.reader import parse_tflite, read_tflite
from edgekit.tflite.weights import kernels
from edgekit.values import read
from edgekit.verdict.converter_said import NO_LOOPS

pytestmark = pytest.mark.tf
GOLDEN = Path(__file__).resolve().parents[2] / "golden"
IMAGES = np.random.default_rng(7).random((32, 8, 8, 1), np.float32)
"""Those of tools/make_golden.py."""


def samples() -> Iterator[dict[str, np.ndarray]]:
    for image in IMAGES:
        yield {"image": image[None]}


def converted(tools: Any, name: str, settings: dict[str, Any], stem: str = "float32", content: bytes = b"") -> bytes:
    method, model = (
        technique(name),
        FileModel(parse_tflite(content or (GOLDEN / f"{stem}.tflite").read_bytes(), where=stem)),
    )
    converter = file_converter(tools, model, ["image"])
    chosen = read(settings, method.settings_type, where=name)
    method.configure(tools, converter, chosen, samples)
    with kept_inputs(), quantizing(samples, float_share=method.float_share(chosen), equalizes=False):
        return converter.convert()


def constants(model: TfliteModel) -> dict[str, Any]:
    """By the shape of each kernel, which is another one for each layer: its values, its scales, and those of all tensors beside."""
    found = {str(one.array.shape): (one.array.tolist(), model.tensors[one.index].scales) for one in kernels(model)}
    ports = [
        (tensor.dtype, tensor.scales, tensor.zero_points) for tensor in (*model.input_tensors, *model.output_tensors)
    ]
    return {**found, "ports": ports, "operators": [one.name for one in model.operators]}


@pytest.mark.parametrize(
    ("name", "settings", "stem"),
    [
        ("int8", {"io": "int8"}, "int8"),
        ("int8_per_tensor", {"io": "int8"}, "int8_per_tensor"),
        ("int16x8", {"io": "int16"}, "int16x8"),
    ],
)
def test_integers_are_those_of_the_keras_model(tools, name, settings, stem):
    found = parse_tflite(converted(tools, name, settings), where="made")
    wanted = read_tflite(GOLDEN / f"{stem}.tflite")
    assert constants(found) == constants(wanted)
    assert technique(name).ensures(found, technique(name).settings_type()).holds


def test_without_options_it_is_the_file_to_the_byte(tools):
    assert converted(tools, "float32", {}) == (GOLDEN / "float32.tflite").read_bytes()
    assert converted(tools, "as_given", {}, "int8") == (GOLDEN / "int8.tflite").read_bytes()


def test_halves_and_dynamic_range_hold_their_evidence(tools):
    for name in ("float16", "dynamic_range"):
        found = parse_tflite(converted(tools, name, {}), where="made")
        assert technique(name).ensures(found, technique(name).settings_type()).holds


def test_kernels_stay_in_float_in_a_file_with_names_and_in_one_without(tools):
    slim = dieted((GOLDEN / "float32.tflite").read_bytes(), where="float32").content
    method, found = technique("int8_mixed"), []
    for content in (b"", slim):
        model = parse_tflite(converted(tools, "int8_mixed", {"io": "int8"}, content=content), where="made")
        shown = method.ensures(model, method.settings_type())
        assert shown.holds, shown.detail
        found.append([(one.array.shape, one.dtype) for one in kernels(model)])
    assert found[0] == found[1] and ((8, 144), "int8") in found[0]


def test_a_quantized_file_is_not_quantized_again(tools):
    with pytest.raises(RuntimeError, match="quantized already"):
        converted(tools, "int8", {"io": "int8"}, "int8")


def test_the_file_answers_with_real_numbers_whatever_it_stores():
    plain, integer = (FileModel(read_tflite(GOLDEN / f"{stem}.tflite")) for stem in ("float32", "int8"))
    (whole,), (rounded,) = plain.answers([IMAGES[:4]]), integer.answers([IMAGES[:4]])
    assert whole.shape == rounded.shape == (4, 3) and rounded.dtype == np.float32
    assert np.allclose(whole.sum(axis=1), 1, atol=1e-5) and np.abs(whole - rounded).max() < 0.05
    assert np.array_equal(whole[2:3], plain.answers([IMAGES[2:3]])[0]), "sample by sample"
    assert [port.dtype for port in integer.inputs] == ["float32"]


def test_a_file_with_a_state_begins_each_sample_anew():
    model = FileModel(read_tflite(GOLDEN / "lstm.tflite"))
    series = np.random.default_rng(0).random((2, 5, 2), np.float32)
    first, again = model.answers([series]), model.answers([series])
    assert np.array_equal(first[0], again[0])
    assert np.array_equal(first[0][1:], model.answers([series[1:]])[0])


@pytest.mark.parametrize(
    ("stem", "technique_name"), [("int8", "as_given"), ("float32", "float32"), ("float32", "float16")]
)
def test_the_jobs_take_a_file_in_the_models_place(tools, stem, technique_name, tmp_path):
    """Converted with evidence, and put on a diet."""
    source, made = tmp_path / "model", tmp_path / "made"
    source.mkdir()
    made.mkdir()
    (source / "given.tflite").write_bytes((GOLDEN / f"{stem}.tflite").read_bytes())
    job = {
        "do": "convert", "model": str(source), "target": str(made), "root": str(tmp_path), "imports": [], "seed": 0, "dataset": None, "samples": 8,
        "steps": [{"technique": technique_name, "settings": {}}], "inputs": ["image"], "outputs": ["classes"],
    }  # fmt: skip
    answer = convert(job, no_progress)
    (evidence,) = answer["evidence"]
    assert evidence["holds"] and evidence["technique"] == technique_name and answer["calibration"] == ""
    before, after = read_tflite(made / answer["diet"]["before"]), read_tflite(made / "model.tflite")
    assert after.size_bytes < before.size_bytes
    if technique_name == "as_given":
        assert before.content == (GOLDEN / "int8.tflite").read_bytes()
    with pytest.raises(RuntimeError, match=NO_LOOPS):
        convert({**job, "unrolled": True}, no_progress)
