"""The layers that stand beside a file: believed only with its hash, and whatever else lies there is passed over."""

from __future__ import annotations

import shutil
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgekit.documents.report import Chosen, Report
from edgekit.tflite.diet.whole import dieted
from edgekit.tflite.labels import labels
from edgekit.tflite.layers_beside import keep_layers, layers_beside
from edgekit.tflite.named import named
from edgekit.tflite.reader import parse_tflite, read_tflite
from edgekit.values import to_json

GOLDEN = Path(__file__).parents[1] / "golden" / "int8.tflite"
LAYERS = ("convolution", "depthwise", "flatten", "hidden", "classes", "classes")


@pytest.fixture
def unnamed(tmp_path: Path) -> Path:
    """A file after its diet."""
    path = tmp_path / "model.tflite"
    path.write_bytes(dieted(GOLDEN.read_bytes(), where="it").content)
    return path


def report_of(path: Path, layers: tuple[str, ...] = LAYERS, digest: str = "") -> Path:
    digest = digest or sha256(path.read_bytes()).hexdigest()
    chosen = Chosen(candidate="int8", steps=(), path=path.name, sha256=digest, metrics={}, layers=layers)
    beside = path.with_name("report.json")
    beside.write_text(to_json(Report(device="rpi4", outcome="pass", chosen=chosen)))
    return beside


def test_a_file_alone_is_named_by_its_operators(unnamed):
    assert labels(read_tflite(unnamed))[:2] == ("conv_2d", "depthwise_conv_2d")


def test_the_report_of_a_build_names_its_layers(unnamed):
    report_of(unnamed)
    assert labels(read_tflite(unnamed)) == LAYERS


def test_layers_that_are_kept_name_them(unnamed):
    keep_layers(unnamed, LAYERS)
    assert labels(read_tflite(unnamed)) == LAYERS


def test_those_of_another_file_do_not(unnamed):
    report_of(unnamed, digest="0" * 64)
    assert read_tflite(unnamed).layers == ()
    keep_layers(unnamed, LAYERS)
    shutil.copy(GOLDEN, unnamed)
    assert read_tflite(unnamed).layers == ()


def test_those_of_another_number_of_operators_do_not(unnamed):
    report_of(unnamed, layers=("one",))
    assert labels(read_tflite(unnamed))[0] == "conv_2d"


def test_a_terminal_is_safe_from_them(unnamed):
    report_of(unnamed, layers=("\x1b[2J" + "x" * 99, *LAYERS[1:]))
    first = labels(read_tflite(unnamed))[0]
    assert first.startswith("?[2J") and len(first) == 60


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '{"chosen": 3}', '{"chosen": null}', '{"chosen": {"layers": 3}}',
     '{"chosen": {"layers": [1]}}', "[" * 100_000, '{"x": ' * 100_000, "\ud800", '{"chosen": {"sha256": [], "layers": ["a"]}}'],
    ids=range(12),
)  # fmt: skip
def test_what_is_no_report_is_passed_over(unnamed, text):
    unnamed.with_name("report.json").write_bytes(text.encode("utf-8", "surrogatepass"))
    unnamed.with_name("layers.json").write_bytes(text.encode("utf-8", "surrogatepass"))
    assert read_tflite(unnamed).layers == ()


def test_a_folder_in_its_place_is_passed_over(unnamed):
    unnamed.with_name("report.json").mkdir()
    assert read_tflite(unnamed).layers == ()


@settings(max_examples=2000, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(place=st.integers(0), byte=st.integers(0, 255), cut=st.booleans())
def test_a_damaged_report_never_ends_the_reading(unnamed, place, byte, cut):
    whole = bytearray(report_of(unnamed).read_bytes())
    place %= len(whole)
    whole[place] = byte
    unnamed.with_name("report.json").write_bytes(whole[:place] if cut else whole)
    found = layers_beside(unnamed, unnamed.read_bytes())
    assert isinstance(found, tuple) and all(isinstance(one, str) for one in found)


def test_every_tensor_of_a_named_file_has_a_name_of_its_own(unnamed):
    before, after = unnamed.read_bytes(), named(unnamed.read_bytes(), where="it")
    names = [tensor.name for tensor in parse_tflite(after, where="it").tensors]
    assert all(names) and len(set(names)) == len(names)
    assert dieted(after, where="it").content == before, "nothing but names came"
    assert named(GOLDEN.read_bytes(), where="it") == GOLDEN.read_bytes(), "one with names stays as it is"
