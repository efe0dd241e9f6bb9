"""`edgekit devices`: the list, one device, JSON, and a name that is none."""

from __future__ import annotations

import json

from click.testing import CliRunner

from edgekit.cli.main import main
from edgekit.profile import profile_ids


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
