"""Measurements that are kept: which of them stand in the place of a prediction, and why the others do not."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

import msgspec
import pytest

import edgekit
from edgekit.boards.measurements import Measurement, applied, kept, why_not
from edgekit.boards.measurements import keep_measurement as keep
from edgekit.devices.profile import load_profile
from edgekit.documents.bench_document import BenchDocument
from edgekit.documents.report import Metric
from edgekit.errors import ProfileError
from edgekit.values import to_json

PREDICTED = Metric(value=9.0, unit="ms", basis="predicted", source="roofline", low=1.0, high=50.0, threads=4)
SIMULATED = Metric(value=57_344, unit="B", basis="simulated", source="this machine", threads=4)
FLASH = Metric(value=5384, unit="B", basis="measured", source="size of the file")
METRICS = {"flash": FLASH, "latency": PREDICTED, "ram": SIMULATED}
SHA256 = "ab" * 32


def taken(
    *,
    sha256: str = SHA256,
    median_ms: float = 1.25,
    steady: bool = True,
    runtime: str = "litert",
    threads: int = 4,
    delegate: str = "xnnpack",
    date: str = "2026-11-20T10:00:00Z",
    timed: bool = True,
    runs: int = 5,
    **more,
) -> Measurement:
    """A measurement on a Raspberry Pi 4; what is given makes it another."""
    latency = {
        "min_ms": median_ms / 2, "median_ms": median_ms, "mean_ms": median_ms, "p10_ms": median_ms * 0.9,
        "p90_ms": median_ms * 1.1, "p99_ms": median_ms * 2, "spread": 0.2, "runs": runs, "steady": steady,
        "warm_up_runs": 9, "warm_up_ms": 10.0, "timed_s": 1.0, "runs_ms_every": 1,
        "runs_ms": [median_ms] * runs,
    }  # fmt: skip
    pair = {"before": None, "after": None}
    document = {
        "schema_version": 1, "runner": "1.0", "model": {"name": "model.tflite", "bytes": 5384, "sha256": sha256},
        "latency": latency if timed else None, "load_ms": 3.0, "first_ms": 2.0,
        "memory": {"peak_bytes": 50_000_000, "added_bytes": 1_200_000, "how": "growth"},
        "operators": {"total": 6, "by_delegate": {"xnnpack": 6}, "left": [], "profile": None, "reason": "none"},
        "delegate": {"asked": delegate, "active": True, "reason": None}, "sustained": None, "inputs": [], "outputs": [],
        "environment": {
            "board": "Raspberry Pi 4 Model B Rev 1.4", "machine": "aarch64", "system": "Debian 12", "kernel": "6.6",
            "python": "3.11.2", "numpy": "1.26.4", "runtime": runtime, "runtime_version": "2.3.0", "threads": threads,
            "processor": None, "cores": 4, "clocks_hz": pair, "governor": "ondemand", "temperature_c": pair,
            "throttled": pair, "load_average": pair, "memory_total_bytes": None, "memory_available_bytes": None,
            "date": date,
        },
        "notes": [],
    }  # fmt: skip
    given = {
        "schema_version": 1, "edgekit_version": "0.1.0", "device": "rpi4", "on": "ssh://pi@board", "date": date,
        "board": "Raspberry Pi 4 Model B Rev 1.4", "architecture": "aarch64", "emulated": False, "foreign": None,
    }  # fmt: skip
    return Measurement(**{**given, "document": msgspec.convert(document, BenchDocument), **more})


def test_a_measurement_takes_the_place_of_a_prediction(devices_folder):
    rpi4 = load_profile("rpi4")
    path = keep(taken(), rpi4)
    assert path.parent == devices_folder / "rpi4.measurements" and path.name.startswith(SHA256[:16])
    metrics, notes = applied(METRICS, SHA256, rpi4)
    latency, ram = metrics["latency"], metrics["ram"]
    assert (latency.value, latency.low, latency.high, latency.basis) == (1.25, 1.125, 1.375, "measured")
    assert latency.threads == 4 and latency.runtime == "litert"
    assert latency.source.startswith(
        "measured on Raspberry Pi 4 Model B Rev 1.4 on 2026-11-20 with LiteRT 2.3.0, 4 threads: median of 5 runs, steady"
    )
    assert (ram.value, ram.basis) == (1_200_000, "measured")
    assert metrics["flash"] == FLASH and notes == ()


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"steady": False}, "not steady"),
        ({"runs": 1}, "it has 1 timed runs"),
        ({"runtime": "tflite_runtime"}, "tflite-runtime, and rpi4 has LiteRT"),
        ({"threads": 1}, "1 thread, and rpi4 has 4"),
        ({"delegate": "none"}, "delegate 'none'"),
        ({"timed": False}, "emulator tells no time"),
        ({"foreign": "it ran on this machine"}, "it ran on this machine"),
        ({"device": "rpi5"}, "taken for rpi5"),
    ],
)
def test_one_that_does_not_count_is_named_with_its_reason(other, why):
    rpi4 = load_profile("rpi4")
    keep(taken(**other), rpi4)
    metrics, (note,) = applied(METRICS, SHA256, rpi4)
    assert metrics == METRICS
    assert note.startswith("a measurement was not used: ") and why in note


def test_an_emulated_one_neither_counts_nor_asks_for_a_note():
    rpi4 = load_profile("rpi4")
    keep(taken(emulated=True), rpi4)
    assert applied(METRICS, SHA256, rpi4) == (METRICS, ())


def test_the_newest_that_counts_is_used():
    rpi4 = load_profile("rpi4")
    for number, (month, steady) in enumerate([(3, True), (9, True), (12, False)]):
        keep(taken(median_ms=number + 1.0, steady=steady, date=f"2026-{month:02}-01T00:00:00Z"), rpi4)
    metrics, notes = applied(METRICS, SHA256, rpi4)
    assert metrics["latency"].value == 2.0 and notes == ()
    assert len(kept(rpi4, SHA256)[0]) == 3


def test_another_file_is_not_meant_even_where_its_hash_begins_alike():
    rpi4 = load_profile("rpi4")
    keep(taken(sha256=SHA256[:16] + "0" * 48), rpi4)
    assert applied(METRICS, SHA256, rpi4) == (METRICS, ())
    assert applied(METRICS, "0" * 64, rpi4) == (METRICS, ())


def test_what_was_measured_in_this_run_stays():
    rpi4 = load_profile("rpi4")
    keep(taken(), rpi4)
    own = msgspec.structs.replace(PREDICTED, basis="measured")
    metrics, _ = applied({"latency": own}, SHA256, rpi4)
    assert metrics["latency"] == own


def test_another_delegate_counts_for_no_profile_that_names_none():
    rpi4 = load_profile("rpi4")
    unnamed = msgspec.structs.replace(rpi4, runtime=msgspec.structs.replace(rpi4.runtime, delegate=None))
    assert why_not(taken(), unnamed) is None
    assert "delegate '/lib/gpu.so'" in why_not(taken(delegate="/lib/gpu.so"), unnamed)


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        (b'"median_ms":1.25', b'"median_ms":1.3'),
        (b'"median_ms":1.25', b'"median_ms":-1.25'),
        (b'"runs":5', b'"runs":6'),
    ],
)
def test_one_that_was_edited_into_a_contradiction_is_passed_over(was, becomes):
    rpi4 = load_profile("rpi4")
    path = keep(taken(), rpi4)
    text = path.read_bytes().replace(b" ", b"")
    assert was in text
    path.write_bytes(text.replace(was, becomes))
    metrics, (note,) = applied(METRICS, SHA256, rpi4)
    assert metrics == METRICS and "cannot be read" in note


def test_a_pipe_in_the_folder_is_not_waited_for():
    rpi4 = load_profile("rpi4")
    path = keep(taken(), rpi4)
    path.unlink()
    os.mkfifo(path)
    assert "not a file" in applied(METRICS, SHA256, rpi4)[1][0]


@pytest.mark.parametrize("damage", [b"", b"{", b'{"schema_version": 2}', b"[" * 100_000, bytes(9 * 2**20)])
def test_a_damaged_one_is_passed_over_with_a_note(damage):
    rpi4 = load_profile("rpi4")
    path = keep(taken(), rpi4)
    spoilt = path.with_name(f"{SHA256[:16]}-20300101T000000Z.json")
    spoilt.write_bytes(damage)
    metrics, (note,) = applied(METRICS, SHA256, rpi4)
    assert metrics["latency"].value == 1.25
    assert str(spoilt) in note and "cannot be read" in note


def test_a_profile_of_ones_own_has_its_measurements_beside_it(tmp_path):
    path = tmp_path / "own boards" / "mine.toml"
    path.parent.mkdir()
    text = (Path(__file__).parents[2] / "device_profiles" / "rpi4.toml").read_text()
    path.write_text(text.replace('id = "rpi4"', 'id = "mine"'))
    mine = load_profile(path)
    place = keep(taken(device="mine"), mine)
    assert place.parent == tmp_path / "own boards" / "mine.measurements"
    assert applied(METRICS, SHA256, mine)[0]["latency"].value == 1.25


def test_what_a_board_calls_itself_cannot_steer_a_terminal():
    rpi4 = load_profile("rpi4")
    keep(taken(board="a board\x1b[2J"), rpi4)
    assert applied(METRICS, SHA256, rpi4)[0]["latency"].source.isprintable()


def test_two_in_a_second_are_two_files():
    rpi4 = load_profile("rpi4")
    assert len({keep(taken(), rpi4) for _ in range(3)}) == 3


def test_a_check_shows_it_and_judges_by_it(int8_model):
    sha256 = hashlib.sha256(int8_model.read_bytes()).hexdigest()
    before = edgekit.check(int8_model, device="rpi4")
    assert before.chosen.metrics["latency"].basis == "predicted" and before.outcome == "pass"
    keep(taken(sha256=sha256, median_ms=250.0), load_profile("rpi4"))
    after = edgekit.check(int8_model, device="rpi4")
    assert after.chosen.metrics["latency"].value == 250.0 and after.chosen.metrics["ram"].basis == "measured"
    late = next(check for check in after.checks if check.name == "latency")
    assert (after.outcome, late.outcome) == ("pass", "warn"), "nobody asked for the profile's default"
    asked = edgekit.check(int8_model, device="rpi4", max_latency="100ms")
    assert asked.outcome == "fail"
    assert next(check for check in asked.checks if check.name == "latency").reason.endswith("over the limit")
    keep(taken(sha256=sha256, threads=1, date="2027-01-01T00:00:00Z"), load_profile("rpi4"))
    assert edgekit.check(int8_model, device="rpi4").chosen.metrics["latency"].value == 250.0


@pytest.mark.tf
@pytest.mark.slow
def test_a_build_from_the_cache_shows_what_was_measured_meanwhile(tiny_project, tmp_path, monkeypatch):
    monkeypatch.setenv("EDGEKIT_CACHE", str(tmp_path / "cache"))

    def build():
        return edgekit.build(project=tiny_project, device="rpi4", out=tmp_path / "out").report

    first = build()
    keep(taken(sha256=first.chosen.sha256, median_ms=0.5), load_profile("rpi4"))
    second = build()
    assert second.chosen.sha256 == first.chosen.sha256
    assert (first.chosen.metrics["latency"].basis, second.chosen.metrics["latency"].basis) == ("predicted", "measured")
    found = next(one for one in second.candidates if one.candidate == second.chosen.candidate)
    assert found.metrics["latency"].value == second.chosen.metrics["latency"].value == 0.5
    before = next(one for one in first.candidates if one.candidate == second.chosen.candidate)
    assert found.seconds == before.seconds  # that of the measurement that the cache holds


def overlay(folder: Path, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "rpi4.toml"
    path.write_text(text)
    return path


def test_an_overlay_is_laid_over_a_bundled_profile(devices_folder, int8_model):
    before = load_profile("rpi4")
    path = overlay(
        devices_folder,
        '[sources]\nmine = "my board"\n[cost.rates]\n'
        'int8 = { value = "30GMAC/s", basis = "measured", source = "mine" }\n',
    )
    after = load_profile("rpi4")
    assert after.cost.rates.int8.value == 30e9 and after.cost.rates.int8.low is None
    assert after.cost.rates.float32 == before.cost.rates.float32 and after.sources.keys() > before.sources.keys()
    assert (before.overlay, after.overlay) == (None, str(path))
    assert load_profile("pi4") == after  # an alias is the same device
    assert any(str(path) in note for note in edgekit.check(int8_model, device="rpi4").notes)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('id = "rpi5"', "overlay of another device"),
        ("[cost\n", "not a TOML file"),
        ("[cost.rates]\nint9 = 1", "unknown key"),
        ('[cost.rates]\nint8 = { value = "30GMAC/s", basis = "measured", source = "nobody" }', "no source"),
        ("cost = 5", "Expected"),
        ('[cost.rates.int8]\nbasis = "measured"', "value"),
    ],
)
def test_an_overlay_is_as_strict_as_a_profile(devices_folder, text, what):
    path = overlay(devices_folder, text)
    with pytest.raises(ProfileError, match=what) as raised:
        load_profile("rpi4")
    assert str(path) in str(raised.value)


def test_where_a_profile_lies_is_no_part_of_a_lock(tmp_path):
    from edgekit.search.lock.inputs import profile_digest

    bundled = Path(__file__).parents[2] / "device_profiles" / "rpi4.toml"
    shutil.copy(bundled, tmp_path / "rpi4.toml")
    assert profile_digest(load_profile(tmp_path / "rpi4.toml")) == profile_digest(load_profile("rpi4"))


def test_a_kept_measurement_reads_back_as_it_was():
    measurement = taken()
    path = keep(measurement, load_profile("rpi4"))
    assert path.read_text() == to_json(measurement)
    assert kept(load_profile("rpi4"), SHA256)[0] == [(path, measurement)]
