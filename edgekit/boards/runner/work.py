"""The jobs of the runner's children: the facts of the device, the runs, the memory.

Each imports the runtime in its own process; its result is JSON.
"""

from __future__ import annotations

from typing import Any, Callable, Sequence

from . import inputs, memory, operators, outputs, system, timing
from .arguments import Options
from .child import Emit
from .interpreter import Runtime, Session, find
from .problem import Problem, one_line
from .sustained import sustained

MOST_PERCENT = 2.0  # from three times as long on, a factor is clearer than a percentage


def facts(asked: str | None, skip: Sequence[str]) -> Callable[[Emit], dict[str, Any]]:
    """The job that reports the device's facts; a missing numpy or runtime is part of the result."""

    def job(emit: Emit) -> dict[str, Any]:
        found: dict[str, Any] = {"numpy": None, "runtime": None, "runtime_version": None, "notes": []}
        try:
            found["numpy"] = _numpy()
            runtime = find(asked, skip, lambda name: emit({"importing": name}))
            found.update(runtime=runtime.name, runtime_version=runtime.version, notes=runtime.notes)
        except Problem as problem:
            found["notes"] = [problem.what]
        return {**system.fixed(), **found, "before": system.changing(), "after": None}

    return job


def runs(options: Options, skip: Sequence[str]) -> Callable[[Emit], dict[str, Any]]:
    """The job that loads the model, runs it once for its outputs, and times it."""

    def job(emit: Emit) -> dict[str, Any]:
        numpy = _numpy()
        runtime = find(options.runtime, skip, lambda name: emit({"importing": name}))
        fixed = system.fixed()
        session, arrays = _opened(runtime, options)
        session.feed(arrays)
        before = system.changing()
        first_ms = _once_ms(session)
        found, delegate = operators.described(session, options.delegate)
        answer: dict[str, Any] = {
            "inputs": inputs.described(session.inputs, arrays, options.input, options.seed),
            "outputs": outputs.described(session.results(), options.outputs),
            "operators": found,
            "delegate": delegate,
            "notes": list(runtime.notes),
            "latency": None, "load_ms": None, "first_ms": None, "sustained": None,
        }  # fmt: skip
        if not options.no_timing:
            answer.update(load_ms=session.load_ms, first_ms=first_ms)
            _time(session, options, emit, answer)
        answer["environment"] = {
            **fixed,
            "numpy": numpy,
            "runtime": runtime.name,
            "runtime_version": runtime.version,
            "threads": options.threads,
            "before": before,
            "after": system.changing(),
        }
        return answer

    return job


def memory_of(options: Options, runtime_name: str) -> Callable[[Emit], dict[str, Any] | None]:
    """The job that measures memory, on the runtime that ran."""

    def job(emit: Emit) -> dict[str, Any] | None:
        runtime = find(runtime_name, (), lambda name: None)
        inputs.random((), options.seed)  # imports numpy's generators: 1 MB that must not count for the model

        def open_and_run() -> Any:
            session, arrays = _opened(runtime, options)
            session.feed(arrays)
            session.invoke()
            return session, session.results()

        return memory.measured(open_and_run)

    return job


def _opened(runtime: Runtime, options: Options) -> Any:
    session = Session(runtime, options.model, options.threads, options.delegate)
    arrays = inputs.arrays(session.inputs, options.input, options.seed)
    session.prepare([array.shape for array in arrays])
    return session, arrays


def _once_ms(session: Session) -> float:
    def never(share: float) -> None:
        return None

    sample, _ = timing.timed(session.invoke, runs=1, seconds=0, longest=0, tick=never)
    return sample.kept[0] / 1e6


def _time(session: Session, options: Options, emit: Emit, answer: dict[str, Any]) -> None:
    invoke = session.interpreter.invoke
    warm = timing.warm_up(invoke, longest=options.longest, tick=_ticker(emit, "warm-up", 1.0))
    sample, spent = timing.timed(
        invoke,
        runs=options.runs,
        seconds=options.seconds,
        longest=options.longest,
        tick=_ticker(emit, "timing", options.runs),
    )
    answer["latency"] = timing.summary(sample, spent, warm)
    answer["notes"] += timing_notes(answer["latency"], timing.drift(sample.kept), warm[0], options)
    if options.sustained is not None:
        tick = _ticker(emit, "sustained", options.sustained * 60)
        answer["sustained"] = sustained(invoke, options.sustained, system.temperature, tick)


def timing_notes(latency: dict[str, Any], drifted: float, settled: bool, options: Options) -> list[str]:
    """Notes in words: why the runs were not steady, and what was left out."""
    notes = []
    if not settled:
        text = "not steady: after {} runs of warm-up the time of one still changed by more than {:.0%}"
        notes.append(text.format(latency["warm_up_runs"], timing.STEADY_SHARE))
    if abs(drifted) > timing.STEADY_SHARE:
        text = "not steady: the last third of the timed runs was {:.0%} {} than the first"
        if drifted >= MOST_PERCENT:
            text, drifted = (
                "not steady: the last third of the timed runs took {:.3g} times as long as the first",
                drifted + 1,
            )
        notes.append(text.format(abs(drifted), "slower" if drifted > 0 else "faster"))
    if latency["runs"] < options.runs:
        text = "{} of {} runs: the limit of {:g} seconds was reached"
        notes.append(text.format(latency["runs"], options.runs, options.longest))
    if latency["runs_ms_every"] > 1:
        notes.append("runs_ms holds one in {} of {} runs".format(latency["runs_ms_every"], latency["runs"]))
    return notes


def _ticker(emit: Emit, phase: str, total: float) -> timing.Tick:
    return lambda share: emit({"event": "progress", "phase": phase, "done": round(share * total, 3), "total": total})


def _numpy() -> str:
    try:
        import numpy
    except Exception as problem:  # a broken installation raises anything
        what = "numpy does not import here: " + one_line(problem)
        raise Problem("missing", what, "pip install numpy (below 2 for tflite-runtime)") from None
    return str(numpy.__version__)
