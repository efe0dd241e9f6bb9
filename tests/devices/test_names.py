"""A device by any of its names: case and punctuation say nothing, and what fits two, or a part, means none."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import edgekit
from edgekit.devices.names import Identity, meant
from edgekit.devices.profile import list_profiles, load_profile
from edgekit.errors import ProfileError
from edgekit.project.devices_file import read_devices
from edgekit.project.project import load_project
from edgekit.project.request import profiles_for

GOLDEN = Path(__file__).parents[1] / "golden"
PI4 = Identity(id="rpi4", name="Raspberry Pi 4 Model B", aliases=("raspberry-pi-4",))
PI5 = Identity(id="rpi5", name="Raspberry Pi 5", aliases=("raspberry-pi-5",))


@pytest.mark.parametrize(
    ("given", "device"),
    [
        ("Raspberry Pi 4", "rpi4"),
        ("raspberry pi 4", "rpi4"),
        ("RASPBERRY  PI  4", "rpi4"),
        ("raspberry_pi_4", "rpi4"),
        ("Raspberry-Pi 4 Model B", "rpi4"),
        ("Raspberry Pi 4B", "rpi4"),
        ("RPi 4", "rpi4"),
        (" rpi4 ", "rpi4"),
        ("Raspberry\u00a0Pi 4", "rpi4"),
        ("Raspberry Pi 3 Model B+", "rpi3"),
        ("Raspberry Pi 3B+", "rpi3"),
        ("Raspberry Pi Zero 2 W", "rpi-zero-2w"),
        ("Raspberry Pi Zero 2W", "rpi-zero-2w"),
        ("Raspberry Pi Zero W", "rpi-zero-w"),
        ("Arduino Nano 33 BLE", "nano-33-ble"),
        ("Nano 33 BLE", "nano-33-ble"),
        ("NVIDIA Jetson Nano", "jetson-nano"),
        ("Google Pixel 8", "pixel-8"),
        ("Pixel 8", "pixel-8"),
        ("ESP32-S3", "esp32-s3"),
        ("ESP32-S3-DevKitC-1", "esp32-s3"),
        ("Espressif ESP32-S3-DevKitC-1 (N8R8)", "esp32-s3"),
        ("Google Coral Dev Board", "coral-dev-board"),
        ("NXP i.MX 93", "imx93"),
        ("STM32MP157C-DK2", "stm32mp157"),
        ("This machine", "host"),
    ],
)
def test_a_name_in_any_spelling_is_the_device(given, device):
    assert load_profile(given).id == device


def test_every_bundled_name_means_its_device():
    """Names that collide would be told as ambiguous here, before anybody meets it."""
    for profile in list_profiles():
        for spelled in (profile.name, profile.name.upper(), profile.name.replace(" ", "_"), *profile.aliases):
            assert load_profile(spelled).id == profile.id, spelled


@pytest.mark.parametrize(
    ("given", "near"),
    [
        ("Raspberry Pi", ["rpi-pico", "rpi-zero-2w", "rpi-zero-w", "rpi3", "rpi4", "rpi5"]),
        ("Raspberry Pi Zero", ["rpi-zero-2w", "rpi-zero-w"]),
        ("ESP32", ["esp32-s3"]),
        ("Nucleo", ["nucleo-h7a3zi", "nucleo-l4r5zi", "nucleo-u575zi"]),
        ("raspbery pi 4", ["rpi4"]),
        ("Pixel 9", ["pixel-3", "pixel-4", "pixel-8"]),
        ("Arduino Nano 33 BLE Sense Rev2", ["nano-33-ble"]),
    ],
)
def test_a_part_of_a_name_or_a_misspelled_one_means_none_and_names_the_near(given, near):
    with pytest.raises(ProfileError, match=f"no device '{given}'") as raised:
        load_profile(given)
    said = str(raised.value.next_step)
    assert said.startswith("did you mean ") and all(f"'{one}'" in said for one in near), said
    assert said.count("'") == 2 * len(near)


@pytest.mark.parametrize("given", ["", "???", "toaster", "樹莓派"])
def test_what_is_like_no_device_names_the_way_to_the_list(given):
    with pytest.raises(ProfileError, match="no device") as raised:
        load_profile(given)
    assert "edgekit devices" in str(raised.value.next_step)


def test_a_name_of_two_devices_is_neither_and_names_both():
    twins = [Identity(id="a", name="Acme Board 7"), Identity(id="b", name="ACME board-7")]
    found = meant("acme board 7", twins)
    assert (found.id, found.is_ambiguous, found.near) == (None, True, ("a", "b"))
    assert meant("A", twins).id == "a"  # its id is its own


def test_an_id_is_never_taken_by_anothers_name():
    thief = Identity(id="thief", name="rpi4", aliases=("rpi-5",))
    assert meant("rpi4", [PI4, thief]).id == "rpi4"
    assert meant("rpi5", [PI5, thief]).id == "rpi5"


def test_a_device_without_a_name_is_not_what_punctuation_means():
    assert meant("--", [Identity(id="rpi4")]).id is None


def test_a_bare_number_is_no_device():
    assert meant("5", [PI4, PI5]).id is None


def test_a_name_in_the_project_and_in_a_list_of_devices(tmp_path):
    (tmp_path / "edgekit.toml").write_text(
        'device = ["Raspberry Pi 4", "rpi4", "ESP32 S3"]\nmodel = "m.keras"\ndata = "d.npz"\n'
    )
    settings = load_project(tmp_path)
    assert [profile.id for profile in profiles_for(None, settings)] == ["rpi4", "esp32-s3"]
    (tmp_path / "devices.txt").write_text("Raspberry Pi 4  # the gateway\nrpi4\nPixel 8\n")
    assert [load_profile(device).id for device in read_devices(tmp_path / "devices.txt")] == ["rpi4", "pixel-8"]


def test_a_name_in_the_api():
    report = edgekit.check(GOLDEN / "int8.tflite", device="Raspberry Pi 4")
    assert report.device == "rpi4"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("devices", "Raspberry Pi 4"), 0, "rpi4"),
        (("devices", "Raspberry Pi"), 2, "'rpi5' (Raspberry Pi 5)"),
        (("inspect", str(GOLDEN / "int8.tflite"), "--device", "pixel 8", "--json"), 0, '"device": "pixel-8"'),
    ],
)
def test_a_name_on_the_command_line(arguments, code, said):
    environment = {**os.environ, "COLUMNS": "400"}
    done = subprocess.run(
        [sys.executable, "-m", "edgekit", *arguments], capture_output=True, text=True, env=environment, timeout=120
    )
    assert done.returncode == code, done.stderr
    assert said in done.stdout + done.stderr
