"""What the runner takes: the command line and a request are checked alike, and the host's type says the same."""

from __future__ import annotations

import dataclasses
import json

import msgspec
import pytest

from edgekit.boards.runner import arguments
from edgekit.boards.runner.arguments import Options
from edgekit.boards.runner.problem import Problem
from edgekit.boards.runner_protocol import Request, request_line


def test_the_hosts_request_is_what_the_runner_reads():
    request = Request(
        model="a b'\"$(x).tflite", threads=3, delegate="none", runtime="tflite_runtime", runs=7, seconds=0.5, longest=2,
        sustained=0.1, input=("a.npy", "b.npy"), seed=4, outputs="o", no_memory=True, no_timing=True, progress=True,
        silence_s=9,
    )  # fmt: skip
    read = arguments.from_request(request_line(request).rstrip(b"\n"))
    assert dataclasses.asdict(read) == {**msgspec.to_builtins(request), "input": ("a.npy", "b.npy")}


def test_the_defaults_are_the_same():
    assert dataclasses.asdict(Options(model="m")) == msgspec.structs.asdict(Request(model="m"))


def test_the_limits_are_the_same():
    for name, (low, high) in arguments._LIMITS.items():
        (annotation,) = [field.type for field in msgspec.structs.fields(Request) if field.name == name]
        for value, fits in ((low, True), (high, True), (high * 2, False)):
            raw = {"model": "m", name: value}
            if fits:
                msgspec.convert(raw, Request)
                arguments.checked(raw)
            else:
                with pytest.raises(msgspec.ValidationError):
                    msgspec.convert(raw, Request)
                with pytest.raises(Problem):
                    arguments.checked(raw)
        assert annotation is not None


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ({"model": "m", "thread": 1}, "thread"),
        ({}, "model"),
        ({"model": 3}, "model"),
        ({"model": ""}, "model"),
        ({"model": "a\0b"}, "model"),
        ({"model": "\ud800.tflite"}, "model"),
        ({"model": "m", "threads": "1"}, "threads"),
        ({"model": "m", "threads": True}, "threads"),
        ({"model": "m", "threads": 0}, "threads"),
        ({"model": "m", "runs": 1.5}, "runs"),
        ({"model": "m", "seconds": float("nan")}, "seconds"),
        ({"model": "m", "seconds": float("inf")}, "seconds"),
        ({"model": "m", "seconds": -1}, "seconds"),
        ({"model": "m", "sustained": 0}, "sustained"),
        ({"model": "m", "runtime": "tensorflow"}, "runtime"),
        ({"model": "m", "input": "a.npy"}, "input"),
        ({"model": "m", "input": [1]}, "input"),
        ({"model": "m", "no_timing": 1}, "no_timing"),
        ({"model": "m", "delegate": None}, "delegate"),
        ({"model": "m", "runs": 10**400}, "runs"),
    ],
)
def test_a_wrong_request_is_refused_by_name(raw, name):
    with pytest.raises(Problem) as caught:
        arguments.from_request(json.dumps(raw).encode())
    assert caught.value.kind == "usage" and caught.value.exit_code == 2
    assert caught.value.what.startswith(name)


@pytest.mark.parametrize("line", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 60_000])
def test_what_is_no_request_is_refused(line):
    with pytest.raises(Problem, match="request"):
        arguments.from_request(line)


@pytest.mark.parametrize(
    "argv", [["--threads", "x", "m"], ["m", "--thread", "1"], [], ["m", "--runtime", "tf"], ["m", "n"]]
)
def test_a_wrong_command_line_is_a_problem_and_no_exit(argv):
    with pytest.raises(Problem) as caught:
        arguments.from_command_line(arguments.given(argv))
    assert caught.value.kind == "usage"


def test_a_command_line_gives_the_same_options():
    argv = ["m", "--threads", "2", "--input", "a", "--input", "b", "--no-memory", "--sustained", "0.5"]
    assert arguments.from_command_line(arguments.given(argv)) == Options(
        model="m", threads=2, input=("a", "b"), no_memory=True, sustained=0.5
    )
