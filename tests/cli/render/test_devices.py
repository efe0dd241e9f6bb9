"""Devices on a terminal: the list, and one with the source of every figure."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from edgekit.cli.render.devices import print_device, print_devices
from edgekit.devices.bundled import profile_ids
from edgekit.devices.profile import list_profiles, load_profile


def shown(show, value) -> str:
    stream = io.StringIO()
    show(value, console=Console(file=stream, width=80, markup=False, highlight=False))
    return stream.getvalue()


def test_the_list_names_every_device_within_80_columns():
    text = shown(print_devices, list_profiles())
    assert [name for name in profile_ids() if f"\n{name} " not in f"\n{text}"] == []
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("name", profile_ids())
def test_one_device_names_the_source_of_every_figure(name):
    profile = load_profile(name)
    text = shown(print_device, profile)
    assert max(map(len, text.splitlines())) <= 80
    flat = " ".join(text.split())
    ram = profile.memory.ram
    assert f"{ram.basis}, {ram.source}" in flat
    for key in profile.sources:
        assert f"\n  {key}" in text


def test_the_list_goes_class_by_class():
    lines = shown(print_devices, list_profiles()).splitlines()
    table = lines[1 : lines.index("", lines.index(next(line for line in lines if line.startswith("corstone-300"))))]
    kinds = [line.split()[1] for line in table if line.strip()]
    assert len(kinds) == len(profile_ids())
    assert list(dict.fromkeys(kinds)) == ["linux", "android", "microcontroller", "npu"]
    assert kinds == sorted(kinds, key=["linux", "android", "microcontroller", "npu"].index)


def test_a_footnote_says_whose_compiler_edgekit_runs():
    text = shown(print_devices, list_profiles())
    rows = [line.split() for line in text.splitlines() if re.search(r" (linux|android|microcontroller|npu) ", line)]
    marks = {row[0]: row[-1][-1] for row in rows if row[-1].endswith(("*", "+"))}
    compiled = [profile for profile in list_profiles() if profile.runtime.compiler is not None]
    assert marks == {one.id: "+" if one.is_compiled_here else "*" for one in compiled} and set(marks.values()) == {
        *"*+"
    }
    flat = " ".join(text.split())
    assert "* needs a compiler that edgekit does not run; + is compiled for by Vela, which edgekit runs" in flat
    assert "compiler" not in " ".join(shown(print_devices, [load_profile("rpi4")]).split())


def test_a_budget_is_shown_as_defaults():
    assert "Budget (defaults: what exceeds one is warned of" in " ".join(
        shown(print_device, load_profile("rpi4")).split()
    )


def test_one_core_is_one_core():
    assert "1 core " in shown(print_device, load_profile("rpi-zero-w"))
    assert "4 cores " in shown(print_device, load_profile("rpi4"))


@pytest.mark.parametrize("name", profile_ids())
def test_what_stands_in_the_way_is_at_the_top(name):
    profile = load_profile(name)
    flat = " ".join(shown(print_device, profile).split("Memory")[0].split())
    assert (profile.obstacle or "nothing") in flat or profile.obstacle is None
    assert ("Nothing is known to run there" in flat) == (profile.obstacle is not None)
