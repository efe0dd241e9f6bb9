"""What a page shows of a `.tflite` beside its report: its operators, their bytes, and their milliseconds on the device.

The values alone, filled in by `edgekit.measure.insides`. A file that is not at hand, or is for a device that nobody named,
has the reason in place of the figures.
"""

from __future__ import annotations

from edgekit.documents.candidate import Estimate
from edgekit.tflite.breakdown import Breakdown
from edgekit.values import Basis, Value

NO_FILE = "the model's file is not at hand"
NO_CANDIDATE = "no candidate gave a file"
NO_PROFILE = "the profile of the device is not at hand"
ON_NPU = "the NPU runs what its compiler made of these operators, and their times stand under On the NPU"


class Insides(Value):
    """The parts of a file; `reason` says why there are none, `latency_reason` why there are no milliseconds.

    `latencies` has one estimate an operator, in milliseconds, in the order of `parts.operators`. They sum to `latency_ms`, which
    has the basis `latency_basis`: the prediction of the whole, or the latency of the verdict, shared out as it is predicted;
    `predicted_ms` is then what was predicted, and None otherwise. `is_compiled` says that an NPU runs something else than this file.
    """

    parts: Breakdown | None = None
    latencies: tuple[Estimate, ...] = ()
    latency_ms: float | None = None
    latency_basis: Basis | None = None
    predicted_ms: float | None = None
    reason: str = ""
    latency_reason: str = ""
    is_compiled: bool = False
