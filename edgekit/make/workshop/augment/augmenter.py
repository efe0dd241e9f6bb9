"""Training batches varied as `[training] augment` says: each sample differently, the same for the same seed and step.

Values stay within the range of the training data and keep their dtype. All inputs of one sample are moved alike, so pairs of images
stay pairs; noise differs between them. Validation, test and calibration samples never come here.
"""

from __future__ import annotations

import functools
import itertools
import zlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from edgekit.documents.facts import TensorFacts
from edgekit.ingest.dataset import Dataset
from edgekit.ingest.variations import kind_of, variations
from edgekit.keras_graph.call_graph import dtype_name
from edgekit.make.workshop.answers import input_types
from edgekit.make.workshop.augment import images, values
from edgekit.make.workshop.door import Door
from edgekit.project.project_file import AugmentTable

Vary = Callable[[Any, Any], Any]
"""Takes one input's float32 batch and a step's seed; returns the varied batch."""


class Augmenter:
    """Varies the inputs of a step; `told` describes how, in words."""

    def __init__(self, tools: Door, augment: AugmentTable, dataset: Dataset, model: Any, seed: int) -> None:
        self._tf, self._seed = tools.tf, seed
        self._dtypes = input_types(tools, model)
        files = dataset.splits["train"].inputs
        ports = [_facts(tensor, array.shape) for tensor, array in zip(model.inputs, files, strict=True)]
        outputs = [_facts(tensor, tuple(tensor.shape)) for tensor in model.outputs]
        wanted = variations(augment, ports, outputs)
        self._each = [
            _Input(tools.tf, index, *one, dataset) for index, one in enumerate(zip(wanted, ports, strict=True))
        ]
        self.told = "; ".join(each.told for each in self._each if each.told)
        self._vary = tools.tf.function(self._varied, reduce_retracing=True)

    def __call__(self, inputs: Sequence[np.ndarray], step: int) -> list[Any]:
        """The inputs of a step (counted from 0) varied, as tensors of the model's dtypes."""
        tf = self._tf
        return list(
            self._vary([tf.convert_to_tensor(array) for array in inputs], tf.constant([self._seed, step], tf.int64))
        )

    def _varied(self, inputs: Sequence[Any], seed: Any) -> list[Any]:
        return [
            each.vary(batch, seed, dtype) for each, batch, dtype in zip(self._each, inputs, self._dtypes, strict=True)
        ]


class _Input:
    """The variations of one input, in their order, within its own range of values."""

    def __init__(self, tf: Any, index: int, wanted: AugmentTable, port: TensorFacts, dataset: Dataset) -> None:
        self._tf, self._file = tf, dataset.splits["train"].inputs[index]
        found = _steps(tf, index, wanted, port, dataset)
        self._steps = [vary for _, vary, _ in found]
        words = ", ".join(f"{name} {told}" for name, _, told in found)
        self.told = (
            f"{port.name!r} varied by {words}, within {self._file.low:.4g} to {self._file.high:.4g}" if words else ""
        )

    def vary(self, batch: Any, seed: Any, dtype: Any) -> Any:
        """A batch, varied; unchanged if this input has no variations."""
        tf = self._tf
        if not self._steps:
            return batch
        varied = tf.cast(batch, tf.float32)
        for step in self._steps:
            varied = step(varied, seed)
        varied = tf.ensure_shape(tf.clip_by_value(varied, self._file.low, self._file.high), batch.shape)
        return tf.cast(varied if dtype.is_floating else tf.round(varied), dtype)


def _steps(
    tf: Any, index: int, wanted: AugmentTable, port: TensorFacts, dataset: Dataset
) -> list[tuple[str, Vary, str]]:
    """Name, function and description of each requested variation, geometry first and noise last."""
    file = dataset.splits["train"].inputs[index]
    found: list[tuple[str, Vary, str]] = []
    sizes = [size or 0 for size in port.shape[:2]]

    def add(name: str, told: str, function: Any, *arguments: Any) -> None:
        def vary(batch: Any, seed: Any) -> Any:
            return function(tf, batch, _draws(tf, seed, name), *arguments)

        found.append((name, vary, told))

    if wanted.flip:
        add("flip", wanted.flip, images.flip, wanted.flip)
    if wanted.crop:
        add("crop", f"of up to {wanted.crop:.3g} of height and width", images.crop, wanted.crop)
    if wanted.shift and kind_of(port) == "image":
        pixels = tuple(_at_most(wanted.shift, size) for size in sizes)
        add(
            "shift",
            f"of up to {pixels[0]} of {sizes[0]} rows and {pixels[1]} of {sizes[1]} columns",
            images.shift,
            pixels,
        )
    elif wanted.shift:
        steps = _at_most(wanted.shift, sizes[0])
        add("shift", f"of up to {steps} of {sizes[0]} steps", values.shift, steps)
    if wanted.colour:
        add("colour", f"{wanted.colour:.3g}", images.colour, wanted.colour, file.high - file.low)
    if wanted.noise:
        deviation = wanted.noise * values.deviations(dataset.inputs("train")[index], dataset.rows("train"))
        found.append(
            ("noise", functools.partial(_noise, tf, deviation, index), f"{wanted.noise:.3g} of a standard deviation")
        )
    return found


def _at_most(share: float, size: int) -> int:
    """The farthest move in items of an axis: a share of its size, at least 1 if the axis is longer than one item."""
    return max(1, round(share * size)) if size > 1 else 0


def _noise(tf: Any, deviation: np.ndarray, index: int, batch: Any, seed: Any) -> Any:
    return batch + deviation * tf.random.stateless_normal(tf.shape(batch), _seed_for(tf, seed, f"noise {index}"))


def _draws(tf: Any, seed: Any, name: str) -> images.Draw:
    """Uniform numbers for one variation of one step: different on each call, but the same for each input."""
    asked = itertools.count()

    def draw(low: float, high: float, shape: tuple[Any, ...]) -> Any:
        return tf.random.stateless_uniform(shape, _seed_for(tf, seed, f"{name} {next(asked)}"), low, high)

    return draw


def _seed_for(tf: Any, seed: Any, text: str) -> Any:
    """A separate seed for each text."""
    return tf.random.experimental.stateless_fold_in(seed, zlib.crc32(text.encode()) >> 1)


def _facts(tensor: Any, shape: tuple[int | None, ...]) -> TensorFacts:
    return TensorFacts(name=tensor.name.partition(":")[0], shape=tuple(shape[1:]), dtype=dtype_name(tensor))
