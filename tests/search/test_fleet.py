"""Several devices in one build: order, shares of the time, what is made once, errors that are one device's own."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
import types
from pathlib import Path

import pytest

from edgekit.devices.profile import load_profile
from edgekit.errors import ClusterError, InterruptedBuild, LockError, MissingExtraError, ModelError, OutputError
from edgekit.jobs.cache import Cache
from edgekit.search import fleet as fleets
from edgekit.search.fleet import Fleet, results_of

ROOT = Path(__file__).resolve().parents[2]
IDS = ("rpi4", "pixel-4", "esp32-s3", "nano-33-ble")
PROFILES = [load_profile(name) for name in IDS]


def fleet(build_one, *, workers: int = 1, left_s: float = 60.0, stop=lambda: None) -> Fleet:
    return Fleet(build_one, workers=workers, deadline=time.monotonic() + left_s, stop=stop)


def test_one_worker_takes_one_device_after_another_in_the_calling_thread():
    seen = []
    found = fleet(lambda profile, context: seen.append((profile.id, threading.current_thread())) or profile.id).build(
        PROFILES
    )
    assert [name for name, _ in seen] == list(IDS) == list(found.values()) == list(found)
    assert {thread for _, thread in seen} == {threading.current_thread()}


@pytest.mark.parametrize(("workers", "together"), [(2, 2), (3, 3), (9, 4)])
def test_as_many_devices_side_by_side_as_there_are_workers(workers, together):
    barrier = threading.Barrier(together, timeout=10)

    def build_one(profile, context):
        if profile.id in IDS[:together]:
            barrier.wait()
        return context.ahead

    assert fleet(build_one, workers=workers).build(PROFILES) == dict.fromkeys(IDS, workers)


def test_time_is_shared_by_those_that_still_wait(monkeypatch):
    monkeypatch.setattr(fleets, "time", types.SimpleNamespace(monotonic=lambda: 1000.0))
    shares = []

    def build_one(profile, context):
        shares.append(context.deadline - 1000.0)
        barrier.wait()

    barrier = threading.Barrier(1)
    Fleet(build_one, workers=1, deadline=1100.0, stop=lambda: None).build(PROFILES)
    assert shares == pytest.approx([25.0, 100 / 3, 50.0, 100.0]), "what one leaves is for the others"
    shares.clear()
    barrier = threading.Barrier(2, timeout=10)
    Fleet(build_one, workers=2, deadline=1100.0, stop=lambda: None).build(PROFILES)
    assert shares == [50.0, 50.0, 100.0, 100.0], "two at once of four: half of the time for each, then all that is left"


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_of_one_device_is_its_own(workers):
    def build_one(profile, context):
        if profile.id == "pixel-4":
            raise ModelError("no such operator")
        return profile.id

    found = fleet(build_one, workers=workers).build(PROFILES)
    assert [name for name, one in found.items() if one == name] == ["rpi4", "esp32-s3", "nano-33-ble"]
    with pytest.raises(ModelError, match="1 of 4 devices could not be built") as caught:
        results_of(found)
    assert caught.value.finished == ("rpi4", "esp32-s3", "nano-33-ble") and set(caught.value.failed) == {"pixel-4"}
    assert "pixel-4: no such operator" in str(caught.value)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("problem", [OutputError("no space"), ClusterError("gone"), InterruptedBuild("stop")])
def test_what_every_device_would_meet_ends_them_all(workers, problem):
    begun, stopped = [], []

    def build_one(profile, context):
        begun.append(profile.id)
        if profile.id == "rpi4":
            raise problem
        assert context.stopped.wait(10), "the others are told to stop"
        context.require_running()

    with pytest.raises(type(problem)) as caught:
        fleet(build_one, workers=workers, stop=lambda: stopped.append(True)).build(PROFILES)
    assert caught.value is problem and stopped == [True] and len(begun) <= 3


@pytest.fixture
def heeds_interrupts():
    """What was started in the background of a script ignores SIGINT."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heeds_interrupts")
def test_a_ctrl_c_stops_devices_that_run_side_by_side():
    def build_one(profile, context):
        if profile.id == "rpi4":
            time.sleep(0.1)
            os.kill(os.getpid(), signal.SIGINT)
        assert context.stopped.wait(10)
        context.require_running()

    with pytest.raises(InterruptedBuild, match="interrupted"):
        fleet(build_one, workers=2).build(PROFILES)


def test_errors_together_have_the_kind_of_the_first_and_every_difference():
    first, second = LockError("other bytes"), LockError("other bytes too")
    first.differences, second.differences = ("a",), ("b", "c")
    with pytest.raises(LockError) as caught:
        results_of({"rpi4": first, "esp32-s3": second, "host": 1})
    assert caught.value.differences == ("a", "b", "c") and caught.value.exit_code == 1
    with pytest.raises(MissingExtraError) as alone:
        results_of({"rpi4": (only := MissingExtraError("no runtime"))})
    assert alone.value is only, "one device alone has its own error, as it is"
    assert results_of({"rpi4": 1, "host": 2}) == [1, 2]


def test_two_threads_that_need_an_entry_make_it_once(tmp_path):
    cache, made, found = Cache(tmp_path), [], []

    def make(folder: Path) -> None:
        made.append(folder)
        time.sleep(0.1)
        (folder / "value").write_text("whole")

    threads = [threading.Thread(target=lambda: found.append(cache.folder("stages", "k", make))) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(made) == 1 and set(found) == {tmp_path / "stages" / "k"} and len(found) == 5


def test_where_the_first_fails_the_next_tries_itself(tmp_path):
    cache, turn = Cache(tmp_path), []

    def make(folder: Path) -> None:
        turn.append(1)
        time.sleep(0.05)
        if len(turn) == 1:
            raise RuntimeError("the first was stopped")
        (folder / "value").write_text("whole")

    def ask() -> None:
        try:
            cache.folder("stages", "k", make)
        except RuntimeError:
            turn.append("failed")

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert turn.count(1) == 2 and turn.count("failed") == 1


@pytest.mark.tf
@pytest.mark.slow
def test_a_fleet_side_by_side_trains_what_is_shared_once_and_gives_the_bytes_of_each_alone(
    edgekit_command, tiny_project, tmp_path
):
    (tiny_project / "devices.txt").write_text("rpi4\npixel-4  # the same files\nesp32-s3\nrpi4\n")
    with (tiny_project / "edgekit.toml").open("a") as toml:
        toml.write('[[chain]]\nsteps = ["pruning"]\n')
    common = ("build", "--workers", "2", "--json", "--quiet")
    done = edgekit_command(*common, "--devices-file", "devices.txt", folder=tiny_project, timeout_s=300)
    together = json.loads(done.stdout)
    assert done.returncode == 0, [report["summary"] for report in together]
    assert [report["device"] for report in together] == ["rpi4", "pixel-4", "esp32-s3"]
    steps = [found["steps"][:-1] for report in together for found in report["candidates"]]
    trained = {json.dumps(one[: count + 1]) for one in steps for count in range(len(one))}
    assert len(trained) == len(list((tmp_path / "cache").glob("stages/*"))) > 0
    arguments = (*common, "--device", "esp32-s3", "--out", "alone")
    done = edgekit_command(*arguments, folder=tiny_project, cache=tmp_path / "another", timeout_s=300)
    (alone,) = [json.loads(done.stdout)]
    names = [[found["candidate"] for found in report["candidates"]] for report in (together[2], alone)]
    assert names[0] == names[1], "the same candidates in the same order"
    assert together[2]["chosen"]["sha256"] == alone["chosen"]["sha256"]
