"""The jobs of the child: each takes a JSON job, opens the data set on disk, and answers with a value.

Figures come back as JSON; outputs stay on disk as `.npy`. A model that a runtime refuses is answered as
`{"refused": reason}`.
"""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import Any

from edgekit.errors import ProjectError
from edgekit.ingest.dataset import Dataset
from edgekit.jobs.child import Handler
from edgekit.machine.host import usable_cores
from edgekit.measure.runtimes.interface import Port, Refused, Session
from edgekit.measure.runtimes.registry import runtime
from edgekit.measure.runtimes.resampled import keep_beside, kept
from edgekit.measure.runtimes.samples import Samples, arrays_of, feeding, order
from edgekit.progress import Progress
from edgekit.values import read, to_builtins
from edgekit.verdict.metric_spec import MetricSpec

Job = dict[str, Any]
REPEATED_BELOW_S = 1.0


def load(job: Job, progress: Progress) -> Any:
    """Open a model and run it on zeros: its inputs and outputs, the runtime that ran it, and the seconds of an inference.

    The second inference is timed, since the first also allocates; but if the first took too long, it is not repeated.
    """
    import numpy as np

    found = runtime(job["runtime"])
    session = found.open(Path(job["model"]))
    if isinstance(session, Refused):
        return _answer(session)
    zeros = [np.zeros(port.shape, port.dtype) for port in session.inputs]
    refused = _tried(session, zeros)
    if refused is not None:
        return _answer(refused)
    seconds = _seconds_of(session, zeros)
    if seconds < REPEATED_BELOW_S:
        seconds = _seconds_of(session, zeros)
    return {
        "runtime": found.describe(),
        "seconds": seconds,
        "inputs": to_builtins(session.inputs),
        "outputs": to_builtins(session.outputs),
    }


def predict(job: Job, progress: Progress) -> Any:
    """Outputs of a whole split, as `.npy` files."""
    from edgekit.measure.runtimes.predict import predict as run

    found, model = runtime(job["runtime"]), Path(job["model"])
    session = found.open(model)
    if isinstance(session, Refused):
        return _answer(session)
    return _answer(
        run(
            found,
            model,
            _samples(job, session.inputs),
            Path(job["out"]),
            cores=job.get("cores") or usable_cores(),
            output_order=order(session.outputs, job.get("output_order"), side="output"),
            progress=progress,
        )
    )


def memory(job: Job, progress: Progress) -> Any:
    """What the model adds to this process; only correct as the first job of a child."""
    from edgekit.measure.runtimes.memory import added

    return _answer(added(runtime(job["runtime"]), Path(job["model"]), threads=job["threads"]))


def latency(job: Job, progress: Progress) -> Any:
    """Milliseconds of one inference on this machine."""
    from edgekit.measure.runtimes.latency import latency as time_it

    return _answer(time_it(runtime(job["runtime"]), Path(job["model"]), threads=job["threads"], progress=progress))


def micro(job: Job, progress: Progress) -> Any:
    """The arena on a microcontroller's interpreter, and (unless `alone`) its outputs for some samples compared with LiteRT's."""
    from edgekit.measure.runtimes.micro import confirm

    model, expanded = Path(job["own"]), Path(job["model"])
    session = runtime("tflite_micro" if job.get("alone") else "litert").open(expanded)
    if isinstance(session, Refused):
        return _answer(session)
    samples = _samples(job, session.inputs) if job.get("dataset") else None
    if job.get("alone"):
        return _answer(confirm(model, None, samples))
    return _answer(confirm(model, session, samples, None if model == expanded else expanded))


def vectors(job: Job, progress: Progress) -> Any:
    """Samples and the outputs of a microcontroller's interpreter for them, to test a firmware with."""
    from edgekit.measure.runtimes.vectors import take

    model = Path(job["own"])
    session = runtime("litert").open(Path(job["model"]))
    if isinstance(session, Refused):
        session = runtime("tflite_micro").open(model)
    if isinstance(session, Refused):
        return _answer(session)
    return _answer(take(model, session, _samples(job, session.inputs), Path(job["out"])))


def score(job: Job, progress: Progress) -> Any:
    """The user's own metric, whose code runs here and never in the parent: a score, and the drop from a baseline.

    The metric on the resamples is kept beside the outputs, so that a drop does not compute it once more for the baseline of every candidate.
    """
    from edgekit.project import userfunction
    from edgekit.verdict.drop import paired_drop
    from edgekit.verdict.metrics import score as score_of

    spec = read(job["metric"], MetricSpec, where="the job")
    function = userfunction.load(spec.name, root=Path(job["root"]), error=ProjectError)
    data = Dataset.open(Path(job["dataset"]))
    rows = data.rows(job["split"])
    targets = [array[rows] for array in data.targets(job["split"])]
    outputs, limit = arrays_of(job["scores"]), job.get("bootstrap_s")
    if job.get("baseline"):
        baseline, known = arrays_of(job["baseline"]), (kept(job["baseline"]), kept(job["scores"]))
        return to_builtins(paired_drop(spec, targets, baseline, outputs, function, time_limit_s=limit, known=known))
    keep = partial(keep_beside, job["scores"])
    return to_builtins(score_of(spec, targets, outputs, function, time_limit_s=limit, keep=keep))


def throughput(job: Job, progress: Progress) -> Any:
    """Images per second of the evaluation and of a one-image loop, measured in pairs."""
    from edgekit.measure.runtimes.throughput import throughput as compare

    found, model = runtime(job["runtime"]), Path(job["model"])
    session = found.open(model)
    if isinstance(session, Refused):
        return _answer(session)
    samples = _samples(job, session.inputs) if job.get("dataset") else _random(session.inputs)
    options = {name: job[name] for name in ("count", "pairs") if name in job}
    return _answer(compare(found, model, samples, cores=job.get("cores") or usable_cores(), **options))


def compile_for_npu(job: Job, progress: Progress) -> Any:
    """Compile a file with Vela; the compiled file is in the job's folder."""
    from edgekit.measure.runtimes.vela import compile_file

    return _answer(compile_file(Path(job["model"]), Path(job["out"]), **job["options"]))


def same(job: Job, progress: Progress) -> Any:
    """Whether two files answer alike on a runtime."""
    from edgekit.measure.runtimes.same import compare
    from edgekit.measure.runtimes.variants import variant

    inputs, seconds, files = job["inputs"], job["seconds"], (Path(job["before"]), Path(job["after"]))
    return _answer(compare(variant(job["runtime"]), *files, inputs=inputs, time_limit_s=seconds, progress=progress))


def probe(job: Job, progress: Progress) -> Any:
    """Whether a runtime works at all, tested with a model whose output is known."""
    from edgekit.measure.runtimes.probe import probe as run

    return run(job, progress)


HANDLERS: dict[str, Handler] = {
    "load": load,
    "predict": predict,
    "memory": memory,
    "latency": latency,
    "micro": micro,
    "vectors": vectors,
    "score": score,
    "compile": compile_for_npu,
    "probe": probe,
    "throughput": throughput,
    "same": same,
}


def _tried(session: Session, arrays: list[Any]) -> Refused | None:
    """Run a session for the first time: one that loads may still fail to run."""
    tried = getattr(session, "tried", None)
    if tried is not None:
        refused: Refused | None = tried(arrays)
        return refused
    try:
        session.run(arrays)
    except (RuntimeError, ValueError) as problem:
        return Refused(reason=" ".join(str(problem).split())[:500])
    return None


def _seconds_of(session: Session, arrays: list[Any]) -> float:
    began = time.perf_counter()
    session.run(arrays)
    return time.perf_counter() - began


def _samples(job: Job, ports: tuple[Port, ...]) -> Samples:
    """A split's samples in the order of the model's inputs; `limit` takes at most that many, spread over the split."""
    import numpy as np

    data = Dataset.open(Path(job["dataset"]))
    rows = data.rows(job["split"])
    if job.get("limit"):
        rows = rows[np.unique(np.linspace(0, len(rows) - 1, min(job["limit"], len(rows))).astype(int))]
    arrays = data.inputs(job["split"])
    sources = feeding(arrays, ports, job.get("input_order"))
    return Samples([arrays[source] for source in sources], rows, ports)


def _random(ports: tuple[Port, ...]) -> Samples:
    """Random real values, for a benchmark without data."""
    import numpy as np

    generator = np.random.default_rng(0)
    arrays = [generator.random((256, *port.shape[1:]), dtype=np.float32) for port in ports]
    return Samples(arrays, np.arange(256), ports)


def _answer(value: Any) -> Any:
    return {"refused": value.reason} if isinstance(value, Refused) else to_builtins(value)
