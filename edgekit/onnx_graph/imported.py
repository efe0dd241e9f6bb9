"""What an import gives: the Keras model, its inputs and outputs, and sentences on what a user should know."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from edgekit.onnx_file.held import HeldInput
from edgekit.onnx_graph.layout import Laid
from edgekit.onnx_graph.ports import Port


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Inner:
    """What one node makes: the operator with its place, the name of the ONNX value, and the Keras tensor with its layout."""

    place: str
    value: str
    laid: Laid


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Imported:
    """An ONNX model as a flat Keras 3 model with trainable weights. `notes` are sentences; `inner` has what each node makes, in order; `renamed`
    has the file's names that neither TensorFlow nor Keras accepts, by the names of the layers that stand for them; `held` are inputs of the file that
    are constants here."""

    model: Any
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    notes: tuple[str, ...]
    inner: tuple[Inner, ...] = ()
    renamed: Mapping[str, str] = dataclasses.field(default_factory=dict)
    held: tuple[HeldInput, ...] = ()
