"""`--devices-file`: a device a line, its comments, its paths, and every mistake with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgekit.devices.profile import load_profile
from edgekit.errors import InputError, ProfileError, ProjectError
from edgekit.project.devices_file import read_devices

PROFILES = Path(__file__).resolve().parents[2] / "device_profiles"


@pytest.fixture
def listed(tmp_path: Path):
    def write(text: str | bytes) -> Path:
        path = tmp_path / "a fleet's devices.txt"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def own(folder: Path, name: str, new_id: str) -> None:
    text = (
        (PROFILES / "rpi4.toml").read_text().replace('id = "rpi4"', f'id = "{new_id}"').replace("aliases", "#aliases")
    )
    (folder / name).write_text(text)


def test_ids_aliases_paths_comments_and_blank_lines(listed, tmp_path, monkeypatch):
    (tmp_path / "boards").mkdir()
    own(tmp_path, "boards/my #1 board.toml", "mine")
    path = listed("\ufeff# the fleet\r\n\r\n  rpi4\r\nesp32-s3 # the door\r\nboards/my\u0020#1 board.toml\n")
    with pytest.raises(ProfileError, match="boards/my"):
        read_devices(path)  # what follows a space and # is a comment, in a path too
    (tmp_path / "boards/my #1 board.toml").rename(tmp_path / "boards/my#1.toml")
    path = listed("\ufeff# the fleet\r\n\r\n  rpi4\r\nesp32-s3 # the door\r\nboards/my#1.toml\nrpi4\n")
    monkeypatch.chdir("/")
    assert read_devices(path) == ("rpi4", "esp32-s3", tmp_path / "boards" / "my#1.toml")
    path = listed("rpi4\npi4\nboards/my#1.toml\n./boards/../boards/my#1.toml\n")
    assert len(read_devices(path)) == 2, "the same device under two names is one"


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("rpi4\n\nrpi44\n", ProfileError, ["devices.txt:3", "no device 'rpi44'", "did you mean 'rpi4'"]),
        ("rpi4\nboards/none.toml\n", ProfileError, ["devices.txt:2", "none.toml"]),
        ("# nothing\n\n", ProjectError, ["names no device"]),
        (b"", ProjectError, ["names no device"]),
        (b"\xff\xfe\x00r", ProjectError, ["cannot be read", "UTF-8"]),
        (b"rpi4\n" * 300_000, ProjectError, ["too large"]),
        (b"rpi4\nrpi4\0\n", InputError, ["devices.txt:2"]),
        (b"rpi4\na\0b.toml\n", ProfileError, ["devices.txt:2", "null"]),
        ("../../../../etc/\n", InputError, ["devices.txt:1"]),
    ],
)  # fmt: skip
def test_mistakes_name_their_line(listed, text, kind, words):
    with pytest.raises(kind) as caught:
        read_devices(listed(text))
    said = str(caught.value)
    assert all(word in said for word in words), said


def test_a_profile_that_is_wrong_inside_names_its_line_and_its_key(listed, tmp_path):
    own(tmp_path, "mine.toml", "mine")
    text = (tmp_path / "mine.toml").read_text().replace('class = "linux"', 'class = "toaster"')
    (tmp_path / "mine.toml").write_text(text)
    with pytest.raises(ProfileError) as caught:
        read_devices(listed("mine.toml\n"))
    assert (
        "devices.txt:1: " in caught.value.where and "mine.toml" in caught.value.where and "class" in caught.value.where
    )


def test_two_profiles_with_one_id_and_files_that_are_none(listed, tmp_path):
    own(tmp_path, "one.toml", "mine")
    own(tmp_path, "two.toml", "mine")
    (tmp_path / "two.toml").write_text((tmp_path / "two.toml").read_text().replace("Raspberry", "Blueberry"))
    with pytest.raises(ProjectError, match="two different profiles") as caught:
        read_devices(listed("one.toml\ntwo.toml\n"))
    assert "devices.txt:2" in caught.value.where
    for path in (tmp_path, tmp_path / "none.txt", "a\0b"):
        with pytest.raises(ProjectError, match="cannot be read"):
            read_devices(path)


def test_the_command_says_it_with_code_2_and_writes_nothing(edgekit_command, tiny_project):
    (tiny_project / "fleet.txt").write_text("rpi4\nrpi44\n")
    done = edgekit_command("build", "--devices-file", "fleet.txt", folder=tiny_project)
    assert done.returncode == 2 and "fleet.txt:2" in done.stderr and "did you mean 'rpi4'" in done.stderr
    assert not (tiny_project / "build").exists() and "Traceback" not in done.stderr


def test_a_device_that_is_named_ten_thousand_times_is_read_once(listed, monkeypatch):
    read = []
    monkeypatch.setattr(
        "edgekit.project.devices_file.load_profile", lambda name: read.append(name) or load_profile(name)
    )
    assert read_devices(listed("rpi4\n" * 10_000 + "pi4\n")) == ("rpi4",)
    assert len(read) < 10
