"""Two files on one runtime, input by input: whether every output is equal to the bit, and the delegate takes the same.

The inputs are random over the whole range of their types, real numbers also beyond it, the same ones for both files; each
begins from a fresh state. A model is also called by its further signatures, but for those that take text, which may be
the name of a file that is written.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgekit.documents.diet import RuntimeProof
from edgekit.measure.runtimes.interface import Port, Refused, Runtime, Session
from edgekit.measure.runtimes.nodes import delegated, nodes_of
from edgekit.progress import Progress

if TYPE_CHECKING:
    import numpy as np

_ERRORS = (RuntimeError, ValueError)


def compare(
    runtime: Runtime, before: Path, after: Path, *, inputs: int, time_limit_s: float, progress: Progress
) -> RuntimeProof:
    """Run both files on random inputs until they differ, all are run or the time is up.

    A file that the runtime refuses before is `not run`; one that it refuses only afterwards is `different`.
    """
    title = runtime.describe()
    first = runtime.open(before)
    if isinstance(first, Refused):
        return RuntimeProof(runtime=title, outcome="not run", asked=inputs, reason=first.reason)
    second = runtime.open(after)
    if isinstance(second, Refused):
        reason = f"it refuses the file afterwards: {second.reason}"
        return RuntimeProof(runtime=title, outcome="different", asked=inputs, reason=reason)
    nodes, nodes_after = nodes_of(first), nodes_of(second)
    reason, ran = _ends(first, second) or ("its nodes are others" if nodes != nodes_after else ""), 0
    deadline = time.monotonic() + time_limit_s
    while not reason and ran < inputs and (not ran or time.monotonic() < deadline):
        said = _run(first, second, ran)
        if said == _REFUSED_BY_BOTH and not ran:
            return RuntimeProof(runtime=title, outcome="not run", asked=inputs, reason="it runs on no random input")
        reason, ran = "" if said == _REFUSED_BY_BOTH else said, ran + 1
        progress(f"comparing on {title}", ran, inputs)
    reason = reason or _signatures(first, second, min(inputs, ran), deadline)
    operators, taken = (None, None) if nodes is None else delegated(nodes)
    arenas = [getattr(session, "arena", lambda: None)() for session in (first, second)]
    return RuntimeProof(
        runtime=title,
        outcome="different" if reason else "same",
        inputs=ran,
        asked=inputs,
        reason=reason or None,
        operators=operators,
        delegated=taken,
        arena_before=None if arenas[0] is None else arenas[0].total_bytes,
        arena_after=None if arenas[1] is None else arenas[1].total_bytes,
    )


_REFUSED_BY_BOTH = "refused by both"


def _ends(first: Session, second: Session) -> str:
    """How the inputs and outputs differ, names and quantization too; empty where they are the same."""
    for side, mine, theirs in (("inputs", first.inputs, second.inputs), ("outputs", first.outputs, second.outputs)):
        if mine != theirs:
            return f"the {side} are others: {mine} and {theirs}"[:500]
    return ""


def _run(first: Session, second: Session, seed: int) -> str:
    """How the outputs for one input differ; empty where they are equal to the bit."""
    arrays = random_arrays(first.inputs, seed)
    outputs, problem = _outputs(first, arrays)
    outputs_after, problem_after = _outputs(second, arrays)
    if problem or problem_after:
        return _REFUSED_BY_BOTH if problem == problem_after else f"input {seed} ends with an error in one of the two"
    return _difference(outputs, outputs_after, f"input {seed}")


def _outputs(session: Session, arrays: Sequence[np.ndarray]) -> tuple[list[np.ndarray], str]:
    try:
        return session.run(arrays), ""
    except _ERRORS as problem:
        return [], str(problem)


def _difference(before: Sequence[np.ndarray], after: Sequence[np.ndarray], what: str) -> str:
    if len(before) != len(after):
        return f"{what}: {len(before)} outputs and {len(after)}"
    for place, (mine, theirs) in enumerate(zip(before, after, strict=True)):
        if mine.dtype != theirs.dtype or mine.shape != theirs.shape:
            return f"{what}, output {place}: {mine.dtype} {mine.shape} and {theirs.dtype} {theirs.shape}"
        if not _equal(mine, theirs):
            return f"{what}, output {place}: the values differ"
    return ""


def _equal(mine: np.ndarray, theirs: np.ndarray) -> bool:
    """Bit by bit, so that one NaN is equal to itself and 0.0 is not -0.0; texts by their letters."""
    if mine.dtype.hasobject:
        return bool(mine.tolist() == theirs.tolist())
    return mine.tobytes() == theirs.tobytes()


def random_arrays(ports: Sequence[Port], seed: int) -> list[np.ndarray]:
    """One inference's inputs: every third time real numbers from 0 to 1, else some beyond; token numbers 0 and 1."""
    import numpy as np

    generator, made = np.random.default_rng(seed), []
    for port in ports:
        dtype = np.dtype(port.dtype)
        if dtype.kind == "f":
            values = generator.random(port.shape) if seed % 3 == 0 else 3 * generator.standard_normal(port.shape)
            made.append(values.astype(dtype))
        elif dtype.kind in "iu" and port.scale is not None:
            low, high = np.iinfo(dtype.name).min, np.iinfo(dtype.name).max
            made.append(generator.integers(low, high, port.shape, dtype=dtype.name, endpoint=True))
        elif dtype.kind in "iub":
            made.append(generator.integers(0, 2, port.shape).astype(dtype))
        elif dtype.kind == "c":
            made.append((generator.standard_normal(port.shape) + 1j).astype(dtype))
        else:
            made.append(np.full(port.shape, f"edgekit {seed}".encode(), dtype=object))
    return made


def _signatures(first: Session, second: Session, inputs: int, deadline: float) -> str:
    """How the further signatures differ; empty where they are equal, or the runtime has none."""
    before, after = _runners(first), _runners(second)
    if set(before) != set(after):
        return f"the signatures are others: {sorted(before)} and {sorted(after)}"[:500]
    for key in sorted(before):
        ports = _signature_ports(before[key])
        if ports is None:
            continue
        for seed in range(inputs):
            if time.monotonic() > deadline:
                return ""
            arrays = dict(zip((port.name for port in ports), random_arrays(ports, seed), strict=True))
            said = _call(before[key], after[key], arrays, f"signature {key!r}, input {seed}")
            if said:
                return said
    return ""


def _call(before: Any, after: Any, arrays: dict[str, np.ndarray], what: str) -> str:
    answers: list[dict[str, np.ndarray] | str] = []
    for runner in (before, after):
        try:
            answers.append(runner(**arrays))
        except _ERRORS as problem:
            answers.append(str(problem))
    mine, theirs = answers
    if isinstance(mine, str) or isinstance(theirs, str):
        return (
            "" if isinstance(mine, str) and isinstance(theirs, str) else f"{what} ends with an error in one of the two"
        )
    if list(mine) != list(theirs):
        return f"{what}: the outputs have other names"
    return _difference(list(mine.values()), list(theirs.values()), what)


def _runners(session: Session) -> dict[str, Any]:
    interpreter: Any = getattr(session, "_interpreter", None)
    if not hasattr(interpreter, "get_signature_list"):
        return {}
    keys = list(interpreter.get_signature_list())
    return {str(key): interpreter.get_signature_runner(key) for key in keys} if len(keys) > 1 else {}


def _signature_ports(runner: Any) -> tuple[Port, ...] | None:
    """The inputs of a signature by name; None where one is a text."""
    import numpy as np

    ports = []
    for name, detail in runner.get_input_details().items():
        dtype = np.dtype(detail["dtype"])
        if dtype.kind not in "fiubc":
            return None
        scale = float(detail["quantization"][0])
        shape = tuple(int(size) for size in detail["shape"])
        ports.append(Port(index=0, name=str(name), shape=shape, dtype=dtype.name, scale=scale or None))
    return tuple(ports)
