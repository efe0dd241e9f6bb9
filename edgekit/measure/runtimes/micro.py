"""The arena of a model on the tflite_micro interpreter, and its outputs for some samples compared with LiteRT's.

LiteRT's int8 kernels on this machine are XNNPACK's, a board's are the reference kernels: both follow the same
arithmetic and may differ by a step of the output's scale when a value is rounded differently. Accuracy is measured
with LiteRT, which is a hundred times faster; this comparison is the evidence that it also holds for the board.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from edgekit.measure.runtimes.interface import Port, Refused, Session
from edgekit.measure.runtimes.predict import CLOSE
from edgekit.measure.runtimes.samples import Samples, random_inputs, to_float
from edgekit.measure.runtimes.tflite_micro import Arena, MicroSession, TfliteMicro
from edgekit.values import Value
from edgekit.verdict.agreement import agreement

if TYPE_CHECKING:
    import numpy as np

WITHOUT_DATA = 8
ROUNDING_STEPS = 16
WILD_SHARE = 0.25


class Difference(Value):
    """How one output differs from LiteRT's over some samples.

    `largest_steps` is the largest difference in steps of the output's scale, of which its dtype has `range_steps`; for an
    output without a scale, `range_steps` is 0 and the difference is in the output's own unit. `equal` is the share of
    elements that are equal, `same` the share of samples whose largest element is the same one (1 if there is only one), and
    `unrelated` says that the real values are unrelated to LiteRT's.
    """

    same: float
    largest_steps: float
    equal: float
    range_steps: int = 255
    unrelated: bool = False

    @property
    def is_garbage(self) -> bool:
        """Whether it is more than different rounding: unrelated values, or values a quarter of the range apart.

        A few steps are never garbage, even if they change near ties; nor are large differences while half of the elements are
        equal, which can happen with a saturated output.
        """
        if not self.range_steps:
            return self.unrelated
        wild = self.largest_steps > WILD_SHARE * self.range_steps and self.equal < 0.5
        return wild or (self.unrelated and self.largest_steps > ROUNDING_STEPS)


class Micro(Value):
    """The result of the microcontroller's interpreter; `difference` is that of the output that differs most from LiteRT's.

    `difference` is None if LiteRT does not open the file; only this interpreter then judges it.
    `same_as_expanded` is the share of output elements equal to those of the file with its coded weights written out, on the
    same interpreter; None if the file has none.
    """

    runtime: str
    arena: Arena | None
    samples: int
    difference: Difference | None
    same_as_expanded: float | None = None


def confirm(
    model: Path, reference: Session | None, samples: Samples | None, expanded: Path | None = None
) -> Micro | Refused:
    """Run samples (random ones without data) on both interpreters, and read the arena afterwards.

    `reference` is None if LiteRT does not open the file. `expanded` is the file with its coded weights written out, if it has
    any: `reference` is then a session of that file.
    """
    micro = TfliteMicro()
    session = micro.open(model)
    if isinstance(session, Refused):
        return session
    assert isinstance(session, MicroSession)
    blocks = blocks_of(samples, reference or session)
    refused = session.tried(blocks[0])
    if refused is not None:
        return refused
    answers = [session.run(block) for block in blocks]
    return Micro(
        runtime=micro.describe(),
        arena=session.arena(),
        samples=len(blocks),
        difference=None if reference is None else _largest(reference, blocks, answers),
        same_as_expanded=None if expanded is None else _share_equal(micro, expanded, blocks, answers),
    )


def _largest(reference: Session, blocks: list[list[np.ndarray]], answers: list[list[np.ndarray]]) -> Difference:
    """The difference of the output that differs most."""
    wanted = [reference.run(block) for block in blocks]
    found = [
        difference([here[place] for here in wanted], [there[place] for there in answers], port)
        for place, port in enumerate(reference.outputs)
    ]
    return max(found, key=lambda one: (one.is_garbage, one.largest_steps / max(1, one.range_steps)))


def blocks_of(samples: Samples | None, session: Session) -> list[list[np.ndarray]]:
    """The inputs of each sample in the form that a session takes; a few random ones without data."""
    if samples is None:
        return [random_inputs(session.inputs, seed) for seed in range(WITHOUT_DATA)]
    return [samples.block(index, index + 1) for index in range(len(samples))]


def _share_equal(
    micro: TfliteMicro, expanded: Path, blocks: list[list[np.ndarray]], given: list[list[np.ndarray]]
) -> float:
    """The share of output elements equal to those `given`; 0 if the file does not run."""
    import numpy as np

    session = micro.open(expanded)
    if isinstance(session, Refused):
        return 0.0
    equal = [
        np.equal(mine, theirs).reshape(-1)
        for block, outputs in zip(blocks, given, strict=True)
        for mine, theirs in zip(session.run(block), outputs, strict=True)
    ]
    together = np.concatenate(equal)
    return float(together.mean()) if together.size else 1.0


def difference(here: list[np.ndarray], there: list[np.ndarray], port: Port) -> Difference:
    """How one output of the board's interpreter differs from LiteRT's: raw arrays, one an inference."""
    import numpy as np

    first, second = (np.stack(arrays).reshape(len(arrays), -1) for arrays in (here, there))
    gap = np.abs(first.astype(np.float64) - second.astype(np.float64))
    real = to_float(first, port), to_float(second, port)
    found = agreement(*real)
    steps = float(gap.max()) if gap.size else 0.0
    return Difference(
        same=float(np.mean(first.argmax(axis=1) == second.argmax(axis=1))) if gap.size else 1.0,
        largest_steps=steps if math.isfinite(steps) else float(np.finfo(np.float64).max),
        equal=float((gap == 0).mean()) if gap.size else 1.0,
        range_steps=_range_steps(port),
        unrelated=(found.is_garbage or (found.explained is not None and found.explained <= 0.0))
        and not np.allclose(*real, rtol=CLOSE["rtol"], atol=CLOSE["atol"]),
    )


def _range_steps(port: Port) -> int:
    import numpy as np

    dtype = np.dtype(port.dtype)
    if port.scale is None or dtype.kind not in "iu":
        return 0
    return int(np.iinfo(dtype).max) - int(np.iinfo(dtype).min)
