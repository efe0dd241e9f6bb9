"""What a page shows of a `.tflite` besides its report: its operators, their bytes, and their milliseconds on the device.

`edgekit.measure.insides` computes these values. Where the file or the device's profile is missing, there is a reason
instead of figures.
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

    `latencies` has one estimate per operator, in milliseconds, in the order of `parts.operators`. They sum to
    `latency_ms`, whose basis is `latency_basis`. `latency_ms` is the prediction of the whole, or the latency of the
    verdict, divided as predicted; in the second case `predicted_ms` is the prediction, else None. `is_compiled` says
    that an NPU runs what its compiler made of this file.
    """

    parts: Breakdown | None = None
    latencies: tuple[Estimate, ...] = ()
    latency_ms: float | None = None
    latency_basis: Basis | None = None
    predicted_ms: float | None = None
    reason: str = ""
    latency_reason: str = ""
    is_compiled: bool = False
