"""The result folder: which files, what the manifest says of them, and what happens when writing fails."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import platform
from pathlib import Path

import jsonschema
import msgspec
import pytest

from edgekit import files
from edgekit.devices.profile import load_profile
from edgekit.documents.candidate import Plan
from edgekit.documents.compiled import Compiled, LayerCycles, LeftOperator
from edgekit.documents.report import Report
from edgekit.emit import Manifest, Provenance, emit, prepare
from edgekit.errors import OutputError
from edgekit.measure.insides import insides
from edgekit.tflite.reader import read_tflite
from edgekit.values import from_json

RPI4 = load_profile("rpi4")
PROVENANCE = Provenance(inputs={"model": "ab" * 32}, seed=0, versions={"numpy": "2.4.6"}, processor="a processor")
ALWAYS = {"model.tflite", "report.json", "report.html", "report.schema.json", "plan.json", "manifest.json"}


@pytest.fixture
def write(sample_report, sample_plan, int8_model):
    def write(folder, **changes):
        given = {
            "report": sample_report, "plan": sample_plan, "provenance": PROVENANCE, "profile": RPI4,
            "artifact": int8_model, "labels": ("zero", "one", "two"),
        }  # fmt: skip
        asked = {**given, **changes}
        parsed = None if asked["artifact"] is None else read_tflite(asked["artifact"])
        inside = insides(asked["report"].chosen, parsed, asked["profile"])
        return emit(folder, parsed=parsed, inside=inside, **asked)

    return write


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize(
    ("kind", "companions"),
    [
        ("linux", {"inference.py"}),
        ("android", {"inference.py"}),
        ("microcontroller", {"model_data.h", "model_data.cc", "model_operators.h"}),
        ("npu", set()),
    ],
)
def test_the_files_of_a_kind_of_device(write, tmp_path, int8_model, kind, companions):
    path = write(tmp_path / "out", profile=msgspec.structs.replace(RPI4, kind=kind))
    assert path == tmp_path / "out" / "model.tflite"
    assert path.read_bytes() == int8_model.read_bytes()
    assert names(tmp_path / "out") == ALWAYS | {"labels.txt"} | companions
    assert (tmp_path / "out" / "labels.txt").read_text() == "zero\none\ntwo\n"


def made_of(content: bytes) -> Compiled:
    return Compiled(
        compiler="Vela 5.2.0", accelerator="ethos-u55-128", system_config="A", memory_mode="B", clock_hz=32e6, operators=7,
        on_npu=6, cycles=1000, npu_cycles=800, sram_bytes=16, dram_bytes=0, flash_bytes=32, weight_bytes=64, encoded_bytes=30,
        bytes=len(content), sha256=hashlib.sha256(content).hexdigest(), path="model_vela.tflite",
        left=(LeftOperator(operator="COS", layer="<b>cosine</b>", reason="Unsupported opType"),),
        layers=(LayerCycles(name="first", operator="CONV_2D", cycles=900, npu_cycles=700, memory_cycles=900), LayerCycles(name="x", operator="ADD", cycles=100, npu_cycles=100)),
    )  # fmt: skip


def with_compiled(report: Report, content: bytes) -> Report:
    return msgspec.structs.replace(report, chosen=msgspec.structs.replace(report.chosen, compiled=made_of(content)))


def test_what_an_npu_runs_stands_beside_the_model(write, tmp_path, sample_report):
    path, out = tmp_path / "entry" / "model_vela.tflite", tmp_path / "out"
    path.parent.mkdir()
    path.write_bytes(b"compiled")
    write(out, report=with_compiled(sample_report, b"compiled"), compiled=path)
    assert (out / "model_vela.tflite").read_bytes() == b"compiled"
    manifest = from_json((out / "manifest.json").read_bytes(), Manifest)
    assert manifest.files["model_vela.tflite"].sha256 == made_of(b"compiled").sha256
    page = (out / "report.html").read_text()
    assert "On the NPU" in page and "90.0%" in page and "waits for flash or DRAM" in page
    assert "<b>cosine" not in page and "cosine" in page
    with pytest.raises(ValueError, match="not of this compiled file"):
        write(tmp_path / "other", report=with_compiled(sample_report, b"another"), compiled=path)
    write(out)
    assert not (out / "model_vela.tflite").exists(), "a build without one leaves none behind"


def test_the_manifest_vouches_for_every_other_file(write, tmp_path):
    write(tmp_path)
    manifest = from_json((tmp_path / "manifest.json").read_bytes(), Manifest)
    assert set(manifest.files) == names(tmp_path) - {"manifest.json"}
    for name, record in manifest.files.items():
        content = (tmp_path / name).read_bytes()
        assert (record.bytes, record.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert (manifest.outcome, manifest.candidate, manifest.provenance) == ("pass", "int8", PROVENANCE)


def test_the_same_result_gives_the_same_bytes(write, tmp_path):
    write(tmp_path / "a")
    write(tmp_path / "b")
    for name in names(tmp_path / "a"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_documents_are_valid_and_can_be_read_back(write, tmp_path, sample_report, sample_plan):
    write(tmp_path)
    document = json.loads((tmp_path / "report.json").read_text())
    jsonschema.Draft202012Validator(json.loads((tmp_path / "report.schema.json").read_text())).validate(document)
    assert from_json((tmp_path / "report.json").read_bytes(), Report) == sample_report
    assert from_json((tmp_path / "plan.json").read_bytes(), Plan) == sample_plan


def test_a_later_build_replaces_an_earlier_one_and_leaves_other_files_alone(write, tmp_path, sample_report):
    write(tmp_path)
    (tmp_path / "mine.txt").write_text("mine")
    failed = msgspec.structs.replace(sample_report, outcome="fail", chosen=None)
    assert write(tmp_path, report=failed, artifact=None) is None
    assert names(tmp_path) == ALWAYS - {"model.tflite"} | {"mine.txt"}


def test_a_report_of_another_artifact_is_refused(write, tmp_path, int8_model):
    with pytest.raises(ValueError, match="not of this artifact"):
        write(tmp_path / "out", artifact=int8_model.with_name("float32.tflite"))
    assert not (tmp_path / "out").exists()


def test_a_full_disk_leaves_the_earlier_result_whole(write, tmp_path, monkeypatch):
    write(tmp_path)
    before = {name: (tmp_path / name).read_bytes() for name in names(tmp_path)}
    real, calls = os.fsync, []

    def full(descriptor):
        calls.append(descriptor)
        if len(calls) > 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(descriptor)

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OutputError) as caught:
        write(tmp_path, profile=msgspec.structs.replace(RPI4, kind="microcontroller"))
    assert caught.value.exit_code == 2
    assert caught.value.received == "No space left on device"
    assert {name: (tmp_path / name).read_bytes() for name in names(tmp_path)} == before


def test_a_full_disk_leaves_nothing_of_a_first_result(write, tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OutputError):
        write(tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_truly_full_disk(write):
    """Linux's /dev/full answers every write with ENOSPC; a folder cannot be made there at all."""
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full")
    with pytest.raises(OutputError):
        write(Path("/dev/full/out"))


def test_the_manifest_comes_last(write, tmp_path, monkeypatch):
    write(tmp_path)
    real, seen = os.replace, []

    def watched(source, target):
        seen.append((Path(target).name, (tmp_path / "manifest.json").exists()))
        real(source, target)

    monkeypatch.setattr(files.os, "replace", watched)
    write(tmp_path)
    assert seen[-1][0] == "manifest.json"
    assert not any(exists for _, exists in seen)


def test_what_a_killed_build_left_is_swept(write, tmp_path):
    dead = tmp_path / f".edgekit-writing-{platform.node()}-999999999"
    dead.mkdir()
    (dead / "model.tflite").write_bytes(b"half")
    write(tmp_path)
    assert not dead.exists()


def test_a_folder_in_the_place_of_a_file_is_named(write, tmp_path):
    (tmp_path / "report.json").mkdir()
    with pytest.raises(OutputError) as caught:
        write(tmp_path)
    assert caught.value.where == str(tmp_path / "report.json")
    assert names(tmp_path) == {"report.json"}


def test_an_earlier_manifest_cannot_make_it_remove_files_elsewhere(write, tmp_path):
    (tmp_path / "keep.txt").write_text("keep")
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "manifest.json").write_text(json.dumps({"files": {"../keep.txt": {}, "..": {}, "/etc/hostname": {}}}))
    write(folder)
    assert (tmp_path / "keep.txt").read_text() == "keep"


def test_prepare_finds_a_place_that_cannot_be_written_before_the_work(tmp_path):
    prepare(tmp_path / "out")
    assert not (tmp_path / "out").exists()
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError) as caught:
        prepare(tmp_path / "file" / "out")
    assert caught.value.exit_code == 2


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission(write, tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError):
        write(tmp_path / "out")
