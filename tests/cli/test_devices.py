"""`edgekit devices`: the list, one device, JSON, and a name that is none."""

from __future__ import annotations

import json
import re

import pytest
from click.testing import CliRunner

from edgekit.cli.main import main
from edgekit.devices.bundled import profile_ids


def test_it_lists_every_profile():
    done = CliRunner().invoke(main, ["devices"])
    assert done.exit_code == 0
    assert all(name in done.stdout for name in profile_ids())


def test_one_device_with_its_sources():
    done = CliRunner().invoke(main, ["devices", "rpi4"])
    assert done.exit_code == 0
    assert "Sources" in done.stdout and "Cortex-A72" in done.stdout


def test_json_is_a_list_of_profiles():
    every = CliRunner().invoke(main, ["devices", "--json"])
    assert [profile["id"] for profile in json.loads(every.stdout)] == list(profile_ids())
    one = CliRunner().invoke(main, ["devices", "rpi4", "--json"])
    assert [profile["id"] for profile in json.loads(one.stdout)] == ["rpi4"]


def test_a_name_that_is_none_is_a_message_and_code_2():
    done = CliRunner().invoke(main, ["devices", "rpi44"])
    assert (done.exit_code, done.stdout) == (2, "")
    assert "did you mean 'rpi4'?" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_device_without_a_runtime_says_so_in_the_list_and_alone():
    listed = CliRunner().invoke(main, ["devices"]).stdout
    assert re.search(r"rpi-zero-w +linux .* none to be had", listed)
    assert re.search(r"corstone-300 +npu .* tflite_micro 2026-10\+", listed)
    alone = " ".join(CliRunner().invoke(main, ["devices", "rpi-zero-w"]).stdout.split())
    assert "there is no runtime to be had: no wheel for armv6l was ever published" in alone


def test_json_says_what_runs_where():
    done = CliRunner().invoke(main, ["devices", "stm32mp157", "--json"])
    (profile,) = json.loads(done.stdout)
    runtime = profile["runtime"]
    assert (runtime["package"], runtime["python"]) == ("tflite-runtime 2.14.0", "3.9 to 3.11")
    assert (runtime["wheel"], runtime["architecture"]) == ("manylinux_2_34_armv7l", "armv7l")
    (bare,) = json.loads(CliRunner().invoke(main, ["devices", "rpi-zero-w", "--json"]).stdout)
    assert (bare["runtime"]["kind"], bare["runtime"]["operators"]) == ("none", None)


@pytest.mark.parametrize("content", [b"", b"\x00\xff", b"id = 1", b"[runtime]\nkind = 'none'", b"a" * 100_000])
def test_a_file_that_is_no_profile_is_a_message_and_code_2(tmp_path, content):
    (tmp_path / "mine.toml").write_bytes(content)
    done = CliRunner().invoke(main, ["devices", str(tmp_path / "mine.toml")])
    assert (done.exit_code, done.stdout) == (2, "")
    assert "mine.toml" in done.stderr and "Traceback" not in done.stderr
