"""`edgekit report`: an earlier result on the terminal, as JSON, as a page; and what is no result."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from edgekit.cli.main import main
from edgekit.devices.profile import load_profile
from edgekit.emit import Provenance, emit
from edgekit.measure.insides import insides
from edgekit.tflite.reader import read_tflite

ROOT = Path(__file__).resolve().parents[2]
PROVENANCE = Provenance(inputs={"model": "ab" * 32}, seed=5, versions={"numpy": "2.4.6"}, processor="a processor")


@pytest.fixture
def result(tmp_path, sample_report, sample_plan, int8_model) -> Path:
    folder = tmp_path / "build" / "rpi4"
    profile, parsed = load_profile("rpi4"), read_tflite(int8_model)
    emit(
        folder, report=sample_report, plan=sample_plan, provenance=PROVENANCE, profile=profile, artifact=int8_model, parsed=parsed,
        inside=insides(sample_report.chosen, parsed, profile),
    )  # fmt: skip
    return folder


def run(*arguments: object):
    return CliRunner().invoke(main, ["report", *map(str, arguments)])


def test_it_shows_the_result_and_its_outcome(result, tmp_path):
    done = run(result)
    assert done.exit_code == 0
    assert "edgekit rpi4  PASS" in done.stdout and "17.3x smaller" in done.stdout
    assert json.loads(run(result / "report.json", "--json").stdout) == json.loads((result / "report.json").read_text())


def test_a_failed_result_is_no_pass(result):
    report = json.loads((result / "report.json").read_text()) | {"outcome": "fail"}
    (result / "report.json").write_text(json.dumps(report))
    assert run(result, "--quiet").exit_code == 1


def test_the_page_is_the_one_that_build_wrote(result, tmp_path):
    written = (result / "report.html").read_bytes()
    done = run(result, "--html", result / "report.html")
    assert (done.exit_code, done.stdout) == (0, "")
    assert (result / "report.html").read_bytes() == written
    assert run(result, "--html", "-").stdout.encode() == written


def test_a_page_elsewhere_links_to_the_files_where_they_are(result, tmp_path):
    (tmp_path / "pages").mkdir()
    run(result, "--html", tmp_path / "pages" / "page.html")
    text = (tmp_path / "pages" / "page.html").read_text()
    links = re.findall(r'href="([^"#]+)"', text)
    assert "../build/rpi4/model.tflite" in links and "../build/rpi4/manifest.json" in links
    assert all((tmp_path / "pages" / link).is_file() for link in links)
    (result / "plan.json").unlink()
    run(result, "--html", tmp_path / "pages" / "page.html")
    assert "plan.json" not in re.findall(r'href="([^"#]+)"', (tmp_path / "pages" / "page.html").read_text())


def test_what_is_no_longer_there_is_missing_with_its_reason(result, tmp_path):
    alone = tmp_path / "alone.json"
    report = json.loads((result / "report.json").read_text()) | {"device": "mine"}
    alone.write_text(json.dumps(report))
    page = run(alone, "--html", "-").stdout
    assert "model.tflite is not beside alone.json" in page
    assert "no manifest vouches for this report" in page
    (tmp_path / "model.tflite").write_bytes((result / "model.tflite").read_bytes())
    page = run(alone, "--html", "-").stdout
    assert "Milliseconds are not known: mine is no bundled device, and no profile was given" in page


def test_a_model_that_was_changed_is_not_the_reports(result):
    (result / "model.tflite").write_bytes((result / "model.tflite").read_bytes() + b"\0")
    page = run(result, "--html", "-").stdout
    assert "is not the file that the report is of" in page and '<rect class="bytes"' not in page


@pytest.mark.parametrize("how", [(), ("--json",), ("--quiet",), ("--html", "-")], ids=str)
@pytest.mark.parametrize("name", ["model.tflite", "plan.json"])
def test_a_file_that_was_altered_beside_the_report_is_named(name, how, result):
    assert run(result, *how).stderr == ""
    path = result / name
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    done = run(result, *how)
    of = "the file that the report is of" if name == "model.tflite" else "the file that manifest.json lists"
    assert done.stderr == f"warning: {path} was altered: it is not {of}, its SHA-256 differs\n" and done.exit_code == 0
    assert "was altered: it is not" not in done.stdout
    path.unlink()
    assert run(result, *how).stderr == "", "what is gone is not altered"


def test_a_manifest_leads_to_no_file_elsewhere(result, tmp_path):
    (tmp_path / "secret").write_text("x")
    manifest = json.loads((result / "manifest.json").read_text())
    manifest["files"]["../../secret"] = {"sha256": "0" * 64, "bytes": 1}
    (result / "manifest.json").write_text(json.dumps(manifest))
    assert run(result).stderr == ""


def test_another_device_is_refused(result):
    done = run(result, "--html", "-", "--device", "pixel-4")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "the result is of another device" in done.stderr


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "neither a report nor a .tflite"),
        (b"\x00\xff\xfe binary", "neither a report nor a .tflite"),
        (b'{"schema_version": 1', "neither a report nor a .tflite"),
        (b"[]", "not a report"),
        (b"[" * 100_000, "deep"),
        (b'{"schema_version": 9, "device": "", "outcome": "", "chosen": null, "checks": []}', "another version"),
        (b'{"schema_version": 1, "device": 5, "outcome": "pass", "chosen": null, "checks": []}', "device"),
    ],
)
def test_what_is_no_report_is_a_message(tmp_path, content, told):
    (tmp_path / "report.json").write_bytes(content)
    done = run(tmp_path, "--html", tmp_path / "page.html")
    assert done.exit_code == 2 and told in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "page.html").exists()


def test_a_place_that_is_no_result(tmp_path, int8_model):
    for place, told in (
        (tmp_path / "nowhere", "no such result"),
        (tmp_path, "holds no report.json"),
        (int8_model, "a model"),
    ):
        done = run(place)
        assert done.exit_code == 2 and told in done.stderr


def test_a_manifest_of_another_report_is_not_taken(result):
    (result / "report.json").write_bytes((result / "report.json").read_bytes() + b"\n")
    assert "no manifest vouches for this report" in run(result, "--html", "-").stdout


@pytest.mark.parametrize("manifest", [b"", b"{}", b"\xff", b"[" * 100_000, b'{"files": 1}'])
def test_a_manifest_that_is_none_costs_its_part_of_the_page_alone(result, manifest):
    (result / "manifest.json").write_bytes(manifest)
    done = run(result, "--html", "-")
    assert done.exit_code == 0 and "no manifest vouches for this report" in done.stdout


def test_a_page_never_replaces_what_it_is_made_of_nor_what_is_no_file(result, tmp_path):
    before = (result / "report.json").read_bytes()
    for place in (result / "report.json", result / "model.tflite", tmp_path, "/dev/null", tmp_path / "a\0b"):
        done = run(result, "--html", place)
        assert done.exit_code == 2 and done.stderr.startswith("error: "), place
    assert (result / "report.json").read_bytes() == before
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


def test_a_folder_that_cannot_be_written_is_a_message(result, tmp_path):
    (tmp_path / "file").write_text("")
    done = run(result, "--html", tmp_path / "file" / "page.html")
    assert done.exit_code == 2 and "cannot be written" in done.stderr


def test_two_documents_cannot_both_go_to_standard_output(result):
    assert run(result, "--html", "-", "--json").exit_code == 2


def test_hostile_reports_are_escaped_from_end_to_end(result):
    report = msgspec.json.decode((result / "report.json").read_bytes())
    report["notes"] = ["</style><script>alert(1)</script>"]
    (result / "report.json").write_bytes(msgspec.json.encode(report))
    page = run(result, "--html", "-").stdout
    assert "<script" not in page and "&lt;script&gt;" in page


def test_a_device_that_a_report_names_is_never_taken_as_a_path(result, tmp_path):
    content = json.loads((result / "report.json").read_text())
    content["device"] = str(ROOT / "device_profiles" / "rpi4.toml")  # as well a device or a pipe, which never ends
    (result / "report.json").write_text(json.dumps(content))
    assert run(result, "--html", tmp_path / "page.html").exit_code == 0
    assert "is no bundled device" in (tmp_path / "page.html").read_text()


def test_a_page_takes_neither_tensorflow_nor_an_interpreter(result, tmp_path):
    code = (
        "import sys; from click.testing import CliRunner; from edgekit.cli.main import main\n"
        f"done = CliRunner().invoke(main, ['report', {str(result)!r}, '--html', {str(tmp_path / 'page.html')!r}])\n"
        "print(done.exit_code, *{'tensorflow', 'tf_keras', 'ai_edge_litert', 'scipy', 'numpy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "0\n"
