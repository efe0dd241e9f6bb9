"""The bundled example: the list of its files is the folder's, in the wheel's includes too, and nothing is written over."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from edgekit.errors import OutputError
from edgekit.starter.example import FILES, copy_example, example_folder

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]


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


def test_it_is_copied_byte_by_byte(tmp_path):
    written = copy_example(tmp_path / "new" / "digits")
    assert [path.name for path in written] == list(FILES)
    assert all(path.read_bytes() == (example_folder() / path.name).read_bytes() for path in written)


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
