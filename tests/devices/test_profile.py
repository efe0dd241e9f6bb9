"""Device profiles: every bundled one is whole and sourced, and every mistake in one of your own has its message."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from edgekit.devices.profile import (
    DeviceProfile,
    Quantity,
    limits,
    list_profiles,
    load_profile,
    profile_from_toml,
    profile_ids,
    registry_folder,
)
from edgekit.devices.profile_file import (
    BudgetTable,
    ComputeTable,
    CostTable,
    MemoryTable,
    NumericsTable,
    RatesTable,
    RuntimeTable,
)
from edgekit.emit.schema import schema_text
from edgekit.errors import ProfileError
from edgekit.tflite.operators import table_names
from edgekit.values import from_json, to_builtins, to_json

ROOT = Path(__file__).parents[2]
IDS = (
    "android-low", "android-mid", "coral-dev-board", "corstone-300", "esp32-s3", "host", "imx93", "jetson-nano", "nano-33-ble",
    "nucleo-h7a3zi", "nucleo-l4r5zi", "nucleo-u575zi", "pixel-3", "pixel-4", "pixel-8", "rpi-pico", "rpi-zero-2w",
    "rpi-zero-w", "rpi3", "rpi4", "rpi5", "stm32mp157",
)  # fmt: skip


def text_of(name: str) -> str:
    return (registry_folder() / f"{name}.toml").read_text(encoding="utf-8")


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


def test_units_become_bytes_milliseconds_and_hertz() -> None:
    profile = load_profile("nucleo-l4r5zi")
    assert profile.memory.ram.value == 640 * 1024
    assert profile.compute.clock.value == 120e6
    assert {name: quantity.value for name, quantity in limits(profile).items()} == {
        "flash": 1024 * 1024,
        "ram": 512 * 1024,
        "latency": 500.0,
    }


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


def test_a_missing_file_a_folder_and_a_binary_are_errors(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="cannot be read"):
        load_profile(tmp_path / "none.toml")
    with pytest.raises(ProfileError, match="cannot be read"):
        load_profile(tmp_path)
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ProfileError, match="not a text file"):
        load_profile(tmp_path / "binary.toml")


@pytest.mark.parametrize("name", ["", "../rpi4", "*", "rpi4.toml "])
def test_odd_names_are_errors_and_not_accidents(name: str) -> None:
    with pytest.raises(ProfileError):
        load_profile(name)


def test_the_published_schema_is_current() -> None:
    published = (ROOT / "docs" / "device-profile.schema.json").read_text(encoding="utf-8")
    assert published == schema_text("device-profile.schema.json"), "run tools/make_schemas.py"


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


@pytest.mark.parametrize("name", IDS)
def test_the_schema_takes_every_bundled_profile(name: str) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.validate(_toml(name), _schema())


def test_the_schema_marks_a_wrong_unit_and_an_unknown_key() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    wrong_unit, unknown = _toml("rpi4"), _toml("rpi4")
    wrong_unit["memory"]["ram"]["value"] = "1GHz"
    unknown["memory"]["rams"] = unknown["memory"]["ram"]
    for broken in (wrong_unit, unknown):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(broken, _schema())


def test_the_schema_describes_every_key() -> None:
    tables = (BudgetTable, ComputeTable, CostTable, MemoryTable, NumericsTable, RatesTable, RuntimeTable)
    definitions = _schema()["$defs"]
    for table in tables:
        assert definitions[table.__name__]["additionalProperties"] is False
        assert definitions[table.__name__]["description"]
    assert [key for key, value in definitions["ProfileFile"]["properties"].items() if value == {}] == []
    assert all(text_of(name).startswith("#:schema ../docs/device-profile.schema.json\n") for name in IDS)


def _schema() -> dict[str, Any]:
    schema: dict[str, Any] = json.loads((ROOT / "docs" / "device-profile.schema.json").read_text(encoding="utf-8"))
    return schema


def _toml(name: str) -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    return tomllib.loads(text_of(name))


@pytest.mark.parametrize("given", ["/dev/zero", "pipe", "large.toml"])
def test_what_has_no_end_is_no_profile(tmp_path: Path, given: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large.toml").write_text("#" * 2**21)
    with pytest.raises(ProfileError, match=r"cannot be read|too large"):
        load_profile(tmp_path / given)
