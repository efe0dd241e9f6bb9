"""A device profile's value and its reading: every mistake in one of your own has its message."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgekit.devices.bundled import bundled_path
from edgekit.devices.profile import limits, load_profile, profile_from_toml
from edgekit.errors import ProfileError


def text_of(name: str) -> str:
    return bundled_path(name).read_text(encoding="utf-8")


def test_units_become_bytes_milliseconds_and_hertz() -> None:
    profile = load_profile("nucleo-l4r5zi")
    assert profile.memory.ram.value == 640 * 1024
    assert profile.compute.clock.value == 120e6
    assert {name: quantity.value for name, quantity in limits(profile).items()} == {
        "flash": 1024 * 1024,
        "ram": 512 * 1024,
        "latency": 500.0,
    }


def test_a_device_without_a_limit_gives_none() -> None:
    assert "flash" not in limits(load_profile("rpi4"))


def test_a_path_works_where_an_id_does(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text_of("rpi4").replace('id = "rpi4"', 'id = "mine"'), encoding="utf-8")
    assert load_profile(path).id == load_profile(str(path)).id == "mine"


# What is wrong, how rpi4.toml is broken, and what the message must say of it.
MISTAKES = {
    "unknown key": (
        "[memory]\nram = ",
        "[memory]\nrams = ",
        ("unknown key 'rams'", "memory.rams", "did you mean 'ram'?"),
    ),
    "unknown table": ("[budget]", "[budgets]", ("unknown key 'budgets'", "did you mean 'budget'?")),
    "missing key": ('core = "Cortex-A72"\n', "", ("missing required field `core`", "compute")),
    "wrong unit": ('value = "1GiB"', 'value = "1GHz"', ("memory.ram.value", "'1GHz'", "KiB", "'512KiB'")),
    "no unit": ('value = "100ms"', 'value = "100"', ("budget.latency.value", "'100'", "'20ms'")),
    "number for text": ('value = "1GiB"', "value = 1024", ("memory.ram.value", "1024")),
    "cores": ('value = "4 cores"', 'value = "four"', ("compute.cores.value", "'four'", "'4 cores'")),
    "unknown basis": ('basis = "published", source = "stream"', 'basis = "guessed", source = "stream"', ("basis",)),
    "missing source": ('source = "stream"', 'source = "steam"', ("no source 'steam'", "did you mean 'stream'?")),
    "source of a table": ('source = "cortex-a72"', 'source = "a72"', ("no source 'a72'", "compute.source")),
    "class": ('class = "linux"', 'class = "desktop"', ("'desktop'", "class")),
    "threads": ("threads = 4", "threads = 0", ("runtime.threads", "0")),
    "outside its interval": ('low = "2GMAC/s"', 'low = "9GMAC/s"', ("outside its own interval", "cost.rates.float32")),
    "live where nothing is read": ('value = "4.8GB/s"', 'value = "live"', ("cannot be read live", "cost.bandwidth")),
    "a native format without a rate": (
        "int16x8 = { value",
        "dynamic_range = { value",
        ("int16x8 is native", "cost.rates"),
    ),
    "a runtime without operators": (
        'operators = "litert-2.3"\n',
        "",
        ("a runtime without its operators", "runtime.operators"),
    ),
    "operators of no runtime": (
        'kind = "litert"',
        'kind = "none"',
        ("operators of a runtime that is not there", "'litert-2.3'"),
    ),
    "an unknown runtime": ('kind = "litert"', 'kind = "onnx"', ("runtime.kind", "'onnx'")),
    "more RAM for a model than the board has": (
        'ram_for_model = { value = "512MiB"',
        'ram_for_model = { value = "9GiB"',
        ("more memory than the board has", "memory.ram_for_model", "9.0 GiB", "at most the 8.0 GiB of memory.ram"),
    ),
    "no RAM for a model": (
        'ram_for_model = { value = "512MiB"',
        'ram_for_model = { value = "0B"',
        ("no memory at all", "memory.ram_for_model"),
    ),
    "more RAM by default than the board has": (
        "[budget]\n",
        '[budget]\nram = { value = "9GiB", basis = "declared", source = "edgekit" }\n',
        ("more memory than the board has", "budget.ram"),
    ),
    "no TOML": ("[memory]", "[memory", ("not a TOML file",)),
    "wrong version": ("schema_version = 1", "schema_version = 2", ("schema_version", "2")),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_says_where_what_and_what_is_allowed(mistake: str) -> None:
    before, after, expected = MISTAKES[mistake]
    broken = text_of("rpi4").replace(before, after, 1)
    assert broken != text_of("rpi4")
    with pytest.raises(ProfileError) as raised:
        profile_from_toml(broken, "mine.toml")
    message = str(raised.value)
    assert raised.value.exit_code == 2
    assert "mine.toml" in message
    assert [part for part in expected if part not in message] == []


@pytest.mark.parametrize(("given", "nearest"), [("rpi44", "rpi4"), ("pixel4a", "pixel-4"), ("nucleo", "nucleo")])
def test_an_unknown_id_names_the_nearest(given: str, nearest: str) -> None:
    with pytest.raises(ProfileError, match=f"no device '{given}'") as raised:
        load_profile(given)
    assert nearest in str(raised.value.next_step)
    assert "nucleo-l4r5zi" in str(raised.value.allowed)


@pytest.mark.parametrize("name", ["", "../rpi4", "*", "rpi4.toml "])
def test_odd_names_are_errors_and_not_accidents(name: str) -> None:
    with pytest.raises(ProfileError):
        load_profile(name)
