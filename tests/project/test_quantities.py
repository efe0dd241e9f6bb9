"""The bounds of limits: what is out of them is refused with what is allowed, the same from a file, an option and a call."""

from __future__ import annotations

import math
from pathlib import Path

import click
import numpy as np
import pytest

from edgekit.cli import options
from edgekit.errors import ProjectError
from edgekit.project.limits import limits_given
from edgekit.project.project import load_project, override
from edgekit.project.quantities import LATENCY, SIZE, TIME_BUDGET, number, points

SIZES = ["1e30GiB", "1048577GiB", "nan KiB", "inf B", "-5KiB", "0KiB", "0.4B", "1e-400B", "1e999B", "5ms", "", "512"]
DURATIONS = ["1e30h", "8761h", "nan ms", "inf s", "-5ms", "0ms", "1e-400ms", "1e999s", "5KiB", "", "20"]
"""What no limit is: too large, too small, negative, no number, of another unit, without one."""


def file_with(folder: Path, text: str) -> ProjectError:
    (folder / "edgekit.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ProjectError) as caught:
        load_project(folder, required=True)
    return caught.value


def complete(error: ProjectError, where: str, text: str, bounds: str) -> bool:
    """Whether an error says where, what was received, what is allowed, and what to do."""
    assert error.where is not None and error.received is not None and error.allowed is not None
    return error.where.endswith(where) and text in error.received and bounds in error.allowed and bool(error.next_step)


@pytest.mark.parametrize("key", ["flash", "download", "ram"])
@pytest.mark.parametrize("text", SIZES)
def test_a_size_that_no_limit_is_of_is_refused(tmp_path, key, text):
    error = file_with(tmp_path, f'[budget]\n{key} = "{text}"\n')
    assert complete(error, f"budget.{key}", text, "1B to 1048576GiB"), error
    with pytest.raises(ProjectError) as caught:
        limits_given(**{f"max_{key}": text})
    assert complete(caught.value, f"--max-{key}", text, "1B to 1048576GiB"), caught.value
    with pytest.raises(ProjectError) as caught:
        options.SIZE.convert(text, click.Option([f"--max-{key}"]), None)
    assert complete(caught.value, f"--max-{key}", text, "1B to 1048576GiB"), caught.value


@pytest.mark.parametrize("text", DURATIONS)
def test_a_duration_that_no_limit_is_of_is_refused(tmp_path, text):
    for line, where, bounds in (
        (f'[budget]\nlatency = "{text}"', "budget.latency", "1ns to 8760h"),
        (f'time_budget = "{text}"', "time_budget", "1ms to 8760h"),
    ):
        assert complete(file_with(tmp_path, line), where, text, bounds)
    for kind, option, bounds in (
        (options.LATENCY_MS, "--max-latency", "1ns to 8760h"),
        (options.TIME_BUDGET_S, "--time-budget", "1ms to 8760h"),
        (options.TIME_LIMIT_S, "--time-limit", "1ms to 720h"),
    ):
        with pytest.raises(ProjectError) as caught:
            kind.convert(text, click.Option([option]), None)
        assert complete(caught.value, option, text, bounds), caught.value


@pytest.mark.parametrize("value", [0, -1, 1e-300, 5e-324, 1e300, 10**400, -(10**400), math.nan, math.inf, -math.inf])
def test_a_number_that_no_limit_is_of_is_refused(tmp_path, value):
    for kind in (SIZE, LATENCY, TIME_BUDGET):
        with pytest.raises(ProjectError) as caught:
            number(kind, value, "--max")
        assert complete(caught.value, "--max", repr(value)[:100], f"as a number of {kind.unit}"), caught.value
    with pytest.raises(ProjectError):
        override(load_project(tmp_path, required=False), time_budget=value)


def test_part_of_a_byte_is_no_limit_and_part_of_a_millisecond_is_one():
    with pytest.raises(ProjectError, match="less than a limit may be"):
        limits_given(max_ram=0.4)
    assert limits_given(max_latency=0.4).values == {"latency": 0.4}


@pytest.mark.parametrize("text", ["1B", "1048576GiB"])
def test_the_ends_of_the_bounds_are_limits(tmp_path, text):
    assert limits_given(max_flash=text).values["flash"] in (1.0, 2.0**50)
    (tmp_path / "edgekit.toml").write_text(f'[budget]\nflash = "{text}"\nlatency = "1ns"\n', encoding="utf-8")
    assert load_project(tmp_path, required=True).budget.limits()["latency"] == 1e-6


def test_numbers_of_numpy_are_numbers():
    found = limits_given(max_flash=np.int64(1024), max_latency=np.float32(0.5), max_drop=np.float64(2))
    assert found.values == {"flash": 1024.0, "latency": 0.5, "accuracy_drop": 2.0}


@pytest.mark.parametrize("given", [-1, 1e10, 10**400, "1e300", math.nan, True, None, [1], "much"])
def test_points_have_the_same_bounds_from_a_call_as_from_a_file(given):
    with pytest.raises(ProjectError) as caught:
        points(given, "--max-drop")
    assert complete(caught.value, "--max-drop", repr(given)[:100], "0 to 1e+09"), caught.value
