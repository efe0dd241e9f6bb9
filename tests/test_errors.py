"""Every fatal error: its exit code, its parts, and the way through a pipe."""

from __future__ import annotations

import pytest

from edgekit import errors
from edgekit.errors import KINDS, EdgekitError, InputError, did_you_mean, from_parts


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        *((kind, 2) for kind in ("InputError", "ModelError", "DataError", "ProjectError", "ProfileError")),
        ("TrustError", 2), ("OutputError", 2), ("MissingExtraError", 3), ("DeviceError", 4), ("InterruptedBuild", 130),
    ],
)  # fmt: skip
def test_the_exit_codes_of_the_contract(kind, code):
    assert KINDS[kind].exit_code == code


def test_every_error_of_the_module_can_come_through_a_pipe():
    defined = {
        name for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, EdgekitError) and kind is not EdgekitError
    }  # fmt: skip
    assert defined == set(KINDS)


def test_the_message_has_the_parts_that_were_given_in_order():
    error = InputError("wrong", where="a.toml: x", received=3, allowed="1, 2", next_step="take 2")
    assert str(error) == "wrong\n  where: a.toml: x\n  received: 3\n  allowed: 1, 2\n  next: take 2"
    assert str(InputError("wrong", received=0)) == "wrong\n  received: 0"


@pytest.mark.parametrize("kind", KINDS.values())
def test_an_error_survives_the_pipe(kind):
    error = kind("wrong", where="here", received=("a", 1), allowed="b", next_step="go")
    again = from_parts(type(error).__name__, error.parts())
    assert type(again) is kind and again.parts() == error.parts() and str(again) == str(error)


def test_an_unknown_kind_is_an_input_error():
    assert type(from_parts("SomethingElse", {})) is InputError


@pytest.mark.parametrize(
    ("word", "near"), [("rpi5", "rpi4"), ("RPI4", "rpi4"), ("host", "host"), ("zebra", None), ("cats", "Cat")]
)
def test_did_you_mean(word, near):
    assert did_you_mean(word, ["rpi4", "host", "Cat"]) == near


def test_did_you_mean_is_blind_to_case():
    assert did_you_mean("IRISES", ["IRIS", "ROSE"]) == "IRIS"
    assert did_you_mean("iris", ["IRIS", "ROSE"]) == "IRIS"


def test_no_part_of_a_message_holds_what_a_terminal_would_obey():
    told = str(InputError("bad\x1b[2J", where="a\x00b", received="\x07ß\ttab\nline"))
    assert told.splitlines() == [r"bad\x1b[2J", r"  where: a\x00b", "  received: \\x07ß\ttab", "line"]
