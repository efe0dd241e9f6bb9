"""The arena of a model on the tflite_micro interpreter, and a sample of its outputs against LiteRT's.

LiteRT's int8 kernels on this machine are XNNPACK's, a board's are the reference kernels: both follow the same
arithmetic and may differ by a step of the output's scale where a rounding falls the other way. Accuracy is taken
on LiteRT, a hundred times faster; this is the evidence that it holds for the board.
"""

from __future__ import annotations

from pathlib import Path

from edgekit.runtimes.interface import Refused, Session
from edgekit.runtimes.samples import Samples, random_inputs
from edgekit.runtimes.tflite_micro import MicroSession, TfliteMicro
from edgekit.values import Value

WITHOUT_DATA = 8


class Micro(Value):
    """What the microcontroller's interpreter said.

    `largest_steps` is the largest difference from LiteRT's outputs, in steps of the output's scale (in the output's
    own unit where it has no scale), over `samples` samples; `equal` the share of outputs that are equal, and `same`
    the share of samples whose largest output is the same one (1 where there is only one).
    """

    runtime: str
    arena_bytes: int | None
    head_bytes: int | None
    tail_bytes: int | None
    samples: int
    largest_steps: float
    equal: float
    same: float


def confirm(model: Path, reference: Session, samples: Samples | None) -> Micro | Refused:
    """Run samples (random ones without data) on both interpreters and read the arena after."""
    import numpy as np

    micro = TfliteMicro()
    session = micro.open(model)
    if isinstance(session, Refused):
        return session
    assert isinstance(session, MicroSession)
    if samples is None:
        blocks = [random_inputs(reference.inputs, seed) for seed in range(WITHOUT_DATA)]
    else:
        blocks = [samples.block(index, index + 1) for index in range(len(samples))]
    steps, equal, same = [0.0], [], []
    for block in blocks:
        for here, there in zip(reference.run(block), session.run(block), strict=True):
            gap = np.abs(here.astype(np.float64) - there.astype(np.float64))
            steps.append(float(gap.max()) if gap.size else 0.0)
            equal.append(float((gap == 0).mean()) if gap.size else 1.0)
            same.append(float(np.argmax(here) == np.argmax(there)))
    arena = session.arena()
    return Micro(
        runtime=micro.describe(),
        arena_bytes=arena.total_bytes if arena else None,
        head_bytes=arena.head_bytes if arena else None,
        tail_bytes=arena.tail_bytes if arena else None,
        samples=len(blocks),
        largest_steps=max(steps) if all(np.isfinite(steps)) else float(np.finfo(np.float64).max),
        equal=sum(equal) / max(1, len(equal)),
        same=sum(same) / max(1, len(same)),
    )
