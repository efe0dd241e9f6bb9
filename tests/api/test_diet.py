"""`edgekit.diet` end to end on the real interpreters: what is written, what is not, and what is refused."""

from __future__ import annotations

import io
import json
import stat
import zipfile
from pathlib import Path

import jsonschema
import pytest

import edgekit
from edgekit.documents.diet import DietResult, Proof, RuntimeProof
from edgekit.emit.schema import schema_of
from edgekit.errors import EdgekitError, InputError, ModelError, OutputError
from edgekit.measure import same
from edgekit.tflite.layers_beside import keep_layers
from edgekit.tflite.reader import read_tflite
from edgekit.values import to_json

GOLDEN = Path(__file__).resolve().parent.parent / "golden"
INT8 = GOLDEN / "int8.tflite"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A file of one's own, which may be written over."""
    path = tmp_path / "model.tflite"
    path.write_bytes(INT8.read_bytes())
    return path


@pytest.mark.parametrize("name", ["int8", "loop", "pruned_sparse_encoding", "lstm"])
def test_a_file_is_written_that_is_smaller_and_its_own_diet(name, tmp_path):
    """Two of them have several subgraphs or sparse tensors."""
    out = tmp_path / "new" / "small.tflite"
    found = edgekit.diet(GOLDEN / f"{name}.tflite", out=out, inputs=5)
    assert (found.outcome, found.out, found.reason) == ("pass", str(out), None)
    assert found.proof is not None and found.proof.outcome == "same"
    assert out.stat().st_size == found.flash_after < 0.85 * found.flash_before
    assert sum(saving.saved_bytes for saving in found.savings) == found.flash_before - found.flash_after
    again = edgekit.diet(out, out=tmp_path / "again.tflite")
    assert again.sha256_after == again.sha256_before == found.sha256_after
    assert (again.reason, again.savings, again.proof) == ("it has nothing that can go", (), None)
    assert (tmp_path / "again.tflite").read_bytes() == out.read_bytes()


def test_without_a_place_nothing_is_written(model):
    assert edgekit.diet(model, prove=False).out is None
    assert [path.name for path in model.parent.iterdir()] == [
        "model.tflite"
    ] and model.read_bytes() == INT8.read_bytes()


def test_in_place_keeps_rights_and_a_link(model, tmp_path):
    model.chmod(0o600)
    link = tmp_path / "link.tflite"
    link.symlink_to(model)
    found = edgekit.diet(link, in_place=True, prove=False)
    assert found.out == str(link) and link.is_symlink()
    assert model.stat().st_size == found.flash_after and stat.S_IMODE(model.stat().st_mode) == 0o600
    written = model.stat().st_mtime_ns
    assert edgekit.diet(model, in_place=True).out == str(model) and model.stat().st_mtime_ns == written


def test_names_can_be_kept(model):
    edgekit.diet(model, in_place=True, keep_names=True, prove=False)
    assert [tensor.name for tensor in read_tflite(model).tensors] == [
        tensor.name for tensor in read_tflite(INT8).tensors
    ]


def judged(outcome):
    """A proof with one runtime, in the place of the real one."""
    one = RuntimeProof(runtime="some runtime", outcome=outcome, asked=200, reason="for a reason")
    return lambda *paths, **options: Proof(outcome=outcome, runtimes=(one,))


def test_where_an_output_differs_nothing_is_written(model, tmp_path, monkeypatch):
    monkeypatch.setattr(same, "prove_same", judged("different"))
    earlier = tmp_path / "out.tflite"
    earlier.write_bytes(b"earlier")
    found = edgekit.diet(model, out=earlier)
    assert (found.outcome, found.out, earlier.read_bytes()) == ("fail", None, b"earlier")
    assert found.reason == "it computes something else afterwards: some runtime: for a reason"
    assert edgekit.diet(model, in_place=True).outcome == "fail" and model.read_bytes() == INT8.read_bytes()


def test_what_no_runtime_runs_stays_as_it_is(model, tmp_path, monkeypatch):
    monkeypatch.setattr(same, "prove_same", judged("not run"))
    found = edgekit.diet(model, out=tmp_path / "out.tflite")
    assert found.outcome == "pass" and "no runtime here runs it" in str(found.reason)
    assert (tmp_path / "out.tflite").read_bytes() == INT8.read_bytes() and found.flash_after == found.flash_before


def test_an_archive_of_labels_can_still_be_opened(model):
    with zipfile.ZipFile(model, "a") as archive:
        archive.writestr("labels.txt", "cat\ndog\n")
    found = edgekit.diet(model, in_place=True, inputs=3)
    assert found.flash_after < found.flash_before and "archive" in found.notes[0]
    with zipfile.ZipFile(io.BytesIO(model.read_bytes())) as archive:
        assert archive.testzip() is None and archive.read("labels.txt") == b"cat\ndog\n"


def test_the_document_is_that_of_its_schema(model):
    validator = jsonschema.Draft202012Validator(schema_of(DietResult, "a diet"))
    validator.validate(json.loads(to_json(edgekit.diet(model, inputs=2))))


BAD = {
    "missing": (lambda path: path.unlink(), ModelError),
    "folder": (lambda path: (path.unlink(), path.mkdir()), ModelError),
    "empty": (lambda path: path.write_bytes(b""), ModelError),
    "no tflite": (lambda path: path.write_bytes(b"PK\x03\x04" * 100), ModelError),
    "cut": (lambda path: path.write_bytes(INT8.read_bytes()[:2000]), ModelError),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_refused_and_nothing_is_written(name, model, tmp_path):
    spoil, kind = BAD[name]
    spoil(model)
    with pytest.raises(kind) as caught:
        edgekit.diet(model, out=tmp_path / "out" / "small.tflite")
    assert caught.value.exit_code == 2 and str(model) in str(caught.value.where)
    assert caught.value.next_step and not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["model.tflite", "link.tflite", "hard.tflite"])
def test_the_file_that_is_read_is_never_the_one_that_is_written(name, model, tmp_path):
    (tmp_path / "link.tflite").symlink_to(model)
    (tmp_path / "hard.tflite").hardlink_to(model)
    with pytest.raises(OutputError, match="the one that is read") as caught:
        edgekit.diet(model, out=tmp_path / name)
    assert "--in-place" in str(caught.value.next_step) and model.read_bytes() == INT8.read_bytes()


def test_a_bad_place_is_refused_before_any_work(model, tmp_path, monkeypatch):
    monkeypatch.setattr(same, "prove_same", None)
    (tmp_path / "folder").mkdir()
    for out in (tmp_path / "folder", model / "x.tflite", tmp_path / ("x" * 300), "nul\0.tflite"):
        with pytest.raises(OutputError) as caught:
            edgekit.diet(model, out=out)
        assert caught.value.where and caught.value.next_step
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "model.tflite"]


@pytest.mark.parametrize(
    "options",
    [
        {"in_place": True, "out": "other.tflite"},
        {"inputs": 0},
        {"progress": 3},
        {"keep_names": "false"},
        {"prove": 1},
        {"in_place": None},
    ],
)
def test_arguments_that_make_no_sense(options, model):
    with pytest.raises(InputError) as caught:
        edgekit.diet(model, **options)
    assert isinstance(caught.value, EdgekitError) and caught.value.allowed


def test_a_report_of_the_file_before_is_told(tmp_path, model):
    """After it the file has another hash, and the layers that the report names are taken no more."""
    keep_layers(model, ("first",))
    assert any("is of the file before" in note for note in edgekit.diet(model, in_place=True, prove=False).notes)
    assert not edgekit.diet(model, in_place=True, prove=False).notes
