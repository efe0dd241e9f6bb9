"""Figures of a profile that do not go together are refused."""

from __future__ import annotations

import re

import pytest

from edgekit.devices.bundled import bundled_path
from edgekit.devices.profile import profile_from_toml
from edgekit.errors import ProfileError


def text_of(name: str) -> str:
    return bundled_path(name).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("key", "has", "what"),
    [
        ("flash_for_model", "3MiB", "memory.flash"),
        ("ram_fast", "512KiB", "memory.ram"),
        ("ram_for_model", "256KiB", "memory.ram"),
    ],
)
def test_a_part_of_a_memory_is_no_larger_than_the_whole(key: str, has: str, what: str) -> None:
    """With the RAM behind a bus, which the board has besides, a model may use more than what is on the chip."""
    text = text_of("esp32-s3")
    key_line = f'{key} = {{ value = "{has}"'
    assert key_line in text
    with pytest.raises(ProfileError, match="more memory than the board has") as raised:
        profile_from_toml(text.replace(key_line, f'{key} = {{ value = "64MiB"'), "mine.toml")
    assert key in str(raised.value) and what in str(raised.value)
    assert profile_from_toml(text.replace(key_line, f'{key} = {{ value = "6MiB"'), "mine.toml")


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ('memory_mode = "Shared_Sram"\n', "", "npu.memory_mode"),
        ('compiler = "vela"', 'compiler = "velo"', "npu.compiler"),
        ('accelerator = "ethos-u55-128"', 'accelerator = ""', "npu.accelerator"),
        ('source = "cmsis-ethos-u"', 'source = "cmsis"', "npu.source"),
        ('clock = { value = "32MHz", basis = "published", source = "an547", note = "Vela', 'clock = { value = "0MHz", basis = "published", source = "an547", note = "Vela', "npu.clock"),
        ('class = "npu"', 'class = "microcontroller"', "npu"),
    ],
)  # fmt: skip
def test_a_configuration_that_is_not_whole_is_refused(old: str, new: str, where: str) -> None:
    text = text_of("corstone-300")
    assert text.count(old) == 1
    with pytest.raises(ProfileError, match=re.escape(where)):
        profile_from_toml(text.replace(old, new), "mine.toml")
