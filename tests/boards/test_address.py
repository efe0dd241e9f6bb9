"""Addresses of boards: what names one, and what could be taken for something else by ssh, adb or a shell, which is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.boards.address import Address, parse_address
from edgekit.boards.ssh import Ssh
from edgekit.errors import InputError


@pytest.mark.parametrize(
    ("text", "user", "host", "port"),
    [
        ("ssh://board", None, "board", None),
        ("ssh://pi@board.local:2222", "pi", "board.local", 2222),
        ("ssh://pi@192.168.1.20", "pi", "192.168.1.20", None),
        ("ssh://pi@[fe80::1%eth0]:22", "pi", "fe80::1%eth0", 22),
        ("ssh://[::1]", None, "::1", None),
        ("ssh://first.last+x@my_board", "first.last+x", "my_board", None),
    ],
)
def test_places_behind_ssh(text, user, host, port):
    assert parse_address(text) == Address(kind="ssh", text=text, user=user, host=host, port=port)


@pytest.mark.parametrize("text", ["local", "emulator"])
def test_places_without_an_address(text):
    assert parse_address(text).kind == text


@pytest.mark.parametrize("serial", ["emulator-5554", "0123456789ABCDEF", "192.168.1.5:5555", "usb:1-4.2"])
def test_devices_behind_adb(serial):
    assert parse_address(f"adb://{serial}").serial == serial


@pytest.mark.parametrize(
    "text",
    [
        "", "ssh://", "ssh:// ", "adb://", "ftp://board", "board", "LOCAL", "ssh:/board", "local ",
        "ssh://-oProxyCommand=sh", "ssh://pi@-oProxyCommand=sh", "ssh://-l@board", "ssh://pi@", "ssh://@board",
        "ssh://board:0", "ssh://board:65536", "ssh://board:", "ssh://board:22x", "ssh://board:٢٢", "ssh://board/path",
        "ssh://board?x", "ssh://a b", "ssh://a;reboot", "ssh://$(id)", "ssh://a`id`", "ssh://pi@a@b", "ssh://board\n",
        "ssh://fe80::1", "ssh://[fe80::1", "ssh://[::1]x", "ssh://[not]", "ssh://[::1%a b]", "ssh://[::1%]",
        "adb://-s", "adb://a b", "adb://a;b", "adb://a/b", "adb://\u202eabc", "ssh://b\u00f6ard",
    ],
)  # fmt: skip
def test_what_is_no_place(text):
    with pytest.raises(InputError) as raised:
        parse_address(text)
    assert raised.value.where == "--on" and "ssh://[USER@]HOST[:PORT]" in raised.value.allowed


def test_a_password_is_refused_and_not_shown():
    with pytest.raises(InputError, match="password") as raised:
        parse_address("ssh://pi:raspberry@board")
    assert "raspberry" not in str(raised.value)


@given(st.text(min_size=1, max_size=40))
def test_nothing_that_is_taken_begins_with_a_dash_or_holds_a_space(text):
    try:
        found = parse_address(f"ssh://{text}")
    except InputError:
        return
    command = Ssh(found).command("true")
    host = command[command.index("--") + 1]
    assert not host.startswith("-") and not set(host) & set(" ;&|$`'\"\\\n/")


def test_what_varies_is_no_part_of_the_remote_command():
    first = Ssh(parse_address("ssh://a@b:1")).command("the script")
    second = Ssh(parse_address("ssh://c@d:2")).command("the script")
    assert first[-1] == second[-1] == "exec /bin/sh -c 'the script'"
    assert "StrictHostKeyChecking=yes" in first and "BatchMode=yes" in first
