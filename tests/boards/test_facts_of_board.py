"""What is said of a board before anything goes there: what is missing, with the line that installs it, and the room."""

from __future__ import annotations

import pytest

from edgekit.boards.facts_of_board import architecture, choose_runtime, install_line, other_device, require_room
from edgekit.boards.transport import Facts
from edgekit.devices.profile import list_profiles, load_profile
from edgekit.errors import DeviceError, MissingExtraError

NAMES = {one.id: one.name for one in list_profiles()}


def facts(machine="aarch64", version=(3, 11, 2), *, bits=64, numpy="1.26.4", runtimes=None, **more):
    return Facts(
        system="Linux", machine=machine, python="/usr/bin/python3", python_version=version, bits=bits, numpy=numpy,
        runtimes=runtimes or {}, **more,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("machine", "bits", "is_called"),
    [("aarch64", 64, "aarch64"), ("aarch64", 32, "armv7l"), ("armv8l", 32, "armv7l"), ("armv6l", 32, "armv6l")],
)
def test_a_32_bit_system_on_a_64_bit_kernel_is_a_32_bit_board(machine, bits, is_called):
    assert architecture(facts(machine, bits=bits)) == is_called


@pytest.mark.parametrize(
    ("board", "wanted"),
    [
        (facts("aarch64", (3, 11, 2)), "pip install ai-edge-litert==2.3.0 numpy"),
        (facts("aarch64", (3, 13, 0)), "pip install ai-edge-litert==2.3.0 numpy"),
        (facts("aarch64", (3, 9, 2)), 'pip install tflite-runtime==2.14.0 "numpy<2"'),
        (facts("armv7l", (3, 11, 2), bits=32), 'pip install tflite-runtime==2.14.0 "numpy<2"'),
        (facts("aarch64", (3, 11, 2), bits=32), 'pip install tflite-runtime==2.14.0 "numpy<2"'),
        (facts("armv7l", (3, 13, 0), bits=32), None),
        (facts("armv6l", (3, 11, 2), bits=32), None),
        (facts("aarch64", (3, 8, 1)), None),
        (facts("riscv64", (3, 11, 2)), None),
    ],
)
def test_the_line_is_that_of_the_board(board, wanted):
    line = install_line(board, load_profile("rpi4"))
    assert line is None if wanted is None else wanted in line and "/usr/bin/python3 -m venv" in line


def test_what_is_missing_is_told_with_the_line():
    with pytest.raises(MissingExtraError, match="neither LiteRT nor tflite-runtime") as raised:
        choose_runtime(facts(), load_profile("rpi4"), None)
    assert "ai-edge-litert==2.3.0" in raised.value.next_step and "--python" in raised.value.next_step
    with pytest.raises(MissingExtraError, match="no numpy"):
        choose_runtime(facts(numpy=None), load_profile("rpi4"), None)
    with pytest.raises(MissingExtraError, match="no Python that the runner works with") as raised:
        choose_runtime(facts(version=(3, 7, 3)), load_profile("rpi4"), None)
    assert raised.value.received == "3.7.3"


def test_where_none_is_to_be_had_it_says_why():
    with pytest.raises(MissingExtraError) as raised:
        choose_runtime(facts("armv6l", bits=32), load_profile("rpi-zero-w"), None)
    assert "no wheel for armv6l was ever published" in raised.value.next_step
    with pytest.raises(MissingExtraError) as raised:
        choose_runtime(facts("armv7l", (3, 13, 0), bits=32), load_profile("rpi4"), None)
    assert "CPython 3.9 to 3.11" in raised.value.next_step


def test_android_without_a_python_is_told_so():
    with pytest.raises(MissingExtraError) as raised:
        choose_runtime(facts(version=None, is_android=True), load_profile("pixel-4"), None)
    assert "Android has none of its own" in raised.value.next_step


def test_the_profiles_runtime_comes_first_and_what_is_asked_for_before_it():
    both = facts(runtimes={"litert": "2.3.0", "tflite_runtime": "2.14.0"})
    assert choose_runtime(both, load_profile("rpi4"), None) == "litert"
    assert choose_runtime(both, load_profile("stm32mp157"), None) == "tflite_runtime"
    assert choose_runtime(both, load_profile("rpi4"), "tflite_runtime") == "tflite_runtime"
    with pytest.raises(MissingExtraError, match="has no tflite-runtime"):
        choose_runtime(facts(runtimes={"litert": "2.3.0"}), load_profile("rpi4"), "tflite_runtime")


def test_a_broken_interpreter_is_told_with_its_own_words():
    broken = facts(problems=("litert: GLIBC_2.38 not found",))
    with pytest.raises(MissingExtraError) as raised:
        choose_runtime(broken, load_profile("rpi4"), None)
    assert "GLIBC_2.38 not found" in raised.value.received


@pytest.mark.parametrize("name", ["memory", "disk"])
def test_too_little_room_is_told_in_figures(name):
    with pytest.raises(DeviceError, match=f"too little {name}") as raised:
        require_room(facts(**{f"{name}_bytes": 2**20}), model_bytes=2**20, copied_bytes=2**20)
    assert raised.value.received == "1.0 MiB free" and "MiB or more" in raised.value.allowed
    require_room(facts(**{f"{name}_bytes": 2**30}), model_bytes=2**20, copied_bytes=2**20)
    require_room(facts(), model_bytes=2**20, copied_bytes=2**20)  # what is not told is not held against it


def test_another_device_is_seen_by_its_architecture_and_by_its_name():
    rpi4 = load_profile("rpi4")
    assert "is aarch64" in other_device(facts("x86_64"), rpi4, NAMES)
    assert "Raspberry Pi 5" in other_device(facts(name="Raspberry Pi 5 Model B Rev 1.0"), rpi4, NAMES)
    assert other_device(facts(name="Raspberry Pi 4 Model B Rev 1.4"), rpi4, NAMES) is None
    assert other_device(facts(name="Somebody's own board"), load_profile("jetson-nano"), NAMES) is None
    assert other_device(facts(), rpi4, NAMES) is None
    assert other_device(facts(), load_profile("pixel-4"), NAMES) is None  # arm64-v8a is what Linux calls aarch64


@pytest.mark.parametrize(
    ("device", "name", "is_it"),
    [
        ("rpi4", "Raspberry Pi 3 Model B Rev 1.2", False),
        ("rpi4", "Raspberry Pi 400 Rev 1.0", False),
        ("rpi4", "Radxa ROCK Pi 4B", False),
        ("rpi4", "linux,dummy-virt", False),
        ("jetson-nano", "linux,dummy-virt", False),
        ("rpi5", "Raspberry Pi Compute Module 4 Rev 1.0", False),
        ("rpi4", "Raspberry Pi Compute Module 4 Rev 1.0", True),
        ("rpi3", "Raspberry Pi 3 Model B Plus Rev 1.3", True),
        ("jetson-nano", "NVIDIA Jetson Nano Developer Kit", True),
    ],
)
def test_a_board_that_names_itself_is_the_device_only_by_that_name(device, name, is_it):
    assert (other_device(facts(name=name), load_profile(device), NAMES) is None) == is_it
