"""A model in ONNX as a Keras 3 model, held against onnxruntime: on random input where it is opened, and on the user's own data.

One that came from PyTorch is also held against what the PyTorch model itself answered, which is read from a folder.

The file is judged before the package `onnx` reads it (`onnx_file`), and what the import does is told in `onnx_graph`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np

from edgekit.documents.facts import ModelFacts, Origin, TensorFacts, port_names
from edgekit.errors import DataError, ModelError
from edgekit.make.workshop.compare import original
from edgekit.make.workshop.door import Door
from edgekit.make.workshop.flatten import flat_graph
from edgekit.onnx_file.beside import require_sound
from edgekit.onnx_file.held import holdable, not_held
from edgekit.onnx_file.outline import Port as Declared
from edgekit.onnx_graph.build import imported
from edgekit.onnx_graph.compare import Comparison, compare_with_answers, compare_with_onnxruntime
from edgekit.onnx_graph.imported import Imported
from edgekit.onnx_graph.ports import Port


class FromOnnx(NamedTuple):
    """An ONNX file as its import gives it; `kind` is its format for a report, `where` how a message names the model.

    `answers` is the folder with those of the PyTorch model that it came from, `names` are the file's inputs, held ones too.
    """

    path: Path
    found: Imported
    kind: str
    where: str
    answers: Path | None = None
    names: tuple[str, ...] = ()

    def told(self, tools: Door) -> tuple[str, ...]:
        """What a reader of a report must know of the import; raises `ModelError` where onnxruntime answers differently on random input."""
        compared = self.compared(self._random(tools))
        agrees = f"it agrees with onnxruntime on random input: relative error {compared.error:.2g}"
        original = self.compared_with_original()
        of_original = (
            f"it agrees with the PyTorch model on random input: relative error {original.error:.2g}" if original else ""
        )
        return (*filter(None, (of_original, agrees)), *self.found.notes)

    def compared(self, samples: Sequence[Sequence[np.ndarray]]) -> Comparison:
        """The import held against onnxruntime on samples, each one array an input as Keras takes it, of batch 1; raises `ModelError`."""
        ports = self.found.inputs
        given = [{port.name: port.to_onnx(array) for port, array in zip(ports, one, strict=True)} for one in samples]
        compared = compare_with_onnxruntime(self.path, self.found, given)
        if compared.agrees:
            return compared
        first = f"{compared.first} is the first to differ" if compared.first else "no single operator differs"
        raise self._differs(f"imported from ONNX, the model answers differently than onnxruntime; {first}", compared)

    def compared_with_original(self) -> Comparison | None:
        """The import held against what the PyTorch model answered; None where it came from none, or was asked with other sizes, or with other
        values of inputs that are held. Raises `ModelError`."""
        if self.answers is None:
            return None
        inputs, outputs = ([np.load(path) for path in _numbered(self.answers, kind)] for kind in "xy")
        asked = dict(zip(self.names, inputs, strict=True))
        if any((asked.pop(one.name) != one.array()).any() for one in self.found.held):
            return None
        compared = compare_with_answers(self.found, list(asked.values()), outputs)
        if compared is not None and not compared.agrees:
            step = (
                "export it after model.eval(): in training a batch normalization and a dropout answer otherwise; else"
            )
            raise self._differs("exported and imported, the model answers differently than in PyTorch", compared, step)
        return compared

    def _differs(self, what: str, compared: Comparison, before: str = "") -> ModelError:
        return ModelError(
            what, where=self.where, received=f"relative error {compared.error:.2g}", allowed=f"up to {compared.tolerance:g}",
            next_step=f"{before} export the model again, with another opset or without that operator; edgekit's own mistake is worth a report".lstrip(),
        )  # fmt: skip

    def _random(self, tools: Door) -> list[list[np.ndarray]]:
        """Samples in the model's domain."""
        model, where = self.found.model, str(self.path)
        known = original(model, flat_graph(tools, model, where=where), where)
        return one_by_one(known.samples)

    def named(self, facts: ModelFacts) -> ModelFacts:
        """The facts with the file's own names of inputs and outputs, the axes that they had there, and what stands for names in the `.tflite`."""
        origin: Origin = "ONNX" if self.answers is None else "PyTorch"
        inputs = _named(facts.inputs, self.found.inputs, origin)
        outputs = _named(facts.outputs, self.found.outputs, origin)
        ports = {new: one.name for ends in (inputs, outputs) for new, one in zip(port_names(ends), ends, strict=True)}
        renamed = {new: old for new, old in ports.items() if new != old}
        return msgspec.structs.replace(
            facts, inputs=inputs, outputs=outputs, renamed={**renamed, **self.found.renamed, **facts.renamed},
            held={one.name: one.words for one in self.found.held},
        )  # fmt: skip


def load_onnx(tools: Door, path: Path, job: dict[str, Any]) -> FromOnnx:
    """The Keras 3 model of an ONNX file; the job's `sizes` are the shapes of the data's samples, which fill the sizes that the file leaves free, and its
    `held` are values for inputs that are constants then.

    Of one from PyTorch the job has the `kind` of the original, and the folder with its `answers`. Raises `ModelError`, `RefusedOperators`, and `DataError` where the data's sizes do not fit the file's.
    """
    outline = require_sound(path)
    held = holdable(outline, job.get("held") or {})
    inputs = not_held(outline, {one.name for one in held})
    found = imported(path, tools.keras3, _sizes(inputs, job.get("sizes") or ()), held)
    answers = job.get("answers")
    kind = job.get("kind") or f"ONNX, opset {outline.opset}"
    names = tuple(port.name for port in outline.inputs)
    return FromOnnx(path, found, kind, job.get("named") or str(path), Path(answers) if answers else None, names)


def _numbered(folder: Path, kind: str) -> list[Path]:
    """The files of a kind by their numbers."""
    return sorted(folder.glob(f"{kind}_*.npy"), key=lambda path: int(path.stem.rpartition("_")[2]))


def one_by_one(arrays: Sequence[np.ndarray]) -> list[list[np.ndarray]]:
    """The samples of a batch, each of batch 1."""
    return [[np.asarray(array[index : index + 1]) for array in arrays] for index in range(len(arrays[0]))]


def _named(tensors: Sequence[TensorFacts], ports: Sequence[Port], origin: Origin) -> tuple[TensorFacts, ...]:
    return tuple(
        msgspec.structs.replace(tensor, name=port.name, onnx_axes=_axes(port), origin=origin)
        for tensor, port in zip(tensors, ports, strict=True)
    )


def _axes(port: Port) -> tuple[int, ...]:
    """For each axis of a sample in Keras the axis that it is in ONNX, both without the batch; empty where they are the same."""
    if not port.is_moved:
        return ()
    kept = port.order[1:] if port.has_batch else port.order
    return tuple(sorted(kept).index(axis) for axis in kept)


def _sizes(inputs: Sequence[Declared], sizes: Sequence[Sequence[int]]) -> dict[str, tuple[int, ...]]:
    """The sizes of the data by input, in ONNX's order."""
    if sizes and len(sizes) != len(inputs):
        raise DataError(
            "the data has another number of inputs than the model", where="train", received=len(sizes), allowed=str(len(inputs)),
            next_step=f"give an array for each input: {', '.join(f'x_train_{port.name}' for port in inputs)}",
        )  # fmt: skip
    pairs = zip(inputs, sizes, strict=False)
    return {port.name: _in_order(port, tuple(sample)) for port, sample in pairs if _is_free(port)}


def _is_free(port: Declared) -> bool:
    return any(isinstance(size, str) for size in port.shape[1:])


def _in_order(port: Declared, sample: tuple[int, ...]) -> tuple[int, ...]:
    """A sample's sizes in ONNX's order: those of a picture may be given with the channels last."""
    if len(sample) != 3 or _fits(port, sample):
        return sample
    moved = (sample[2], *sample[:2])
    return moved if _fits(port, moved) else sample


def _fits(port: Declared, sample: tuple[int, ...]) -> bool:
    wanted = port.shape[1:]
    pairs = zip(wanted, sample, strict=False)
    return len(wanted) == len(sample) and all(isinstance(size, str) or size == given for size, given in pairs)
