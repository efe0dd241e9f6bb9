"""`edgekit init`: every key is in the template, with its real default, and no file is ever overwritten."""

from __future__ import annotations

import json
import re
import sys
import typing
from pathlib import Path

import msgspec
import numpy as np
import pytest
from click.testing import CliRunner

from edgekit.cli.init import TEMPLATE
from edgekit.cli.main import main
from edgekit.project.project import load_project
from edgekit.project.project_file import ProjectFile
from edgekit.values import read

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def everything_set() -> dict:
    """The template with every `# key = value` line and `# [table]` uncommented."""
    text = TEMPLATE.read_text(encoding="utf-8")
    return tomllib.loads(re.sub(r"^# (?=[a-z_]+ = |\[)", "", text, flags=re.MULTILINE))


def table_of(kind):
    return next(
        (k for k in (kind, *typing.get_args(kind)) if isinstance(k, type) and issubclass(k, msgspec.Struct)), None
    )


def keys(kind, prefix="") -> set[str]:
    found = set()
    for field in msgspec.structs.fields(kind):
        table = table_of(field.type)
        is_section = table and not prefix  # a table in a section is written in one line
        found |= keys(table, f"{field.encode_name}.") if is_section else {prefix + field.encode_name}
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
                default = list(field.default) if isinstance(field.default, tuple) else field.default
                assert raw[table][field.encode_name] == default, field.name


def ask(*arguments):
    return CliRunner().invoke(main, ["init", *map(str, arguments)])


def with_arrays(folder: Path, name: str = "data.npz", targets: str = "int64") -> None:
    y = np.arange(8).astype(targets)
    np.savez(folder / name, x_train=np.zeros((8, 4)), y_train=y, x_test=np.zeros((8, 4)), y_test=y)


def test_an_empty_folder_gets_a_file_that_loads_and_says_what_is_missing(tmp_path):
    done = ask(tmp_path)
    assert done.exit_code == 0
    assert (
        "needs your hand" in done.stdout and "no model was found" in done.stdout and "accepted: a .keras" in done.stdout
    )
    project = load_project(tmp_path)
    assert (project.devices, project.model, project.data) == (("rpi4",), None, None)
    text = (tmp_path / "edgekit.toml").read_text()
    assert text.count("# NOT FOUND: no ") == 2 and "# [model]" in text and "x_train, y_train, x_test" in text


def test_what_is_found_is_filled_in_and_the_rest_is_the_template(tmp_path):
    with_arrays(tmp_path, targets="float32")
    (tmp_path / "nets.py").write_text("import keras\n\ndef net() -> keras.Model:\n    return keras.Sequential([])\n")
    done = ask(tmp_path)
    assert done.exit_code == 0 and "nets:net" in done.stdout and "next: edgekit build" in done.stdout
    project = load_project(tmp_path)
    assert (project.model.source, project.data.source, project.goal.metric.name) == ("nets:net", "data.npz", "mae")
    changed = [
        line for line in TEMPLATE.read_text().splitlines() if line not in (tmp_path / "edgekit.toml").read_text()
    ]
    assert changed == ['source = "model.keras"', '# metric = "accuracy"'], "every other line is kept"


def test_a_folder_of_images_gets_the_size_of_the_model(tmp_path):
    from PIL import Image

    for split, label in (("train", "a"), ("train", "b"), ("test", "a"), ("test", "b")):
        (tmp_path / "photos" / split / label).mkdir(parents=True)
        Image.new("L", (7, 9)).save(tmp_path / "photos" / split / label / "1.png")
    done = ask(tmp_path, "--json")
    found = json.loads(done.stdout)
    assert found["path"] == str(tmp_path / "edgekit.toml") and found["ready"] is False
    assert found["data"]["images"] == {"looked_at": 2, "sizes": [[9, 7]], "gray": True}
    assert [one["what"] for one in found["missing"]] == ["model"]
    table = load_project(tmp_path).data
    assert (table.source, table.image_size, table.grayscale) == ("photos", None, True)


@pytest.mark.parametrize(
    "name", ['a"b.npz', "a\\b.npz", "a\nb.npz", "a\x7fb.npz", "\u2028\u202eü😀.npz", "\x1b[31m.npz", "# [x].npz"]
)
def test_names_of_any_kind_stay_what_they_are(tmp_path, name):
    with_arrays(tmp_path, name)
    (tmp_path / "sub").mkdir()
    with_arrays(tmp_path / "sub", name)
    done = ask(tmp_path)
    assert done.exit_code == 0 and load_project(tmp_path).data.source == name
    assert "\x1b" not in done.stdout and "\u202e" not in done.stdout
    assert all(line.startswith("  ") for line in done.stdout.splitlines()[1:-1])


def test_it_never_overwrites_not_even_a_link_to_nowhere(tmp_path):
    (tmp_path / "edgekit.toml").write_text("mine")
    done = ask(tmp_path)
    assert (done.exit_code, done.stdout) == (2, "") and "exists already" in done.stderr
    assert (tmp_path / "edgekit.toml").read_text() == "mine"
    (tmp_path / "edgekit.toml").unlink()
    (tmp_path / "edgekit.toml").symlink_to(tmp_path / "elsewhere")
    assert ask(tmp_path).exit_code == 2 and not (tmp_path / "elsewhere").exists()


def test_a_folder_that_is_none_is_a_message(tmp_path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "nowhere", tmp_path / "file"):
        done = ask(path)
        assert (done.exit_code, done.stdout) == (2, "") and "no such folder" in done.stderr


def test_the_example_is_copied_once(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = ask("--example")
    assert done.exit_code == 0 and "--project digits" in done.stdout
    assert load_project(tmp_path / "digits").model.source == "digits:trained_model"
    again = ask("--example", "--json")
    assert (again.exit_code, again.stdout) == (2, "") and "never copied over" in again.stderr
    found = json.loads(ask("--example", "other", "--json").stdout)
    assert found["path"] == "other" and "other/digits.npz" in found["files"]
    (tmp_path / "digits" / "edgekit.toml").unlink()
    assert "digits:trained_model" in ask("digits").stdout
    found = load_project(tmp_path / "digits")
    assert (found.model.source, found.data.source) == ("digits:trained_model", "digits.npz")
