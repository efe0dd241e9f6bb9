"""Channels of very different ranges are equalised before quantization, where that makes the answers better; every other file stays as it is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgekit.documents.candidate import Step
from edgekit.make.workshop.int8 import quantizing
from edgekit.make.workshop.int8.quantizing import may_equalize
from edgekit.techniques.int8 import Int8
from edgekit.techniques.steps import typed
from edgekit.tflite.weights import kernels

CHANNELS, SPREAD = 16, np.logspace(0, -2, 16).astype("float32")


def scaled(layers: Any, x: Any, scales: np.ndarray, *, zeros: float = 0.0) -> Any:
    """Two convolutions, between which the channels have these scales."""
    random = np.random.default_rng(3)
    first, second = layers.Conv2D(CHANNELS, 3, padding="same", activation="relu"), layers.Conv2D(8, 3)
    y = second(layers.MaxPooling2D()(first(x)))
    for layer, times in ((first, scales), (second, 1 / scales[:, None])):
        kernel = layer.kernel.numpy() * times * (random.random(layer.kernel.shape) >= zeros)
        layer.kernel.assign(kernel)
    return y


def unequal(layers: Any, x: Any) -> Any:
    return scaled(layers, x, SPREAD)


def pruned(layers: Any, x: Any) -> Any:
    return scaled(layers, x, SPREAD, zeros=0.5)


def equal(layers: Any, x: Any) -> Any:
    return scaled(layers, x, np.ones_like(SPREAD))


def branches(layers: Any, x: Any) -> Any:
    """A large branch beside a small one that matters as much."""
    large, small = layers.Conv2D(2, 1), layers.Conv2D(14, 1)
    last = layers.Conv2D(4, 1)
    y = last(layers.Concatenate()([large(x), small(x)]))
    small.kernel.assign(small.kernel * 0.01)
    last.kernel.assign(np.concatenate([last.kernel[:, :, :2] * 0.02, last.kernel[:, :, 2:]], axis=2))
    return y


@pytest.fixture
def off(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Turns equalisation off for what is converted afterwards."""
    return lambda: monkeypatch.setattr(Int8, "equalizes", False)


@pytest.fixture
def floats(monkeypatch: pytest.MonkeyPatch) -> list[tuple[bytes, bytes]]:
    """The calibrated float models before and after."""
    own, seen = quantizing.equalized, list[tuple[bytes, bytes]]()

    def equalized(content: bytes, *given: Any) -> tuple[bytes, str]:
        made, note = own(content, *given)
        seen.append((content, made))
        return made, note

    monkeypatch.setattr(quantizing, "equalized", equalized)
    return seen


@pytest.mark.tf
@pytest.mark.parametrize("build", [pruned, branches], ids=["pruned", "branches"])
def test_unequal_channels_answer_nearer_to_the_model(build: Any, in_int8: Any, floats: Any, off: Any) -> None:
    from edgekit.make.workshop.file_model import FileModel
    from edgekit.tflite.reader import parse_tflite

    made = in_int8(build, (8, 8, 3))
    off()
    plain = in_int8(build, (8, 8, 3))
    assert made.signal_db() > plain.signal_db() + 3
    (note,) = made.notes
    assert (
        note.startswith("channel ranges are equalised: ")
        and note.endswith("measured on 8 calibration samples")
        and plain.notes == ()
    )
    ((before, after),) = floats
    models = [FileModel(parse_tflite(one, where="a float model")) for one in (before, after)]
    (wanted,), (found,) = (model.answers([made.x]) for model in models)
    assert before != after and np.abs(found - wanted).max() < 1e-5 * np.abs(wanted).max()
    for one, other in zip(kernels(models[0].tflite), kernels(models[1].tflite), strict=True):
        assert ((one.array == 0) == (other.array == 0)).all()


@pytest.mark.tf
def test_a_model_with_equal_channels_has_the_same_bytes_as_without(in_int8: Any, floats: Any, off: Any) -> None:
    made = in_int8(equal, (8, 8, 3))
    off()
    assert made.notes == () and [one is other for one, other in floats] == [True]
    assert in_int8(equal, (8, 8, 3)).content == made.content


@pytest.mark.tf
def test_operators_are_left_in_float_of_the_equalised_model(in_int8: Any, floats: Any) -> None:
    mixed = in_int8(unequal, (8, 8, 3), technique="int8_mixed", share=0.4)
    ((before, after),) = floats
    assert before != after and len(mixed.notes) == 1
    assert {one.dtype for one in kernels(mixed.tflite)} == {"int8", "float32"}


@pytest.mark.parametrize(
    ("chain", "wanted"),
    [
        ("int8", True),
        ("int8_float_fallback", True),
        ("int8_mixed", True),
        ("pruning int8", True),
        ("structured_pruning pruning int8", True),
        ("clustering int8", False),
        ("pruning clustering int8", False),
        ("quantization_aware int8", False),
        ("int8_per_tensor", False),
        ("int8_coded", False),
        ("int8_sparse", False),
        ("int8_lookup_tables", False),
        ("int16x8", False),
        ("float16", False),
    ],
)
def test_which_chains_may_have_factors(chain: str, wanted: bool) -> None:
    steps = [typed(Step(technique=name, settings={})) for name in chain.split()]
    assert may_equalize(steps) is wanted
