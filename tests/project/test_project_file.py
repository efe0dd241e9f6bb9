"""What is said of a key of `edgekit.toml` that holds something else: all that is allowed, the near one, and how TOML has it."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgekit.errors import ProjectError
from edgekit.project.project import load_project, override
from edgekit.project.project_file import ProjectFile
from edgekit.project.reading import read_project_file

DATA = '[data]\nsource = "d.npz"\n'
STEPS = '[[chain]]\nsteps = ["int8"]\n'


def load(folder: Path, text: str) -> ProjectFile:
    path = folder / "edgekit.toml"
    path.write_text(text)
    return read_project_file(path)


def said(folder: Path, text: str) -> str:
    with pytest.raises(ProjectError) as caught:
        load(folder, text)
    assert caught.value.exit_code == 2
    return f"{caught.value}\n"


@pytest.mark.parametrize(
    ("text", "allowed", "near"),
    [
        ('[goal]\naim = "smalest"', "balanced, smallest, download, ram, fastest, accurate (what", "smallest"),
        ('[goal]\ndirection = "hihger"', "higher, lower (which", "higher"),
        (f'{DATA}target_kind = "class"', "classes, numbers (of", "classes"),
        (f'{DATA}missing = "refus"', "refuse, drop (of", "refuse"),
        (f'{DATA}channels = "fist"', "first, last (of", "first"),
        (f'{DATA}interpolation = "antialiased"', "bilinear, nearest, antialias (how", "antialias"),
        ('[training.augment]\nflip = "zzz"', "horizontal, vertical, both (of", None),
        ("[student]\nwidth = 2.0", "above 0 and below 1 (derived", None),
        ("[training]\nepochs = -1", "at least 0 and at most 1000000000 (the most epochs", None),
        ("[training]\nbatch_size = 1e23", "at least 1 and at most 1000000000 (samples", None),
        ("[training]\nlearning_rate = 1e308", "above 0 and at most 1000 (Adam", None),
        ("[calibration]\nsamples = 99999999999999999999", "at least 1 and at most 1000000000 (training", None),
        ("[goal]\nmax_drop = 1e308", "at least 0 and at most 1000000000 (points", None),
        (f"{DATA}image_size = [0, 8]", "at least 1\n", None),
    ],
)  # fmt: skip
def test_choices_and_bounds_are_told_beside_what_a_key_is_for(tmp_path, text, allowed, near):
    message = said(tmp_path, text)
    assert f"allowed: {allowed}" in message
    assert (f"did you mean {near!r}?" in message) if near else "did you mean" not in message


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ('[chain]\nsteps = ["int8"]', "write [[chain]] above the keys of each"),
        ('chain = ["int8"]', "write [[chain]] above the keys of each"),
        ('chain = "int8"', "write [[chain]] above the keys of each"),
        ('[[chain]]\nsteps = "int8"', 'write steps = ["int8"]'),
        ('[[chain]]\nsteps = [["int8"]]', "write a value that is allowed, or leave the key out"),
        ('[training]\nexclude = "head*"', 'write exclude = ["head*"]'),
        ('[[goal]]\naim = "smallest"', "write [goal] above its keys, once"),
        ('[[model]]\nsource = "m.keras"', "write [model] above its keys, once"),
        ('[[training.augment]]\nflip = "both"', "write [training.augment] above its keys, once"),
        ('goal = "smallest"', "write [goal] above its keys, once"),
    ],
)
def test_a_table_for_a_list_and_a_list_for_a_table(tmp_path, text, advice):
    assert f"next: {advice}\n" in said(tmp_path, text)


@pytest.mark.parametrize(
    "text", ['model = ""', 'data = ""', 'student = ""', '[student]\nmodel = ""', '[model]\nsource = ""']
)
def test_no_source_is_not_the_projects_folder(tmp_path, text):
    assert "length >= 1" in said(tmp_path, text)


@pytest.mark.parametrize("name", ["model", "data", "student"])
def test_an_option_without_a_source(tmp_path, name):
    with pytest.raises(ProjectError, match=f"no source\\n  where: --{name}"):
        override(load_project(tmp_path, required=False), **{name: ""})


def test_what_the_advice_says_is_read(tmp_path):
    assert load(tmp_path, f"{STEPS}{STEPS}").chain[1].steps == ("int8",)
