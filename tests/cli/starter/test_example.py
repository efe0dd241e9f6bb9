"""The bundled example: the list of its files is the folder's, in the wheel's includes too, and nothing is written over."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from edgekit.cli.starter.example import FILES, PROJECT, SCHEMA, copy_example, example_folder
from edgekit.emit.schema import schema_text
from edgekit.errors import OutputError
from edgekit.project.project import load_project
from edgekit.project.request import profiles_for

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[3]


def test_the_wheel_takes_exactly_these_files():
    included = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"][
        "force-include"
    ]
    assert {f"examples/digits/{name}" for name in FILES} == {name for name in included if name.startswith("examples/")}
    assert all(included[f"examples/digits/{name}"] == f"edgekit/examples/digits/{name}" for name in FILES)
    there = {
        path.name for path in (ROOT / "examples" / "digits").iterdir() if path.is_file() and path.suffix != ".lock"
    }
    assert there == set(FILES)


def test_it_is_copied_byte_by_byte_but_for_where_the_schema_is(tmp_path):
    written = copy_example(tmp_path / "new" / "digits")
    assert [path.name for path in written] == [*FILES, SCHEMA]
    for path in written:
        if path.name not in (SCHEMA, PROJECT):
            assert path.read_bytes() == (example_folder() / path.name).read_bytes()
    copied, bundled = ((folder / PROJECT).read_text().splitlines() for folder in (written[0].parent, example_folder()))
    assert [(copied[0], copied[1:])] == [(f"#:schema {SCHEMA}", bundled[1:])]


@pytest.mark.parametrize("is_copy", [True, False])
def test_the_schema_line_points_at_the_schema(tmp_path, is_copy):
    folder = copy_example(tmp_path / "digits")[0].parent if is_copy else ROOT / "examples" / "digits"
    first, *_ = (folder / PROJECT).read_text().splitlines()
    assert first.startswith("#:schema ")
    schema = (folder / first.removeprefix("#:schema ")).resolve()
    assert schema.read_text() == schema_text(SCHEMA)


def test_it_names_a_device_and_its_readme_nothing_outside(tmp_path):
    folder = copy_example(tmp_path / "digits")[0].parent
    assert [profile.id for profile in profiles_for(None, load_project(folder))] == ["rpi4"]
    text = (folder / "README.md").read_text()
    assert "examples/digits" not in text and "../" not in text and "--project" not in text
    assert all((folder / name).is_file() for name in re.findall(r"^\| `([^`]+)`", text, flags=re.MULTILINE))


def test_nothing_is_written_over_or_left_half(tmp_path):
    (tmp_path / "digits.py").write_text("mine")
    with pytest.raises(OutputError, match="never copied over") as caught:
        copy_example(tmp_path)
    assert caught.value.received == "digits.py"
    assert [path.name for path in tmp_path.iterdir()] == ["digits.py"]
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be copied"):
        copy_example(tmp_path / "file")
    with pytest.raises(OutputError, match="cannot be copied"):
        copy_example(tmp_path / "file" / "inside")
