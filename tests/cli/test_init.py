"""`edgekit init`: every key is in the template, with its real default, and no file is ever overwritten."""

from __future__ import annotations

import json
import re
import sys
import typing

import msgspec
from click.testing import CliRunner

from edgekit.cli.init import TEMPLATE
from edgekit.cli.main import main
from edgekit.project import load_project
from edgekit.project_file import ProjectFile
from edgekit.values import read

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def everything_set() -> dict:
    """The template with every `# key = value` line uncommented."""
    text = TEMPLATE.read_text(encoding="utf-8")
    return tomllib.loads(re.sub(r"^# (?=[a-z_]+ = )", "", text, flags=re.MULTILINE))


def table_of(kind):
    return next(
        (k for k in (kind, *typing.get_args(kind)) if isinstance(k, type) and issubclass(k, msgspec.Struct)), None
    )


def keys(kind, prefix="") -> set[str]:
    found = set()
    for field in msgspec.structs.fields(kind):
        table = table_of(field.type)
        found |= keys(table, f"{field.encode_name}.") if table else {prefix + field.encode_name}
    return found


def flat(raw: dict) -> set[str]:
    return {
        f"{key}.{sub}" if isinstance(value, dict) else key
        for key, value in raw.items()
        for sub in (value if isinstance(value, dict) else [""])
    }


def test_the_template_has_exactly_the_keys_of_the_type():
    assert flat(everything_set()) == keys(ProjectFile)


def test_every_value_in_the_template_is_accepted_and_commented_ones_are_the_defaults():
    raw = everything_set()
    read(raw, ProjectFile, where="template")
    for table, kind in (("goal", "goal"), ("training", "training"), ("calibration", "calibration"), ("data", "data")):
        struct = table_of({field.name: field.type for field in msgspec.structs.fields(ProjectFile)}[kind])
        for field in msgspec.structs.fields(struct):
            if field.default not in (msgspec.NODEFAULT, None):
                assert raw[table][field.encode_name] == field.default, field.name


def test_it_writes_a_file_that_loads(tmp_path):
    done = CliRunner().invoke(main, ["init", str(tmp_path)])
    assert done.exit_code == 0
    project = load_project(tmp_path)
    assert project.devices == ("rpi4",)
    assert project.model.source == "model.keras"


def test_it_never_overwrites(tmp_path):
    (tmp_path / "edgekit.toml").write_text("mine")
    done = CliRunner().invoke(main, ["init", str(tmp_path)])
    assert done.exit_code == 2
    assert "exists already" in done.stderr
    assert (tmp_path / "edgekit.toml").read_text() == "mine"


def test_json_and_a_folder_that_is_not_there(tmp_path):
    done = CliRunner().invoke(main, ["init", str(tmp_path), "--json"])
    assert json.loads(done.stdout) == {"path": str(tmp_path / "edgekit.toml")}
    missing = CliRunner().invoke(main, ["init", str(tmp_path / "nowhere")])
    assert (missing.exit_code, missing.stdout) == (2, "")
    assert "Traceback" not in missing.stderr
