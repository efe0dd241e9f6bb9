"""The outputs of a model for many samples, as fast as this machine can compute them and equal to those of single samples.

A model that can be resized runs in batches; one that cannot (an LSTM whose state is made for batch 1) runs one
interpreter a core, in threads, since `invoke` releases Python's lock. This is verified: the first samples are run
one at a time, and a faster way is used only if its outputs for them are bit-identical (for float outputs, close). Of
the bit-identical ways, the fastest is found by running some of the samples with each, so the choice can change the time
and never the result.

Two ways are compared: a batched single-threaded interpreter on each core, and one batched interpreter with a thread a
core. The first never waits for other threads at the end of an operator, and also uses all cores for kernels without
threads; the second shares one copy of the weights, which matters if they are large. docs/benchmarks.md has the figures.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgekit.measure.runtimes.interface import Refused, Runtime, Session
from edgekit.measure.runtimes.samples import Samples, to_float
from edgekit.progress import Progress
from edgekit.values import Value

if TYPE_CHECKING:
    import numpy as np

# Elements in a batch: enough to hide the cost of a call, and small enough for the processor's caches. This makes 16
# images of 32 x 32 x 3, four of 224 x 224 x 3.
BATCH_ELEMENTS = 2**16
SMALLEST_BATCH, LARGEST_BATCH = 4, 32
ONE_AT_A_TIME = 64
MOST_SESSIONS = 8
RACE_SHARE = 20
CLOSE = {"rtol": 1e-3, "atol": 1e-4}


class Way(Value):
    """One way to run: how many interpreters, with how many threads each, at which batch."""

    sessions: int
    threads: int
    batch: int

    def __str__(self) -> str:
        many = "1 interpreter" if self.sessions == 1 else f"{self.sessions} interpreters"
        return f"{many} of {self.threads} thread{'s' if self.threads > 1 else ''} at batch {self.batch}"


class Prediction(Value):
    """Where the outputs are (`.npy`, float32, one an output, in the requested order) and how they were made."""

    paths: tuple[str, ...]
    samples: int
    how: str
    seconds: float
    images_per_second: float


class Engine:
    """Sessions whose outputs were compared with single samples, ready to run any range of the samples."""

    def __init__(self, way: Way, sessions: Sequence[Session], exact: bool) -> None:
        self.way = way
        self.exact = exact
        self._sessions = tuple(sessions)

    def run(
        self, samples: Samples, outputs: Sequence[np.ndarray], start: int, stop: int, tick: Callable[[int], None]
    ) -> None:
        """Fill rows `start` to `stop` of the outputs; `tick` gets the number of rows that each block added.

        Threads take blocks in turn and borrow a session for each: while one interpreter works, the next block is
        being prepared, and the previous one dequantized.
        """
        chunk = self.way.batch if self.way.batch > 1 else ONE_AT_A_TIME
        blocks = iter(range(start, stop, chunk))
        idle: queue.SimpleQueue[Session] = queue.SimpleQueue()
        for session in self._sessions:
            idle.put(session)
        lock = threading.Lock()
        problems: list[BaseException] = []

        def work() -> None:
            try:
                while not problems:
                    with lock:
                        first = next(blocks, None)
                    if first is None:
                        return
                    last = min(first + chunk, stop)
                    self._block(idle, samples, outputs, first, last)
                    with lock:
                        tick(last - first)
            except BaseException as problem:
                problems.append(problem)

        workers = [threading.Thread(target=work) for _ in range(max(2, len(self._sessions)))]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        if problems:
            raise problems[0]

    def _block(
        self, idle: queue.SimpleQueue[Session], samples: Samples, outputs: Sequence[np.ndarray], first: int, last: int
    ) -> None:
        batch = self.way.batch
        # The last block also repeats earlier samples if too few are left: the shape of a session is fixed.
        begin = max(0, last - batch) if last - first < batch else first
        arrays = samples.block(begin, last)
        session = idle.get()
        try:
            made = [session.run([array[at : at + batch] for array in arrays]) for at in range(0, last - begin, batch)]
        finally:
            idle.put(session)
        for index, port in enumerate(session.outputs):
            joined = made[0][index] if len(made) == 1 else _join([part[index] for part in made])
            outputs[index][first:last] = to_float(joined[first - begin :], port)


def _join(parts: list[np.ndarray]) -> np.ndarray:
    import numpy as np

    return np.concatenate(parts)


def one_at_a_time(session: Session, samples: Samples, start: int, stop: int) -> list[np.ndarray]:
    """Outputs of a range of samples (as the model gives them), one inference each; every faster way must equal these."""
    made = [session.run(samples.block(index, index + 1)) for index in range(start, stop)]
    return [_join([outputs[index] for outputs in made]) for index in range(len(session.outputs))]


def batch_of(samples: Samples) -> int:
    """The batch for these samples: a power of two that depends on a sample's size, and at most the number of samples."""
    elements = max(1, sum(_size(shape) for shape in samples.shapes(1)))
    batch = LARGEST_BATCH
    while batch > SMALLEST_BATCH and batch * elements > BATCH_ELEMENTS:
        batch //= 2
    return min(batch, max(1, len(samples)))


def ways(batch: int, cores: int) -> tuple[Way, ...]:
    """The ways to run at a batch, the preferred one first."""
    several = Way(sessions=min(cores, MOST_SESSIONS), threads=1, batch=batch)
    one = Way(sessions=1, threads=cores, batch=batch)
    return tuple(dict.fromkeys((several, one)))


def _size(shape: Sequence[int]) -> int:
    size = 1
    for length in shape:
        size *= max(1, length)
    return size


def engines(
    runtime: Runtime, model: Path, samples: Samples, cores: int, reference: Sequence[np.ndarray]
) -> tuple[Engine, ...]:
    """Every way that reproduces the reference (raw outputs of the first samples), the preferred one first.

    If none is bit-identical, only the preferred one of those that are close: otherwise their speed would decide the result.
    """
    for batch in dict.fromkeys((batch_of(samples), 1)):
        tried = [_engine(runtime, model, samples, way, reference) for way in ways(batch, cores)]
        found = tuple(engine for engine in tried if engine is not None)
        if found:
            return tuple(engine for engine in found if engine.exact) or found[:1]
    return ()


def _engine(
    runtime: Runtime, model: Path, samples: Samples, way: Way, reference: Sequence[np.ndarray]
) -> Engine | None:
    sessions = []
    for _ in range(way.sessions):
        session = runtime.open(model, shapes=samples.shapes(way.batch), threads=way.threads)
        if isinstance(session, Refused):
            return None
        sessions.append(session)
    verdicts = [_same(session, samples, way.batch, reference) for session in sessions]
    if None in verdicts or any(
        tuple(port.shape) != (way.batch, *known.shape[1:])
        for port, known in zip(sessions[0].outputs, reference, strict=True)
    ):
        return None
    return Engine(way, sessions, exact=all(verdicts))


def _same(session: Session, samples: Samples, batch: int, reference: Sequence[np.ndarray]) -> bool | None:
    """True if the outputs of the first samples are bit-identical, False if floats are close, None if they differ."""
    import numpy as np

    count = len(reference[0]) if reference else 0
    exact = True
    for start in range(0, max(count - batch + 1, 0), batch):
        try:
            made = session.run(samples.block(start, start + batch))
        except (RuntimeError, ValueError):
            return None
        for known, array in zip(reference, made, strict=True):
            wanted = known[start : start + batch]
            if array.shape != wanted.shape:
                return None
            if not np.array_equal(array, wanted, equal_nan=array.dtype.kind == "f"):
                exact = False
                if array.dtype.kind != "f" or not np.allclose(array, wanted, **CLOSE, equal_nan=True):
                    return None
    return exact


def first_outputs(runtime: Runtime, model: Path, samples: Samples) -> list[np.ndarray] | Refused:
    """Raw outputs of the first samples, one at a time, from a single-threaded session: as many samples as two batches."""
    session = runtime.open(model, shapes=samples.shapes(1), threads=1)
    if isinstance(session, Refused):
        return session
    return one_at_a_time(session, samples, 0, min(len(samples), 2 * batch_of(samples)))


def predict(
    runtime: Runtime,
    model: Path,
    samples: Samples,
    out: Path,
    *,
    cores: int,
    output_order: Sequence[int] | None = None,
    progress: Progress,
) -> Prediction | Refused:
    """Run every sample and write `out`-0.npy, `out`-1.npy, ...: float32, one row a sample, outputs in `output_order`.

    For a model with integer outputs the rows are bit-identical to those of a one-image loop.
    """
    reference = first_outputs(runtime, model, samples)
    if isinstance(reference, Refused):
        return reference
    found = engines(runtime, model, samples, cores, reference)
    if not found:
        return Refused(reason="its outputs change from run to run")
    positions = tuple(output_order) if output_order is not None else tuple(range(len(reference)))
    paths = [out.with_name(f"{out.name}-{place}.npy") for place in range(len(positions))]
    arrays = _open_outputs(paths, positions, reference, len(samples))
    started = time.perf_counter()
    engine = _run_all(found, samples, arrays, progress)
    seconds = time.perf_counter() - started
    for array in arrays:
        array.flush()
    return Prediction(
        paths=tuple(str(path) for path in paths),
        samples=len(samples),
        how=str(engine.way),
        seconds=seconds,
        images_per_second=len(samples) / seconds if seconds > 0 else 0.0,
    )


def _open_outputs(paths: Sequence[Path], positions: Sequence[int], reference: Sequence[Any], count: int) -> list[Any]:
    """Files for the outputs, listed in the model's order; their names are numbered in the requested order."""
    import numpy as np

    made: dict[int, Any] = {}
    for path, position in zip(paths, positions, strict=True):
        shape = (count, *reference[position].shape[1:])
        made[position] = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=shape)
    return [made[position] for position in range(len(reference))]


def _run_all(found: Sequence[Engine], samples: Samples, outputs: Sequence[np.ndarray], progress: Progress) -> Engine:
    """Run all samples; if there are several ways, each runs some of the first samples, and the fastest runs the rest."""
    total = len(samples)
    done = 0

    def tick(rows: int) -> None:
        nonlocal done
        done += rows
        progress("evaluating", min(done, total), total)

    start = 0
    best, best_rate = found[0], 0.0
    stretch = _stretch(found, total)
    if stretch:
        for engine in found:
            began = time.perf_counter()
            engine.run(samples, outputs, start, start + stretch, tick)
            rate = stretch / (time.perf_counter() - began)
            start += stretch
            if rate > best_rate:
                best, best_rate = engine, rate
    best.run(samples, outputs, start, total, tick)
    return best


def _stretch(found: Sequence[Engine], total: int) -> int:
    """How many samples each way runs for the comparison; 0 if there is only one way, or too few samples to compare."""
    if len(found) < 2:
        return 0
    largest = max(engine.way.batch * max(2, engine.way.sessions) for engine in found)
    stretch = max(total // RACE_SHARE // largest * largest, 2 * largest)
    return stretch if stretch * len(found) <= total // 2 else 0
