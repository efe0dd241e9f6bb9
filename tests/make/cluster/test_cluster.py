"""`--scheduler`: a real scheduler and workers on the loopback, killed, frozen, lost, unlike one another and interrupted.

What needs no training is quick and holds the errors; the slow ones train, and compare bytes with a build without.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

import edgekit
from edgekit.errors import ClusterError, DataError, EdgekitError, ProjectError
from edgekit.jobs.worker import Done, Failed
from edgekit.make.cluster.dask_pool import taken
from edgekit.make.cluster.remote import Answer

pytest.importorskip("distributed", reason="the `cluster` extra is not installed")
ROOT = Path(__file__).resolve().parents[3]
BUILD = ("build", "--device", "rpi4", "--quiet")
# A build by the API, which says each phase on a line; like a user's script it has no `__main__` guard.
SCRIPT = """
import sys, edgekit
result = edgekit.build(device="rpi4", out="out", scheduler=sys.argv[1], progress=lambda phase, *_: print(phase, flush=True))
print("sha256", result.report.chosen.sha256, flush=True)
"""


class Cluster:
    """A scheduler and workers, each a process of its own that ends with the test."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._environment = folder, {**os.environ, "PYTHONPATH": str(ROOT)}
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
        self._processes: list[subprocess.Popen[bytes]] = []
        arguments = ("--host", "127.0.0.1", "--port", self.address.rsplit(":")[-1], "--no-dashboard", "--no-show")
        self.scheduler = self._start("scheduler", *arguments)
        self.workers: list[subprocess.Popen[bytes]] = []

    def add_workers(self, count: int, *before: str, **variables: str) -> None:
        """Start workers without a nanny, under a command like `taskset`, and wait until they are known."""
        arguments = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory", str(self._folder))
        for _ in range(count):
            self.workers.append(self._start("worker", self.address, *arguments, before=before, variables=variables))
        with self.client() as client:
            client.wait_for_workers(len(self.workers), timeout=60)

    @contextlib.contextmanager
    def client(self) -> Iterator[object]:
        from distributed import Client

        with Client(self.address, timeout=30, set_as_default=False) as client:
            yield client

    def busy(self) -> subprocess.Popen[bytes]:
        """The worker that has a job."""
        with self.client() as client:
            while not (addresses := [name for name, keys in client.processing().items() if keys]):
                time.sleep(0.01)
            pids = client.run(os.getpid, workers=addresses)
        return next(worker for worker in self.workers if worker.pid in pids.values())

    def jobs_done(self) -> int:
        """How many jobs ran to their end on a worker, by the scheduler's own log."""
        with self.client() as client:
            log = client.run_on_scheduler(
                lambda dask_scheduler: [(str(one[0]), one[2]) for one in dask_scheduler.transition_log]
            )
        return sum(name.startswith("run_job") and finish == "memory" for name, finish in log)

    def children(self) -> list[psutil.Process]:
        """The processes that workers have started and that live, a moment later."""
        time.sleep(1)
        found = []
        for worker in self.workers:
            with contextlib.suppress(psutil.NoSuchProcess):
                found += [one for one in psutil.Process(worker.pid).children() if one.status() != psutil.STATUS_ZOMBIE]
        return found

    def end(self) -> None:
        for process in reversed(self._processes):
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGCONT)
            process.kill()
            process.wait()

    def _start(
        self, kind: str, *arguments: str, before: tuple[str, ...] = (), variables: dict[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        command = [*before, sys.executable, "-m", f"distributed.cli.dask_{kind}", *arguments]
        with (self._folder / f"{kind}-{len(self._processes)}.log").open("wb") as log:
            process = subprocess.Popen(
                command, env={**self._environment, **(variables or {})}, stdout=log, stderr=log, cwd=self._folder
            )
        self._processes.append(process)
        return process


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """A scheduler that answers, without workers."""
    (tmp_path / "cluster").mkdir()
    made = Cluster(tmp_path / "cluster")
    try:
        with made.client():
            pass
        yield made
    finally:
        made.end()


def test_what_is_no_address_is_an_error_of_usage(edgekit_command, tiny_project):
    done = edgekit_command(*BUILD, "--scheduler", "here", folder=tiny_project)
    assert done.returncode == 2 and "not the address of a scheduler" in done.stderr and "tcp://HOST:PORT" in done.stderr
    for address in ("", "tcp://", "tcp://host", "http://host:80", "tcp://host:0", "tcp://host:99999", "tcp://a b:80"):
        with pytest.raises(ProjectError, match="not the address of a scheduler"):
            edgekit.build(project=tiny_project, device="rpi4", scheduler=address)


def test_without_the_extra_the_line_that_installs_it_is_said(edgekit_command, tiny_project, tmp_path):
    (tmp_path / "hidden" / "distributed").mkdir(parents=True)
    (tmp_path / "hidden" / "sitecustomize.py").write_text("import sys\nsys.modules['distributed'] = None\n")
    paths = os.pathsep.join((str(tmp_path / "hidden"), str(ROOT)))
    done = edgekit_command(*BUILD, "--scheduler", "tcp://127.0.0.1:9", folder=tiny_project, PYTHONPATH=paths)
    assert done.returncode == 3 and "[cluster]" in done.stderr and "distributed" in done.stderr


@pytest.fixture
def in_haste(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The waiting for what will not come, shortened for builds in this process; the folder of their cache."""
    monkeypatch.setenv("EDGEKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("edgekit.make.cluster.dask_pool.CONNECTS_S", 1.0)
    monkeypatch.setattr("edgekit.make.cluster.check.STARTS_S", 1.0)
    return tmp_path / "cache"


def refused(project: Path, address: str, kind: type[EdgekitError]) -> EdgekitError:
    """The error of a build that began nothing."""
    with pytest.raises(kind) as caught:
        edgekit.build(project=project, device="rpi4", out=project / "out", scheduler=address)
    assert address in str(caught.value.where)
    assert not [path for path in (project / "out").rglob("*") if path.is_file()]
    return caught.value


def test_a_scheduler_that_is_not_there_and_ones_that_are_something_else(tiny_project, in_haste):
    """Nobody listens; somebody who says nothing; somebody who says something else."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{other.getsockname()[1]}"
        assert refused(tiny_project, address, ClusterError).exit_code == 4
        other.listen()
        assert "cannot be reached" in refused(tiny_project, address, ClusterError).what

        def greet() -> None:
            with contextlib.suppress(OSError):
                while True:
                    other.accept()[0].send(b"SSH-2.0-OpenSSH_9.2\r\n" * 40)

        threading.Thread(target=greet, daemon=True).start()
        assert "cannot be reached" in refused(tiny_project, address, ClusterError).what
    assert not list((in_haste / "scratch").iterdir())


def test_no_worker_then_workers_that_are_not_alike(cluster, tiny_project, in_haste, tmp_path):
    found = refused(tiny_project, cluster.address, ClusterError)
    assert "no worker" in found.what and "dask worker" in found.next_step
    other = tmp_path / "other"
    other.mkdir()
    (other / "sitecustomize.py").write_text("import platform\nplatform.python_version = lambda: '3.0.0'\n")
    cluster.add_workers(1, PYTHONPATH=os.pathsep.join((str(other), str(ROOT))))
    cluster.add_workers(1, "taskset", "-c", str(min(os.sched_getaffinity(0))))
    found = refused(tiny_project, cluster.address, ProjectError)
    assert "workers cannot take jobs of this machine" in found.what and "python: 3.0.0 there" in found.received
    if len(os.sched_getaffinity(0)) > 1:
        assert found.what.startswith("2 of 2") and "1 core there" in found.received
    assert not list(in_haste.glob("models/*")), "nothing was begun"


def test_a_worker_that_does_not_see_the_cache_is_refused(cluster, tiny_project, in_haste):
    """It has an empty file system where the others have the cache."""
    in_haste.mkdir()
    hidden = ("unshare", "-m", "sh", "-c", f'mount -t tmpfs none "{in_haste}" && exec "$@"', "sh")
    if subprocess.run([*hidden, "true"], capture_output=True).returncode != 0:
        pytest.skip("a mount of one's own needs root")
    cluster.add_workers(1, *hidden)
    found = refused(tiny_project, cluster.address, ProjectError)
    assert f"it does not share the cache's folder, which is {in_haste} here" in found.received


def test_an_error_in_a_child_of_the_cluster_is_the_same_error_here(tmp_path):
    problem = DataError("no such array", where="data.npz: x", received="y", allowed="x", next_step="name it")
    with pytest.raises(DataError) as caught:
        taken(Answer(error=("DataError", problem.parts())), tmp_path)
    assert str(caught.value) == str(problem)
    failed = Failed(reason="the process ended with signal SIGSEGV", repeatable=True)
    assert taken(Answer(failed=failed), tmp_path) == failed
    with pytest.raises(ClusterError, match="not seen here"):
        taken(Answer(folder=str(tmp_path / "elsewhere"), value={}), tmp_path)
    (tmp_path / "entry").mkdir()
    (tmp_path / "entry-1" / "inside").mkdir(parents=True)
    assert taken(Answer(folder=str(tmp_path / "entry-1"), value={"a": 1}), tmp_path / "entry") == Done(value={"a": 1})
    assert [path.name for path in (tmp_path / "entry").iterdir()] == ["inside"] and not (tmp_path / "entry-1").exists()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny project whose trainings take seconds."""
    folder = tmp_path_factory.mktemp("trains") / "a project's folder"
    sys.path.insert(0, str(ROOT / "tools"))
    try:
        from tiny_project import write_project
    finally:
        sys.path.pop(0)
    write_project(folder)
    toml = folder / "edgekit.toml"
    toml.write_text(
        toml.read_text().replace("epochs = 1", "epochs = 60").replace('"pruning", "clustering"', '"pruning"')
    )
    (folder / "script.py").write_text(SCRIPT)
    return folder


@pytest.fixture(scope="module")
def alone(project: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, str]]:
    """What a build without a cluster gives: the chosen bytes, and every file that was converted."""
    cache = tmp_path_factory.mktemp("alone")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "EDGEKIT_CACHE": str(cache)}
    done = subprocess.run(
        [sys.executable, "-m", "edgekit", *BUILD, "--json", "--out", str(cache / "out")],
        cwd=project, env=environment, capture_output=True, text=True, timeout=200,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["chosen"]["sha256"], artifacts(cache)


def artifacts(cache: Path) -> dict[str, str]:
    files = cache.glob("artifacts/*/model.tflite")
    return {path.parent.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def entries(cache: Path) -> int:
    """How many entries there are that jobs of a cluster made."""
    return sum(len(list(cache.glob(f"{kind}/*"))) for kind in ("stages", "artifacts", "predictions"))


@pytest.fixture
def building(project: Path, tmp_path: Path) -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    """Starts the script on a cluster, and waits until a training runs."""
    started: list[subprocess.Popen[str]] = []

    def start(address: str, until: str = "training") -> subprocess.Popen[str]:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "EDGEKIT_CACHE": str(tmp_path / "cache")}
        process = subprocess.Popen(
            [sys.executable, str(project / "script.py"), address], cwd=project, env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )  # fmt: skip
        started.append(process)
        assert process.stdout is not None
        for line in process.stdout:
            if until in line:
                return process
        raise AssertionError(process.communicate()[1])

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.tf
@pytest.mark.slow
def test_interrupted_then_left_then_a_worker_killed_and_the_bytes_are_those_of_a_build_alone(
    building, cluster, alone, tmp_path
):
    """Each in a training. The last of the three builds goes to its end on the worker that is left."""
    cluster.add_workers(2)
    process = building(cluster.address)
    os.killpg(process.pid, signal.SIGINT)
    _, stderr = process.communicate(timeout=20)
    assert "InterruptedBuild" in stderr
    until = time.monotonic() + 20
    while cluster.children() and time.monotonic() < until:
        time.sleep(0.1)
    assert cluster.children() == [], "no training that nobody waits for"
    assert list((tmp_path / "cache" / "scratch").iterdir()) == []

    process = building(cluster.address)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    with cluster.client() as client:

        def goes_on() -> bool:
            return any(client.processing().values()) or any(is_at_work(child) for child in cluster.children())

        until = time.monotonic() + 20
        while (still := goes_on()) and time.monotonic() < until:
            pass  # `is_at_work` waits
        assert not still, "the job of a build that is gone goes on"

    before = cluster.jobs_done(), entries(tmp_path / "cache")
    process = building(cluster.address)
    cluster.busy().kill()
    stdout, stderr = process.communicate(timeout=200)
    assert process.returncode == 0, stderr
    assert stdout.splitlines()[-1] == f"sha256 {alone[0]}"
    assert artifacts(tmp_path / "cache") == alone[1], "every file, trained or not"
    stages = list((tmp_path / "cache").glob("stages/*"))
    assert len(stages) == 1, "the chain's; the control is trained only where what is chosen was"
    after = cluster.jobs_done(), entries(tmp_path / "cache")
    assert after[0] - before[0] == after[1] - before[1] > 0, "a job that ended was taken, and none ran twice"
    assert list((tmp_path / "cache" / "scratch").iterdir()) == []
    assert cluster.children() == [], "children end with the build, and with their worker"


@pytest.mark.tf
@pytest.mark.slow
def test_a_scheduler_that_is_lost_in_a_training_ends_the_build_and_nothing_else(building, cluster, tmp_path):
    cluster.add_workers(1)
    process = building(cluster.address)
    kept = entries(tmp_path / "cache")
    cluster.scheduler.kill()
    _, stderr = process.communicate(timeout=40)
    assert "ClusterError: the cluster was lost" in stderr and "same command goes on" in stderr
    assert entries(tmp_path / "cache") == kept > 0
    assert list((tmp_path / "cache" / "scratch").iterdir()) == []


def is_at_work(child: psutil.Process) -> bool:
    """Whether a process computes; a warm one that has nothing to do may stay."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return child.cpu_percent(interval=0.3) > 20
    return False
