"""Where a model is to run, as `--on` names it, checked before anything is started.

    local                          this machine
    emulator                       an emulated board
    ssh://[USER@]HOST[:PORT]       HOST may be a name of ~/.ssh/config, or an IPv6 address in brackets
    adb://SERIAL                   as `adb devices` lists it

An accepted address becomes an argument of `ssh`, `scp` and `adb`, so it holds nothing that they or a shell could read
as anything but a name.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Literal

from edgekit.errors import InputError
from edgekit.values import Value

FORMS = "local, emulator, ssh://[USER@]HOST[:PORT], adb://SERIAL"
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,63}")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,252}")
_ZONE = re.compile(r"[A-Za-z0-9_.-]{1,32}")
_SERIAL = re.compile(r"[A-Za-z0-9\[][A-Za-z0-9._:%\[\]-]{0,127}")


class Address(Value):
    """A checked address: `text` as it was given; user, host and port of ssh, the serial number of adb."""

    kind: Literal["local", "emulator", "ssh", "adb"]
    text: str
    user: str | None = None
    host: str | None = None
    port: int | None = None
    serial: str | None = None


def parse_address(text: str) -> Address:
    """The address that `--on` names; raises `InputError` if the text is not an address.

    >>> parse_address("ssh://pi@board:2222").port
    2222
    """
    if text in ("local", "emulator"):
        return Address(kind="local" if text == "local" else "emulator", text=text)
    scheme, separator, rest = text.partition("://")
    if separator and scheme == "ssh":
        return _ssh(text, rest)
    if separator and scheme == "adb":
        if not _SERIAL.fullmatch(rest):
            raise _refusal("not a serial number of adb", rest, "`adb devices` lists those that are connected")
        return Address(kind="adb", text=text, serial=rest)
    raise _refusal("not a place to run a model", _hidden(text))


def _ssh(text: str, rest: str) -> Address:
    user, at, place = rest.rpartition("@")
    if ":" in user:
        raise _refusal(
            "a password in an address", _hidden(text), "give the key's public half to the board: ssh-copy-id"
        )
    if at and not _USER.fullmatch(user):
        raise _refusal("not the name of a user", user)
    bracket = re.fullmatch(r"\[([^\[\]]*)\](?::(.*))?", place)
    host, port = (bracket[1], bracket[2]) if bracket else _name_and_port(place)
    if bracket:
        _check_ipv6(host)
    elif not _NAME.fullmatch(host):
        raise _refusal("not the name or address of a host", host, "an IPv6 address stands in brackets: ssh://[fe80::1]")
    return Address(kind="ssh", text=text, user=user if at else None, host=host, port=_port(port))


def _name_and_port(place: str) -> tuple[str, str | None]:
    name, colon, port = place.partition(":")
    return name, port if colon else None


def _check_ipv6(host: str) -> None:
    address, percent, zone = host.partition("%")
    try:
        ipaddress.IPv6Address(address)
    except ValueError:
        raise _refusal("not an IPv6 address", host) from None
    if percent and not _ZONE.fullmatch(zone):
        raise _refusal("not the zone of an IPv6 address", zone, "as in ssh://[fe80::1%eth0]")


def _port(port: str | None) -> int | None:
    if port is None:
        return None
    if not re.fullmatch(r"[0-9]{1,5}", port) or not 0 < int(port) < 65536:
        raise _refusal("not a port", port, "a port is a number from 1 to 65535")
    return int(port)


def _hidden(text: str) -> str:
    """An address without any part that may be a password."""
    return re.sub(r":[^:@/]*@", ":...@", text, count=1)


def _refusal(what: str, received: str, next_step: str | None = None) -> InputError:
    return InputError(what, where="--on", received=repr(received[:200]), allowed=FORMS, next_step=next_step)
