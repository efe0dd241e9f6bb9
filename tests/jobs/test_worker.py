"""Jobs in real child processes: answers, errors, crashes, limits, and that nothing outlives its parent."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
import time
import types
from pathlib import Path

import psutil
import pytest

from edgekit.errors import DataError, InterruptedBuild, MissingExtraError, OutputError
from edgekit.jobs import worker as jobs
from edgekit.jobs.cache import Cache
from edgekit.jobs.worker import Done, Failed, Worker, all_stopped

CHILDREN = Path(__file__).parent / "children"


@pytest.fixture
def worker(monkeypatch):
    monkeypatch.syspath_prepend(CHILDREN)
    with Worker("small_child") as worker:
        yield worker


def is_gone(process: int) -> bool:
    try:
        return psutil.Process(process).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def until(condition, seconds: float = 5.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return bool(condition())


def test_a_result_with_its_progress_and_a_warm_child(worker):
    seen = []
    first = worker.run({"do": "count", "total": 50}, progress=lambda *event: seen.append(event))
    assert isinstance(first, Done) and first.value["counted"] == 50
    assert seen[0] == ("counting", 1, 50) and seen[-1] == ("counting", 50, 50)
    assert len(seen) < 50, "progress is sent at most ten times a second"
    assert worker.run({"do": "count", "total": 1}).value["process"] == first.value["process"] != os.getpid()


def test_an_error_of_the_input_comes_through_and_the_child_still_serves(worker):
    process = worker.run({"do": "count", "total": 1}).value["process"]
    with pytest.raises(DataError) as caught:
        worker.run({"do": "wrong_input"})
    assert caught.value.parts() == {
        "what": "wrong", "where": "x_train", "received": "(3, 4)", "allowed": "(8, 8)", "next": "turn it",
    }  # fmt: skip
    assert worker.run({"do": "count", "total": 1}).value["process"] == process


def test_a_full_disk_is_an_error_of_the_output(worker):
    with pytest.raises(OutputError) as caught:
        worker.run({"do": "disk_full"})
    assert caught.value.where == "/somewhere/x.npy" and "No space" in caught.value.received


@pytest.mark.parametrize("is_there", [True, False])
def test_a_python_that_cannot_be_started_is_named_and_not_the_cache(is_there, worker, monkeypatch, tmp_path):
    """The job runs while an entry of the cache is made: what the system refuses is not the cache's fault."""
    python = tmp_path / "python"
    if is_there:
        python.write_text("#!/bin/sh\n", encoding="utf-8")  # without permission to execute, even for root
    monkeypatch.setattr(sys, "executable", str(python))

    def make(folder: Path) -> None:
        worker.run({"do": "count", "total": 1})

    with pytest.raises(MissingExtraError) as caught:
        Cache(tmp_path / "cache").folder("things", "k", make)
    found = caught.value
    assert found.exit_code == 3 and found.where == str(python) and "virtual environment" in found.next_step
    assert found.received == os.strerror(13 if is_there else 2) and not worker.is_running


def test_a_shell_that_cannot_be_started_leaves_no_process(worker, monkeypatch, tmp_path):
    started = []
    popen = subprocess.Popen
    monkeypatch.setattr(jobs, "GUARD", (str(tmp_path / "sh"),))
    monkeypatch.setattr(
        subprocess, "Popen", lambda *given, **named: started.append(popen(*given, **named)) or started[-1]
    )
    with pytest.raises(MissingExtraError) as caught:
        worker.run({"do": "count", "total": 1})
    assert caught.value.where == str(tmp_path / "sh") and len(started) == 1
    assert until(lambda: is_gone(started[0].pid))


def test_an_unexpected_exception_is_a_failure_that_would_repeat(worker):
    failed = worker.run({"do": "unexpected"})
    assert isinstance(failed, Failed) and failed.reason == "ValueError: nobody expects it" and failed.repeatable
    assert "Traceback" in failed.detail and "nobody expects it" in failed.detail
    assert isinstance(worker.run({"do": "count", "total": 1}), Done)


def test_a_job_that_asks_for_input_finds_none_and_takes_no_job_of_another(worker):
    failed = worker.run({"do": "ask"}, time_limit_s=20)
    assert "EOFError" in failed.reason and failed.repeatable
    assert isinstance(worker.run({"do": "count", "total": 1}), Done)


def test_a_python_that_greets_before_the_child_begins_still_serves(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(CHILDREN)
    python = tmp_path / "python"
    python.write_text(f"""#!/bin/sh\necho welcome; echo '[]'; echo '{{"x": 1}}'\nexec "{sys.executable}" "$@"\n""")
    python.chmod(0o755)
    with Worker("small_child", python=str(python)) as worker:
        assert worker.run({"do": "count", "total": 1}, time_limit_s=20).value["counted"] == 1


@pytest.mark.skipif(sys.platform != "linux", reason="signals for real time")
def test_a_signal_without_a_name_is_told_by_its_number(worker):
    assert f"signal {signal.SIGRTMIN + 1}" in worker.run({"do": "die_in_real_time"}, time_limit_s=20).reason


def test_a_job_that_there_is_not_is_a_failure(worker):
    assert "KeyError" in worker.run({"do": "nothing of the kind"}).reason


@pytest.mark.parametrize(("job", "reason"), [("crash", "signal SIGABRT"), ("leave", "exit code 7")])
def test_a_child_that_dies_is_a_value_and_the_next_job_gets_a_new_one(worker, job, reason):
    failed = worker.run({"do": job})
    assert isinstance(failed, Failed) and reason in failed.reason and failed.repeatable == (job == "crash")
    if job == "crash":
        assert "the last words" in failed.detail
    assert isinstance(worker.run({"do": "count", "total": 1}), Done)


def test_a_child_that_prints_without_end_fills_neither_disk_nor_memory(worker):
    """Twenty megabytes, of which the parent keeps six thousand bytes and no file."""
    failed = worker.run({"do": "shout", "times": 20_000})
    assert failed.detail.startswith("the first words") and failed.detail.rstrip().endswith("the last words")
    assert len(failed.detail) < 6100 and " bytes are left out here" in failed.detail
    assert isinstance(worker.run({"do": "count", "total": 1}), Done)


def test_a_child_that_dies_between_two_jobs_is_replaced(worker):
    process = worker.run({"do": "count", "total": 1}).value["process"]
    os.kill(process, signal.SIGKILL)
    os.waitid(os.P_PID, process, os.WEXITED | os.WNOWAIT)
    assert worker.run({"do": "count", "total": 1}).value["process"] != process


def test_a_crash_is_seen_though_a_fork_holds_the_pipes(worker):
    failed = worker.run({"do": "fork_and_crash"}, time_limit_s=20)
    assert "SIGSEGV" in failed.reason and not failed.timed_out, "the fork would hold the pipes for ten minutes"


def test_a_fork_that_comes_back_from_a_job_answers_nothing(worker):
    process = worker.run({"do": "count", "total": 1}).value["process"]
    for _ in range(3):
        assert worker.run({"do": "fork_and_return"}, time_limit_s=20).value == process
    assert worker.run({"do": "count", "total": 2}, time_limit_s=20).value["counted"] == 2


def test_the_time_limit_stops_a_job(worker):
    process = worker.run({"do": "count", "total": 1}).value["process"]
    failed = worker.run({"do": "hang"}, time_limit_s=0.3)
    assert failed.reason == "was stopped at its time limit of 0.3 s" and not failed.repeatable
    assert failed.timed_out and is_gone(process)
    assert isinstance(worker.run({"do": "count", "total": 1}), Done)


def test_the_time_limit_is_that_of_the_whole_job_however_often_it_says_something(worker, monkeypatch):
    now, waits = 100.0, []

    class Heard(queue.Queue):
        """By its clock each event comes a second after the one before."""

        def get(self, block=True, timeout=None):
            nonlocal now
            waits.append(timeout)
            if timeout == 0:
                raise queue.Empty
            now += 1.0
            return super().get(block, 20)

    monkeypatch.setattr(jobs, "queue", types.SimpleNamespace(Queue=Heard, Empty=queue.Empty))
    monkeypatch.setattr(jobs, "time", types.SimpleNamespace(monotonic=lambda: now))
    failed = worker.run({"do": "talk", "times": 20}, time_limit_s=5.0)
    assert failed.timed_out and waits == [5.0, 4.0, 3.0, 2.0, 1.0, 0.0]


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_AS is Linux's")
def test_the_memory_limit_is_a_failure_and_not_the_end(monkeypatch):
    monkeypatch.syspath_prepend(CHILDREN)
    with Worker("small_child", memory_bytes=2**30) as worker:
        failed = worker.run({"do": "fill_memory", "bytes": 2**31})
        assert isinstance(failed, Failed) and "ran out of the memory" in failed.reason
        assert not failed.repeatable
        assert worker.run({"do": "fill_memory", "bytes": 2**20}).value == 2**20


def test_a_module_that_there_is_not_is_a_failure():
    with Worker("no_such_module_anywhere") as worker:
        failed = worker.run({"do": "count"})
    assert "exit code 1" in failed.reason and "no_such_module_anywhere" in failed.detail


def test_closing_ends_the_child_and_what_it_started(worker):
    seen = []
    thread = threading.Thread(
        target=worker.run,
        args=({"do": "start_another", "how": "sleep"},),
        kwargs={"progress": lambda phase, *_: seen.append(phase)},
    )
    thread.start()
    assert until(lambda: seen)
    worker.close()
    thread.join(5)
    assert not thread.is_alive()
    assert all(until(lambda one=int(one): is_gone(one)) for one in seen[0].split())


def test_a_warm_child_outlives_the_thread_that_started_it(worker):
    answers = []
    for _ in range(2):
        thread = threading.Thread(target=lambda: answers.append(worker.run({"do": "count", "total": 1})))
        thread.start()
        thread.join()
        time.sleep(0.1)
    assert answers[0].value["process"] == answers[1].value["process"]


PARENT = """
import sys
from edgekit.jobs.worker import Worker
Worker("small_child").run({"do": "start_another", "how": sys.argv[1]}, progress=lambda phase, *_: print(phase, flush=True))
"""


@pytest.mark.parametrize("how", ["sleep", "hold the lock"])
@pytest.mark.parametrize("death", [signal.SIGKILL, signal.SIGTERM])
def test_no_process_outlives_a_parent_that_is_killed(how, death):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(CHILDREN), str(CHILDREN.parent.parent)])}
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, how], stdout=subprocess.PIPE, text=True, env=environment, start_new_session=True
    )
    processes = [int(one) for one in parent.stdout.readline().split()]
    everyone = {one.pid for one in psutil.Process(parent.pid).children(recursive=True)}
    assert len(processes) == 2 and set(processes) <= everyone
    parent.send_signal(death)
    parent.wait()
    parent.stdout.close()
    left = [one for one in everyone if not until(lambda one=one: is_gone(one))]
    assert left == []


def test_all_workers_stop_also_those_that_another_thread_waits_for(worker):
    """As Ctrl-C needs it: the main thread stops what the executor's threads wait for."""
    answers, started = [], threading.Event()

    def ask():
        answers.append(worker.run({"do": "hang"}, progress=lambda *event: started.set()))

    thread = threading.Thread(target=ask)
    thread.start()
    assert started.wait(10)
    with all_stopped():
        thread.join(5)
        assert not thread.is_alive() and isinstance(answers[0], Failed)
        with pytest.raises(InterruptedBuild):
            worker.run({"do": "count", "total": 1})
    assert worker.run({"do": "count", "total": 1}).value["counted"] == 1


def test_a_worker_that_starts_while_all_are_stopped_does_not_live_on(worker, monkeypatch):
    """The moment between a worker's look whether it may start and its process, in which all others were stopped."""
    made = []

    def popen(*given, **more):
        jobs._stopping.set()
        made.append(Popen(*given, **more))
        return made[-1]

    Popen = jobs.subprocess.Popen
    monkeypatch.setattr(jobs.subprocess, "Popen", popen)
    try:
        with pytest.raises(InterruptedBuild):
            worker.run({"do": "count", "total": 1})
    finally:
        jobs._stopping.clear()
    assert len(made) == 2 and all(one.returncode is not None for one in made)
