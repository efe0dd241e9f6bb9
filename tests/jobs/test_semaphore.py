"""The semaphore of jobs: never more at once than allowed, first come first served, and one that is alone is alone."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from edgekit.devices.profile import load_profile
from edgekit.ingest.materials import Materials
from edgekit.jobs.semaphore import JobSemaphore
from edgekit.progress import no_progress
from edgekit.search import trials


def test_no_more_than_so_many_and_all_of_them():
    semaphore, lock, running, most = JobSemaphore(3), threading.Lock(), 0, 0

    def job(_: int) -> None:
        nonlocal running, most
        with semaphore.acquired():
            with lock:
                running += 1
                most = max(most, running)
            time.sleep(0.01)
            with lock:
                running -= 1

    with ThreadPoolExecutor(12) as threads:
        list(threads.map(job, range(30)))
    assert (most, running) == (3, 0)


def test_one_that_is_alone_waits_for_the_others_and_goes_before_those_that_came_later():
    semaphore, said = JobSemaphore(2), []
    begun, go_on = threading.Event(), threading.Event()

    def first() -> None:
        with semaphore.acquired():
            begun.set()
            go_on.wait(5)
            said.append("first")

    def alone() -> None:
        with semaphore.acquired(alone=True):
            said.append("alone")
            time.sleep(0.05)
            said.append("alone, done")

    def later() -> None:
        with semaphore.acquired():
            said.append("later")

    threads = [threading.Thread(target=job) for job in (first, alone, later)]
    threads[0].start()
    assert begun.wait(5)
    for thread in threads[1:]:
        thread.start()
        time.sleep(0.05)
    assert said == [], "a place was free, but whoever measures was next"
    go_on.set()
    for thread in threads:
        thread.join(5)
    assert said == ["first", "alone", "alone, done", "later"]


def test_a_place_is_given_back_after_an_error():
    semaphore = JobSemaphore(1)
    for alone in (True, False):
        with pytest.raises(RuntimeError), semaphore.acquired(alone=alone):
            raise RuntimeError("a job failed")
    with semaphore.acquired():
        pass


def test_an_emulated_board_waits_while_a_latency_is_taken_here(monkeypatch, tmp_path):
    semaphore, ran = JobSemaphore(2), threading.Event()
    monkeypatch.setattr(trials, "emulated", lambda *_, **__: ran.set())
    project = SimpleNamespace(root=tmp_path, emulate=True, imports=(), seed=0)
    materials = Materials(
        project=project, model=None, dataset=None, losses=(), cache=None, pool=None, semaphore=semaphore
    )
    runner = trials.TrialRunner(materials, load_profile("rpi4"), {})
    with ThreadPoolExecutor(1) as thread:
        with semaphore.acquired(alone=True):
            future = thread.submit(runner.emulated, tmp_path, progress=no_progress)
            assert not ran.wait(0.3)
        future.result(5)
    assert ran.is_set()
