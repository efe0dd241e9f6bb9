"""Devices on a terminal: the list, and one with the source of every figure."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from edgekit.profile import list_profiles, load_profile, profile_ids
from edgekit.render.devices import print_device, print_devices


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
