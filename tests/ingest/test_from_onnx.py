"""What of an ONNX file counts before it is opened: its bytes and those beside it, the packages, and its free sizes."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgekit.errors import MissingExtraError, ProjectError
from edgekit.ingest import from_onnx
from edgekit.jobs.cache import Cache
from edgekit.machine import extras

ROOT = Path(__file__).resolve().parents[2]
DIGITS = ROOT / "examples" / "onnx" / "digits.onnx"


def test_the_hash_covers_the_constants_in_files_beside_the_model(tmp_path):
    onnx = pytest.importorskip("onnx", reason="needs the `onnx` extra")
    path = tmp_path / "net.onnx"
    onnx.save_model(onnx.load(DIGITS), path, save_as_external_data=True, location="w.bin", size_threshold=0)
    with Cache(tmp_path / "cache") as cache:
        first = from_onnx.digest(path, cache)
        assert from_onnx.digest(path, cache) == first
        content = bytearray((tmp_path / "w.bin").read_bytes())
        content[5] ^= 1
        (tmp_path / "w.bin").write_bytes(content)
        assert from_onnx.digest(path, cache) != first


def test_free_sizes_are_those_beside_the_batch(tmp_path):
    onnx = pytest.importorskip("onnx", reason="needs the `onnx` extra")
    assert not from_onnx.has_free_sizes("digits.onnx", DIGITS.parent)
    model = onnx.load(DIGITS)
    model.graph.input[0].type.tensor_type.shape.dim[2].dim_param = "height"
    onnx.save(model, tmp_path / "free.onnx")
    assert from_onnx.has_free_sizes("free.onnx", tmp_path)
    wanted = from_onnx.wanted_by("free.onnx", tmp_path)
    assert (wanted.names, wanted.output_names) == (("image",), ("logits",))
    assert wanted.input_shapes == ((1, None, 8),)
    for source in ("models:plain", "gone.onnx", "net.keras", None):
        assert not from_onnx.has_free_sizes(source, tmp_path)


def test_a_missing_package_is_one_line_and_exit_code_3(monkeypatch):
    monkeypatch.setattr(extras, "is_installed", lambda package: package != "onnxruntime")
    with pytest.raises(MissingExtraError) as caught:
        from_onnx.require_onnx()
    assert caught.value.exit_code == 3
    assert str(caught.value).startswith("a model in ONNX needs onnxruntime, which is not installed")
    assert 'pip install "edgekit-tflite[onnx]"' in str(caught.value)


def two_inputs(folder: Path) -> Path:
    """The digits' network with a second input of a free size, which nothing uses."""
    onnx = pytest.importorskip("onnx", reason="needs the `onnx` extra")
    model = onnx.load(DIGITS)
    model.graph.input.append(onnx.helper.make_tensor_value_info("rate", onnx.TensorProto.INT64, ["batch", "free"]))
    onnx.save(model, folder / "two.onnx")
    return folder / "two.onnx"


def test_an_input_that_is_held_is_neither_asked_of_the_data_nor_leaves_a_size_free(tmp_path):
    two_inputs(tmp_path)
    held = {"rate": [[16000]]}
    assert from_onnx.has_free_sizes("two.onnx", tmp_path)
    assert not from_onnx.has_free_sizes("two.onnx", tmp_path, held)
    wanted = from_onnx.wanted_by("two.onnx", tmp_path, held)
    assert (wanted.names, wanted.held) == (("image",), held)
    with pytest.raises(ProjectError, match="another shape"):
        from_onnx.has_free_sizes("two.onnx", tmp_path, {"rate": 16000})
