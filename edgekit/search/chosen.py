"""The chosen file as the report tells of it: its figures, its inputs and outputs, and what lies beside it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import msgspec

from edgekit.documents.compiled import COMPILED_FILE, Compiled
from edgekit.documents.facts import ModelFacts, TensorFacts, port_names
from edgekit.documents.report import Chosen, InputFacts
from edgekit.measure.measure import Measured
from edgekit.search.diet import Slim
from edgekit.search.trials import Finished
from edgekit.techniques.steps import published


def chosen_file(found: Finished, slim: Slim, measured: Measured, facts: ModelFacts) -> Chosen:
    return Chosen(
        candidate=found.trial.candidate.name,
        steps=published(found.trial.candidate.steps),
        path="model.tflite",
        sha256=hashlib.sha256(Path(slim.path).read_bytes()).hexdigest(),
        metrics=measured.metrics,
        inputs=_laid(measured.inputs, facts.inputs),
        outputs=_laid(measured.outputs, facts.outputs),
        compiled=_beside_report(measured.compiled),
        layers=found.before.labels if found.before is not None else (),
        diet=slim.diet,
        held=facts.held,
    )


def _laid(ports: Sequence[InputFacts], tensors: Sequence[TensorFacts]) -> tuple[InputFacts, ...]:
    """A file's inputs or outputs, which may be in another order than the model's, with the layout that they have in it."""
    layouts = dict(zip(port_names(tensors), (tensor.layout for tensor in tensors), strict=True))
    return tuple(msgspec.structs.replace(port, layout=layouts.get(port.name, "")) for port in ports)


def _beside_report(compiled: Compiled | None) -> Compiled | None:
    """The compiled file with its path as the report gives it: it lies in the same folder."""
    if compiled is None or compiled.path is None:
        return compiled
    return msgspec.structs.replace(compiled, path=COMPILED_FILE)
