"""The bundled profiles: each is whole and sourced, and the documents show what they say."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest

from edgekit.devices.bundled import bundled_path, profile_ids
from edgekit.devices.profile import DeviceProfile, limits, list_profiles, load_profile
from edgekit.devices.profile_tables import Quantity
from edgekit.tflite.operators import table_names
from edgekit.values import from_json, to_builtins, to_json

ROOT = Path(__file__).parents[2]
IDS = (
    "android-low", "android-mid", "coral-dev-board", "corstone-300", "esp32-s3", "host", "imx93", "jetson-nano", "nano-33-ble",
    "nucleo-h7a3zi", "nucleo-l4r5zi", "nucleo-u575zi", "pixel-3", "pixel-4", "pixel-8", "rpi-pico", "rpi-zero-2w",
    "rpi-zero-w", "rpi3", "rpi4", "rpi5", "stm32mp157",
)  # fmt: skip


def text_of(name: str) -> str:
    return bundled_path(name).read_text(encoding="utf-8")


def quantities(value: Any, path: str = "") -> list[tuple[str, Quantity]]:
    """Every quantity in a value, with its dotted path."""
    if isinstance(value, Quantity):
        return [(path, value)]
    fields = getattr(value, "__struct_fields__", ())
    return [found for name in fields for found in quantities(getattr(value, name), f"{path}.{name}".lstrip("."))]


def tool(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_folder_is_the_registry() -> None:
    assert profile_ids() == IDS
    assert [profile.id for profile in list_profiles()] == list(IDS)


@pytest.mark.parametrize("name", IDS)
def test_id_is_the_stem_and_every_alias_finds_it(name: str) -> None:
    profile = load_profile(name)
    assert profile.id == name
    assert all(load_profile(alias) == profile or name == "host" for alias in profile.aliases)
    assert all(load_profile(alias.upper()).id == name for alias in profile.aliases)


def test_no_name_stands_for_two_devices() -> None:
    names = [name.lower() for profile in list_profiles() for name in (profile.id, *profile.aliases)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("name", IDS)
def test_every_figure_has_a_source_with_an_address(name: str) -> None:
    profile = load_profile(name)
    found = quantities(profile)
    assert len(found) >= 11
    used = {quantity.source for _, quantity in found}
    used |= {profile.compute.source, profile.numerics.source, profile.runtime.source}
    assert used <= profile.sources.keys()
    for key, source in profile.sources.items():
        assert re.search(r"\S+, ?.*: https://\S+$|\S+: https://\S+$", source), f"{name}: {key}: title and address"
    for path, quantity in found:
        if path.startswith("cost.rates"):
            assert quantity.low is not None and quantity.high is not None, f"{name}: {path} has no interval"
            assert quantity.low < quantity.value < quantity.high


@pytest.mark.parametrize("name", IDS)
def test_its_operators_have_a_table(name: str) -> None:
    runtime = load_profile(name).runtime
    assert runtime.operators in (*table_names(), None)
    assert (runtime.operators is None) == (runtime.kind == "none")


@pytest.mark.parametrize("name", IDS)
def test_no_source_is_listed_in_vain(name: str) -> None:
    profile = load_profile(name)
    cited = text_of(name).split("[memory]", 1)[1]
    assert [key for key in profile.sources if key not in cited] == []


@pytest.mark.parametrize("name", IDS)
def test_round_trip(name: str) -> None:
    profile = load_profile(name)
    assert from_json(to_json(profile), DeviceProfile) == profile
    assert to_builtins(profile)["class"] == profile.kind


@pytest.mark.parametrize("name", IDS)
def test_the_model_gets_no_more_than_there_is(name: str) -> None:
    memory = load_profile(name).memory
    assert memory.ram_for_model.value <= memory.ram.value
    if memory.flash is not None and memory.flash_for_model is not None:
        assert memory.flash_for_model.value <= memory.flash.value


def test_microcontrollers_take_int8_and_no_float16() -> None:
    for profile in list_profiles():
        if profile.kind == "microcontroller":
            assert profile.numerics.input_output == ("int8",)
            assert profile.numerics.float16 == "absent"
            assert profile.runtime.kind == "tflite_micro"


def test_every_default_budget_is_declared() -> None:
    for profile in list_profiles():
        budget, memory = profile.budget, profile.memory
        chosen = (budget.latency, budget.flash, budget.ram, memory.ram_for_model, memory.flash_for_model)
        assert {found.basis for found in chosen if found is not None} == {"declared"}
        assert budget.latency is not None and "latency" in limits(profile)


def test_each_device_says_which_runtime_python_and_wheel_it_has() -> None:
    for profile in list_profiles():
        runtime = profile.runtime
        assert (runtime.package is None) == (runtime.python is None), profile.id
        assert runtime.architecture or profile.is_this_machine
        if runtime.package is None:
            assert runtime.kind in ("none", "tflite_micro") or profile.kind == "android"
        else:
            distribution = {"litert": "ai-edge-litert", "tflite_runtime": "tflite-runtime"}[runtime.kind]
            version = runtime.package.split()[-1]
            assert runtime.package.startswith(distribution) and (profile.is_this_machine or version == runtime.version)
            assert profile.is_this_machine or str(runtime.wheel).endswith(f"_{runtime.architecture}")


def test_32_bit_linux_has_the_old_runtime_or_none_at_all() -> None:
    kinds = {one.id: one.runtime.kind for one in list_profiles() if one.runtime.architecture in ("armv6l", "armv7l")}
    assert kinds == {"rpi-zero-w": "none", "stm32mp157": "tflite_runtime"}
    assert "3.11" in str(load_profile("stm32mp157").runtime.python)


def test_what_stands_in_the_way_is_said_and_nothing_else_is() -> None:
    said = {one.id: one.obstacle for one in list_profiles() if one.obstacle}
    assert sorted(said) == ["coral-dev-board", "rpi-zero-w"]
    assert "no wheel for armv6l" in said["rpi-zero-w"]
    assert "edgetpu_compiler" in said["coral-dev-board"] and "in no package index" in said["coral-dev-board"]
    assert all(load_profile(name).kind == "npu" for name in said if name != "rpi-zero-w")


def test_npus_compute_in_int8_alone() -> None:
    for profile in list_profiles():
        if profile.kind == "npu":
            assert (profile.numerics.int8, profile.numerics.float32, profile.numerics.float16) == (
                "native", "absent", "absent",
            )  # fmt: skip
            assert "float32" not in profile.numerics.input_output
            assert profile.runtime.compiler is not None


def test_an_npu_says_how_its_compiler_is_asked() -> None:
    compilers = {one.id: one.npu.compiler for one in list_profiles() if one.npu}
    assert compilers == {"coral-dev-board": "edgetpu", "corstone-300": "vela", "imx93": "vela"}
    assert {one.id for one in list_profiles() if one.kind == "npu"} == set(compilers)
    assert [one.id for one in list_profiles() if one.is_compiled_here] == ["corstone-300", "imx93"]


def test_the_documented_tables_are_current() -> None:
    make = tool("make_device_docs")
    for page in ("docs/devices.md", "README.md"):
        text = (ROOT / page).read_text(encoding="utf-8")
        assert make.page_text(page, text) == text, "run tools/make_device_docs.py"
        assert all(f"`{name}`" in text for name in IDS)


def test_a_stale_page_is_found() -> None:
    make = tool("make_device_docs")
    text = (ROOT / "docs" / "devices.md").read_text(encoding="utf-8")
    assert make.page_text("docs/devices.md", text.replace("| tflite-runtime 2.14.0 |", "| none |")) == text
    with pytest.raises(SystemExit, match="the markers of 'runtimes' are missing"):
        make.page_text("docs/devices.md", text.replace("<!-- end runtimes -->", ""))
