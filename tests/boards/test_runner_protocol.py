"""A board is a stranger: what is not a document of the runner is an error that says why, and never more than that."""

from __future__ import annotations

import json
import typing
from pathlib import Path

import msgspec
import pytest

from edgekit.boards.runner.arguments import parser
from edgekit.boards.runner.problem import KINDS
from edgekit.boards.runner_protocol import BenchDocument, Refusal, answer, document
from edgekit.documents.bench_document import Kind
from edgekit.errors import DeviceError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def raw():
    """A document as a board would send it."""
    pair = {"before": None, "after": None}
    port = {"name": "x", "dtype": "int8", "shape": [1, 4], "sha256": "a" * 64}
    return {
        "schema_version": 1,
        "runner": "1.0",
        "model": {"name": "m.tflite", "bytes": 9, "sha256": "0" * 64},
        "latency": {
            "min_ms": 1.0, "median_ms": 2.0, "mean_ms": 2.0, "p10_ms": 1.2, "p90_ms": 2.8, "p99_ms": 2.98, "spread": 0.8,
            "runs": 3, "steady": True, "warm_up_runs": 10, "warm_up_ms": 100.0, "timed_s": 0.006,
            "runs_ms": [2.0, 1.0, 3.0], "runs_ms_every": 1,
        },
        "load_ms": 3.0,
        "first_ms": 4,
        "memory": {"peak_bytes": 10, "added_bytes": 1, "how": "RSS"},
        "operators": {"total": 2, "by_delegate": {"xnnpack": 1, "none": 1}, "left": ["SOFTMAX"], "profile": None, "reason": None},
        "delegate": {"asked": "xnnpack", "active": True, "reason": None},
        "sustained": None,
        "inputs": [{**port, "source": "random, seed 0"}],
        "outputs": [{**port, "file": "output-0.npy"}],
        "environment": {
            "board": "Raspberry Pi 4 Model B Rev 1.4", "machine": "aarch64", "system": "Debian", "kernel": "6.1", "python": "3.11.2",
            "numpy": "1.26.4", "runtime": "litert", "runtime_version": "2.3.0", "threads": 4, "processor": "Cortex-A72", "cores": 4,
            "clocks_hz": {"before": [1800000000, None], "after": None}, "governor": "ondemand",
            "temperature_c": {"before": 48.2, "after": -3.0}, "throttled": {"before": [], "after": ["throttled now"]},
            "load_average": pair, "memory_total_bytes": 1, "memory_available_bytes": None, "date": "2026-11-22T06:24:57Z",
        },
        "notes": ["busy"],
    }  # fmt: skip


def sent(raw):
    return json.dumps(raw).encode()


def changed(raw, dotted, value):
    copy = json.loads(json.dumps(raw))
    *path, last = dotted.split(".")
    place = copy
    for name in path:
        place = place[int(name) if isinstance(place, list) else name]
    if value is ...:
        del place[last]
    else:
        place[int(last) if isinstance(place, list) else last] = value
    return copy


def test_a_document_is_read(raw):
    found = answer(sent(raw))
    assert isinstance(found, BenchDocument)
    assert found.latency.runs_ms == (2.0, 1.0, 3.0) and found.environment.throttled.after == ("throttled now",)


@pytest.mark.parametrize(
    ("dotted", "value"),
    [
        ("schema_version", 2),
        ("model", ...),
        ("extra", 1),
        ("latency.extra", 1),
        ("latency.min_ms", -1),
        ("latency.min_ms", "1"),
        ("latency.p99_ms", 1e300),
        ("latency.runs", 0),
        ("latency.runs", True),
        ("latency.steady", 1),
        ("latency.runs_ms", []),
        ("latency.runs_ms", [0.1] * 20_001),
        ("memory.peak_bytes", 1.5),
        ("memory.peak_bytes", 1 << 70),
        ("model.sha256", "0" * 63),
        ("model.sha256", "0" * 64 + "\n"),
        ("model.name", "x" * 1001),
        ("model.name", "\x1b[2J"),
        ("notes", ["\x9b2J"]),
        ("notes", ["x"] * 101),
        ("outputs.0.file", "../../etc/passwd"),
        ("outputs.0.file", "output-0.npy\n"),
        ("outputs.0.shape", [-1]),
        ("environment.temperature_c.before", 1e9),
        ("environment.runtime", "tensorflow"),
        ("environment.date", "yesterday"),
        ("operators.left", ["x"] * 10_001),
        ("operators.profile", [{"index": 0, "name": "x", "ms": 1, "share": 1.5}]),
        ("operators.by_delegate", {"a": -1}),
    ],
)
def test_each_wrong_value_is_refused(raw, dotted, value):
    with pytest.raises(DeviceError) as caught:
        answer(sent(changed(raw, dotted, value)))
    assert caught.value.exit_code == 4 and len(str(caught.value)) < 2000


@pytest.mark.parametrize("text", ["NaN", "Infinity", "1e999", "-0.5"])
def test_no_figure_is_endless_or_less_than_nothing(raw, text):
    data = sent(changed(raw, "load_ms", "HERE")).replace(b'"HERE"', text.encode())
    with pytest.raises(DeviceError):
        answer(data)


@pytest.mark.parametrize(
    "data",
    [b"", b"\n", b"null", b"[]", b"{}", b"Segmentation fault\n", b"\xff\xfe\x00", b"[" * 100_000, b'{"a":' * 50_000,
     b" " * ((4 << 20) + 1), b'{"schema_version": 1, "error": 3}', b'{"schema_version":1,"error":{"kind":"x","what":"","next":""}}'],
    ids=lambda data: repr(data[:12]),
)  # fmt: skip
def test_what_is_no_document_is_a_device_error(data):
    with pytest.raises(DeviceError) as caught:
        answer(data)
    assert caught.value.next_step and len(str(caught.value)) < 2000


@pytest.mark.parametrize(
    ("dotted", "value", "word"),
    [
        ("latency.p90_ms", 1.5, "percentiles"),
        ("latency.min_ms", 1.5, "percentiles"),
        ("latency.runs", 4, "raw"),
        ("latency.median_ms", 0.0, "no time"),
        ("latency.runs_ms", [9.0, 9.0, 9.0], "median"),
        ("latency.runs_ms_every", 2, "thinned"),
    ],
)
def test_a_document_that_contradicts_itself_is_refused(raw, dotted, value, word):
    with pytest.raises(DeviceError, match="contradicts") as caught:
        answer(sent(changed(raw, dotted, value)))
    assert word in caught.value.received


def test_a_refusal_is_a_value_and_in_place_of_a_document_an_error():
    data = sent({"schema_version": 1, "error": {"kind": "model", "what": "not a .tflite", "next": "convert it"}})
    found = answer(data)
    assert isinstance(found, Refusal) and found.error.kind == "model"
    with pytest.raises(DeviceError, match=r"not a \.tflite"):
        document(data)


def test_the_page_explains_every_key_and_option():
    page = (ROOT / "docs" / "on-device.md").read_text(encoding="utf-8")
    options, keys = page.split("## The runner alone")[1].split("## The document")
    keys = keys.split("\n## ")[0]
    for option in parser()._option_string_actions:
        assert f"{option}" in options or option in ("-h", "--help", "--version"), option
    for field in msgspec.structs.fields(BenchDocument):
        assert f"`{field.name}`" in keys or field.name in ("schema_version", "runner"), field.name
    for kind in KINDS:
        assert f"`{kind}`" in options, kind


def test_the_kinds_of_a_refusal_are_the_runners():
    assert typing.get_args(Kind) == KINDS
