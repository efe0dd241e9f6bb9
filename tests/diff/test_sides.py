"""Reading a side: what is accepted, where a model is looked for, and that a report of any origin is read within limits."""

from __future__ import annotations

import json
import os

import pytest

from edgekit.diff.sides import MAX_REPORT_BYTES, open_side, read_report
from edgekit.errors import InputError, ModelError


def document(result, **changes) -> bytes:
    raw = json.loads((result / "report.json").read_text())
    return json.dumps({**raw, **changes}).encode()


def test_a_folder_a_report_and_a_model(result):
    folder = result("a")
    for given in (folder, folder / "report.json"):
        opened = open_side(given)
        assert opened.side.kind == "report" and opened.side.device == "rpi4" and opened.side.candidate == "int8"
        assert opened.model is not None and opened.side.model == str(folder / "model.tflite")
    opened = open_side(folder / "model.tflite")
    assert opened.side.kind == "tflite" and opened.report is None
    assert opened.metrics["flash"].value == 5384 and opened.metrics["flash"].basis == "measured"
    assert set(opened.metrics) == {
        "flash", "download", "macs", "parameters", "sparsity", "nonzero_parameters", "coded", "not_weights", "peak_memory",
    }  # fmt: skip


def test_a_model_is_known_by_its_content(tmp_path, int8_model):
    (tmp_path / "blob").write_bytes(int8_model.read_bytes())
    assert open_side(tmp_path / "blob").side.kind == "tflite"


def test_a_model_of_another_hash_is_not_taken_for_the_reports(result):
    folder = result("a")
    with (folder / "model.tflite").open("ab") as file:
        file.write(b"\0")
    opened = open_side(folder)
    assert opened.model is None and opened.side.model is None
    assert "not the file that the report is of" in opened.side.model_reason


def test_a_report_without_its_model(result):
    folder = result("a")
    (folder / "model.tflite").unlink()
    assert "model.tflite is not beside report.json" in open_side(folder).side.model_reason


def test_a_report_leads_to_no_file_elsewhere(result, tmp_path):
    """The path in a report may be anything; only its own folder is looked into."""
    folder = result("a")
    secret = tmp_path / "secret.tflite"
    (folder / "model.tflite").rename(secret)
    raw = json.loads((folder / "report.json").read_text())
    for path in ("../secret.tflite", str(secret), "..", "/", ""):
        raw["chosen"]["path"] = path
        (folder / "report.json").write_text(json.dumps(raw))
        opened = open_side(folder)
        assert opened.model is None and "is not beside report.json" in opened.side.model_reason


def test_a_folder_of_results_names_those_in_it(result, tmp_path):
    result("rpi4")
    with pytest.raises(InputError, match=r"holds no report.json") as error:
        open_side(tmp_path)
    assert str(tmp_path / "rpi4") in str(error.value)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "neither a report nor a .tflite"),
        (b"\x89HDF\r\n\x1a\n" + bytes(100), "neither a report nor a .tflite"),
        (b"{", "neither a report nor a .tflite"),
        (b'{"summary": "\xff"}', "neither a report nor a .tflite"),
        (b'{"outcome": NaN}', "neither a report nor a .tflite"),
        (b"[1, 2]", "a list"),
        (b"12", "int"),
        (b"{}", "no schema_version, device"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "nested too deep"),
        (b'{"data":' * 100 + b"1" + b"}" * 100, "nested too deep"),
        (b'{"a":' + b"9" * 400 + b"}", "out of range"),
        (b'{"a":' + b"9" * 5000 + b"}", "neither a report nor a .tflite"),
    ],
)
def test_what_is_no_report_is_refused(tmp_path, content, told):
    path = tmp_path / "report.json"
    path.write_bytes(content)
    with pytest.raises(InputError) as error:
        open_side(path)
    assert told in str(error.value) and str(path) in str(error.value)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"schema_version": 2}, "another version"),
        ({"schema_version": "1"}, "another version"),
        ({"schema_version": True}, "another version"),
        ({"outcome": "maybe"}, "outcome"),
        ({"checks": "all"}, "checks"),
        ({"new_key": 1}, "unknown key 'new_key'"),
        ({"chosen": {"metrics": {}}}, "chosen"),
    ],
)
def test_a_report_of_another_kind_is_refused(result, changes, told):
    with pytest.raises(InputError, match=told):
        read_report(document(result("a"), **changes), where="report.json")


def test_a_key_of_another_edgekit_names_it(result):
    with pytest.raises(InputError, match=r"written by edgekit 9\.9"):
        read_report(document(result("a"), edgekit_version="9.9", new_key=1), where="report.json")


def test_a_plan_is_no_report(sample_plan, tmp_path):
    from edgekit.values import to_json

    with pytest.raises(InputError, match="no chosen, checks"):
        read_report(to_json(sample_plan).encode(), where="plan.json")


def test_texts_steer_no_terminal(result):
    report = read_report(document(result("a"), summary="\x1b[2Jgone\u202e\n", device="a\u0007"), where="r")
    assert report.summary == "?[2Jgone? " and report.device == "a?"


def test_a_byte_order_mark_is_no_obstacle(result):
    assert read_report(b"\xef\xbb\xbf" + document(result("a")), where="r").device == "rpi4"


def test_a_huge_report_is_not_read_to_its_end(tmp_path):
    with (tmp_path / "report.json").open("wb") as file:
        file.truncate(MAX_REPORT_BYTES * 100)
    with pytest.raises(InputError, match="too large"):
        open_side(tmp_path / "report.json")


def test_what_is_not_a_file_is_not_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", "/dev/zero"):
        with pytest.raises(InputError, match="not a file"):
            open_side(type(tmp_path)(path))
    with pytest.raises(InputError, match="cannot be read"):
        open_side(tmp_path / "nowhere")
    with pytest.raises(InputError, match="cannot be read"):
        open_side(tmp_path / "a\0b")


def test_a_truncated_model_is_refused(tmp_path, int8_model):
    path = tmp_path / "short.tflite"
    path.write_bytes(int8_model.read_bytes()[:2000])
    with pytest.raises(ModelError):
        open_side(path)
    path.write_bytes(b"no model")
    with pytest.raises(ModelError, match=r"not a \.tflite"):
        open_side(path)
