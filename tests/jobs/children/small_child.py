"""A real child process with jobs that do what jobs do at their worst."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time

from edgekit.errors import DataError
from edgekit.jobs.child import serve


def count(job, progress):
    for done in range(1, job["total"] + 1):
        progress("counting", done, job["total"])
    return {"counted": job["total"], "process": os.getpid()}


def wrong_input(job, progress):
    raise DataError("wrong", where="x_train", received=(3, 4), allowed="(8, 8)", next_step="turn it")


def unexpected(job, progress):
    print("the job says this")
    raise ValueError("nobody expects it")


def disk_full(job, progress):
    raise OSError(errno.ENOSPC, "No space left on device", "/somewhere/x.npy")


def crash(job, progress):
    print("the last words", flush=True)
    os.abort()


def shout(job, progress):
    """Print without an end in sight, and die."""
    print("the first words", flush=True)
    for _ in range(job["times"]):
        print("x" * 1000)
    print("the last words", flush=True)
    os.abort()


def ask(job, progress):
    return input("a number? ")


def die_in_real_time(job, progress):
    os.kill(os.getpid(), signal.SIGRTMIN + 1)


def leave(job, progress):
    os._exit(7)


def fill_memory(job, progress):
    return len(bytearray(job["bytes"]))


def hang(job, progress):
    progress("hanging", 0, 1)
    time.sleep(600)


def talk(job, progress):
    """Say something so many times, and then hang."""
    for _ in range(job["times"]):
        progress("talking", 1, 1)
    time.sleep(600)


def start_another(job, progress):
    """Start a process of its own and say who they are; then hang, or hold the interpreter's lock for ever."""
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    progress(f"{os.getpid()} {other.pid}", 1, 1)
    if job["how"] == "hold the lock":
        import ctypes

        ctypes.PyDLL(None).sleep(600)
    time.sleep(600)


def fork_and_crash(job, progress):
    """Die, and leave a fork behind that holds every pipe open."""
    if os.fork() == 0:
        time.sleep(600)
    os.kill(os.getpid(), signal.SIGSEGV)


def fork_and_return(job, progress):
    """Come back twice: the parent's answer is told by its process."""
    os.fork()
    return os.getpid()


HANDLERS = (
    count, wrong_input, unexpected, disk_full, crash, shout, ask, die_in_real_time, leave, fill_memory, hang, talk, start_another, fork_and_crash, fork_and_return,
)  # fmt: skip

if __name__ == "__main__":
    serve(lambda: {handler.__name__: handler for handler in HANDLERS})
