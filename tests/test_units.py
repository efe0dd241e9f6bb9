"""Quantities with units, from text and back."""

from __future__ import annotations

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit import units
from edgekit.errors import InputError
from edgekit.units import parse_bandwidth, parse_clock_hz, parse_duration_ms, parse_rate, parse_size


def test_the_doctests_hold():
    assert doctest.testmod(units).failed == 0


@pytest.mark.parametrize(
    ("parse", "text", "expected"),
    [
        (parse_size, "512KiB", 512 * 1024),
        (parse_size, "512 kB", 512_000),
        (parse_size, " 1.5MiB ", 3 * 2**19),
        (parse_size, "1e3B", 1000),
        (parse_size, "2GB", 2 * 10**9),
        (parse_duration_ms, "20ms", 20.0),
        (parse_duration_ms, "90s", 90_000.0),
        (parse_duration_ms, "20min", 1_200_000.0),
        (parse_duration_ms, "2h", 7_200_000.0),
        (parse_duration_ms, "50µs", 0.05),
        (parse_duration_ms, "50μs", 0.05),
        (parse_duration_ms, "50us", 0.05),
        (parse_clock_hz, "1.5GHz", 1.5e9),
        (parse_rate, "8GMAC/s", 8e9),
        (parse_bandwidth, "4GB/s", 4e9),
    ],
)  # fmt: skip
def test_a_quantity_with_its_unit(parse, text, expected):
    assert parse(text) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("parse", [parse_size, parse_duration_ms, parse_clock_hz, parse_rate, parse_bandwidth])
@pytest.mark.parametrize(
    "text", ["", "512", "KiB", "-1KiB", "-1ms", "1,5KiB", "512 kib", "1 parsec", "nanms", "infB", 512, None, True]
)
def test_what_is_no_quantity_is_refused_with_an_example(parse, text):
    with pytest.raises(InputError) as caught:
        parse(text)
    assert caught.value.received == repr(text) and "as in" in caught.value.allowed


def test_a_quantity_too_large_for_a_number_is_refused():
    for parse, text in ((parse_size, "1e999B"), (parse_duration_ms, "1e999s")):
        with pytest.raises(InputError):
            parse(text)


@given(st.integers(0, 2**50), st.sampled_from(sorted(units.SIZE_UNITS)))
def test_sizes_are_exact(number, unit):
    assert parse_size(f"{number}{unit}") == pytest.approx(number * units.SIZE_UNITS[unit], rel=1e-15)


@given(st.floats(0, 1e15))
def test_formatting_never_fails_and_names_a_unit(number):
    assert units.format_size(number).split()[1] in ("B", "KiB", "MiB", "GiB")
    assert units.format_ms(number).split()[1] in ("µs", "ms", "s")
