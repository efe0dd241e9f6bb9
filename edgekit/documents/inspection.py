"""The values of `edgekit inspect`: a model's layers or operators with what each takes, and the sums with their basis.

For a Keras model the rows are layers, for a `.tflite` operators; the other list is empty. How the figures are found is
not known here.
"""

from __future__ import annotations

from typing import Literal

from edgekit.documents.candidate import Estimate
from edgekit.documents.facts import LayerFacts
from edgekit.documents.report import Metrics
from edgekit.documents.shown import Shown
from edgekit.tflite.breakdown import OperatorRow
from edgekit.values import Value

SCHEMA_VERSION = 1
By = Literal["flash", "memory", "macs", "parameters", "latency"]
Order = Literal["flash", "memory", "macs", "parameters", "latency", "model"]


class PortFacts(Value):
    """An input or output: its shape with the batch, None where a dimension is free, and its quantization."""

    name: str
    shape: tuple[int | None, ...]
    dtype: str
    scale: float | None = None
    zero_point: int | None = None


class InspectedLayer(LayerFacts):
    """A layer of a Keras model, flattened, and what it is predicted to take as float32.

    `index` is its place in the model. `merged_into` names the layer whose operator does its work after the conversion;
    such a layer and an input have no memory of their own, which is None. Shares are those of the predicted file and of
    the peak, from 0 to 1.
    """

    index: int = 0
    flash_bytes: int = 0
    flash_share: float = 0.0
    memory_bytes: int | None = None
    memory_share: float | None = None
    merged_into: str | None = None
    latency: Estimate | None = None


class InspectedOperator(OperatorRow):
    """An operator of a `.tflite`, its shares of the file and of the peak from 0 to 1, and its predicted time."""

    flash_share: float
    memory_share: float
    latency: Estimate | None = None


class Inspection(Shown):
    """What `edgekit inspect` prints.

    `metrics` has `flash`, `peak_memory`, `macs`, `parameters`, for a file `download`, with a device `latency`, each with
    its basis; `other_bytes` is the part of the flash that is no layer's or operator's, `peak_index` the row that needs
    the most memory. `order` is what the rows are sorted by, the heaviest first, or 'model'. `output_kinds`, `losses`,
    `rebuilt_error` and `notes` are those of a Keras model's facts; notes say how the model was read, and what passes did.
    """

    schema_version: int = SCHEMA_VERSION
    edgekit_version: str = ""
    path: str = ""
    sha256: str = ""
    format: str = ""
    device: str | None = None
    order: Order = "model"
    inputs: tuple[PortFacts, ...] = ()
    outputs: tuple[PortFacts, ...] = ()
    metrics: Metrics = {}
    other_bytes: int = 0
    peak_index: int | None = None
    layers: tuple[InspectedLayer, ...] = ()
    operators: tuple[InspectedOperator, ...] = ()
    output_kinds: tuple[str, ...] = ()
    losses: tuple[str | None, ...] = ()
    rebuilt_error: float | None = None
    notes: tuple[str, ...] = ()

    @property
    def other_share(self) -> float:
        """The share of the flash that is no layer's or operator's, from 0 to 1."""
        flash = self.metrics["flash"].value or 0
        return self.other_bytes / flash if flash else 0.0
