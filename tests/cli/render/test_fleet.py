"""The table at the end of a build of several devices: a line each, at 80 columns too, and what each misses by the most."""

from __future__ import annotations

import io

import msgspec
from rich.console import Console

from edgekit.cli.render.fleet import print_fleet
from edgekit.documents.report import Check
from edgekit.errors import ModelError
from edgekit.verdict.checks import largest_miss


def table(reports, failed=None, *, width: int) -> str:
    stream = io.StringIO()
    print_fleet(reports, failed or {}, console=Console(file=stream, width=width, markup=False, highlight=False))
    return stream.getvalue()


def failing(report, *checks: Check):
    return msgspec.structs.replace(report, device="pico[1]", outcome="fail", checks=checks)


OVER = Check(
    name="flash", outcome="fail", limit=1024, value=4096, unit="B", basis="measured", reason="300% over the limit"
)
LITTLE = Check(
    name="ram", outcome="fail", limit=1000, value=1010, unit="B", basis="measured", reason="1% over the limit"
)
UNKNOWN = Check(name="latency", outcome="unknown", limit=20.0, unit="ms", reason="it was not measured")


def test_a_line_for_each_device_with_its_figures(sample_report):
    missed = failing(sample_report, OVER, LITTLE)
    none = msgspec.structs.replace(
        sample_report, device="none", outcome="fail", chosen=None, checks=(), summary="no file"
    )
    for width in (80, 110):
        text = table([sample_report, missed, none], {"broken": ModelError("no such [operator]")}, width=width)
        assert max(map(len, text.splitlines())) <= width
        lines = {line.split()[0]: line for line in text.splitlines() if line.strip()}
        assert "PASS" in lines["rpi4"] and "int8" in lines["rpi4"] and "410 µs" in lines["rpi4"]
        assert "FAIL" in text.split("pico[1]", 1)[1].splitlines()[0]
        assert "Devices (1 of 4 passed)" in text
        said = " ".join(text.split())
        assert "pico[1] flash: 4.0 KiB where 1.0 KiB is allowed, 300% over the limit" in said
        assert "none no file" in said and "broken no such [operator]" in said
        assert ("download" in text) == (width == 110)


def test_all_that_passed_have_nothing_to_say(sample_report):
    assert "miss" not in table([sample_report, sample_report], width=80)


def test_the_largest_miss_is_by_its_share_of_the_limit_and_unknown_is_the_worst(sample_report):
    assert largest_miss((LITTLE, OVER)) == OVER and largest_miss(()) is None
    assert largest_miss((LITTLE, UNKNOWN, OVER)) == UNKNOWN
    said = " ".join(table([sample_report, failing(sample_report, LITTLE, UNKNOWN, OVER)], width=80).split())
    assert "pico[1] latency: it was not measured" in said


def test_a_miss_by_a_few_bytes_is_not_told_as_the_limit_itself(sample_report):
    hair = Check(name="flash", outcome="fail", limit=524_288, value=524_300, unit="B", basis="measured", reason="over")
    said = " ".join(table([sample_report, failing(sample_report, hair)], width=80).split())
    assert "524,300 B where 524,288 B is allowed" in said
