"""The kernels that stay in float32 are those whose rounding changes the outputs most, of a Keras model and of a file without names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.make.workshop.int8.in_float import LARGEST, Rounded, chosen, most_sensitive
from edgekit.techniques import technique
from edgekit.tflite.numerics import float_operators
from edgekit.tflite.weights import kernels

pytestmark = pytest.mark.tf
WIDE = 1000.0


def network(layers: Any, x: Any) -> Any:
    """Of six numbers, the first of which is a thousand times as large as the others and is not used: int8 leaves nothing of these."""
    unused = np.random.default_rng(1).normal(size=(6, 4)).astype("float32")
    unused[0] = 0
    first = layers.Dense(4, name="first")
    x = layers.Dense(64, activation="relu", name="wide")(first(x))
    first.kernel.assign(unused)
    return layers.Dense(4, name="last")(layers.Dense(8, activation="relu", name="narrow")(x))


def numbers() -> np.ndarray:
    found = np.random.default_rng(0).uniform(-1, 1, (32, 6)).astype("float32")
    found[:, 0] *= WIDE
    return found


def test_the_kernel_that_rounding_hurts_stays_in_float_and_the_others_do_not(in_int8):
    whole = in_int8(network, (6,), x=numbers())
    mixed = in_int8(network, (6,), x=numbers(), technique="int8_mixed", share=0.1)
    sizes = {kernel.dtype: kernel.array.size for kernel in kernels(mixed.tflite) if kernel.dtype == "float32"}
    assert sizes == {"float32": 6 * 4}, "the last one, of 8 x 4, would fit too"
    assert sum(kernel.dtype == "int8" for kernel in kernels(mixed.tflite)) == 3
    assert whole.signal_db() < 10 < 20 < mixed.signal_db()


def test_the_largest_errors_a_weight_are_mended_first_until_little_is_left():
    found = [
        Rounded(("a",), 40, 0.1),
        Rounded(("b",), 10, 0.8),
        Rounded(("c",), 10, 0.05),
        Rounded(("d", "e"), 0, LARGEST),
    ]
    assert chosen(found, 15) == ["d", "e", "b"] and chosen(found, 5) == ["d", "e"]
    assert chosen(found[:3], 60) == ["b", "c", "a"] and chosen(found[:3], 49) == ["b", "c"]
    assert chosen([Rounded(("a",), 4, 0.0)], 4) == [], "nothing is mended where rounding changes nothing"


def test_what_has_no_weights_does_not_make_the_errors_of_kernels_little():
    """Of a spectrum the outputs are lost, a thousand times more than a kernel's rounding takes from them."""
    found = [Rounded(("d",), 0, LARGEST), Rounded(("a",), 40, 0.001), Rounded(("b",), 10, 0.0005)]
    assert chosen(found, 60) == ["d", "b", "a"] and chosen(found[1:], 60) == ["b", "a"]


def test_a_kernel_that_leaves_little_of_the_outputs_is_mended_though_another_leaves_nothing():
    found = [Rounded(("a",), 10, LARGEST), Rounded(("b",), 10, 0.05), Rounded(("c",), 10, 0.005)]
    assert chosen(found, 30) == ["a", "b"], "a tenth of all errors would be more than that of b"


def test_without_a_share_nothing_is_measured_and_what_has_no_weights_stays_in_float():
    content = (Path(__file__).parents[3] / "golden" / "float32.tflite").read_bytes()

    def never(*_: Any) -> Any:
        raise AssertionError

    assert most_sensitive(content, 0.0, never, never) == [], "it has no such operator"


def test_each_kernel_that_is_small_enough_is_rounded_alone():
    """Asked for what is left in float: each time all but one. The dense kernel of 1,152 weights is too large."""
    content, asked = (Path(__file__).parents[3] / "golden" / "float32.tflite").read_bytes(), []

    def quantize(left: list[str]) -> bytes:
        asked.append(set(left))
        return content

    def samples() -> Any:
        yield {"image": np.zeros((1, 8, 8, 1), "float32")}

    assert most_sensitive(content, 0.05, samples, quantize) == [], "no file differs from the float one"
    assert len(asked) == 3 and len(set.union(*asked)) == 6 and all(len(one) == 5 for one in asked)


def spectrum(layers: Any, x: Any) -> Any:
    """The logarithm of a power over six decades, as of a spectrum: what int8 leaves of it is its largest numbers."""
    import keras

    power = keras.ops.square(layers.Dense(8, name="first")(x))
    return layers.Dense(4, name="last")(keras.ops.log(keras.ops.maximum(power, 1e-6)))


def test_a_logarithm_stays_in_float_with_what_makes_its_numbers(in_int8):
    levels = np.random.default_rng(0).uniform(-1, 1, (64, 6)) * 10.0 ** np.random.default_rng(1).uniform(-2, 0, (64, 1))
    whole = in_int8(spectrum, (6,), x=levels.astype("float32"))
    mixed = in_int8(spectrum, (6,), x=levels.astype("float32"), technique="int8_mixed", share=0.05)
    floats, method = {one.name for one in float_operators(mixed.tflite)}, technique("int8_mixed")
    held, not_held = (method.ensures(one.tflite, method.settings_type()) for one in (mixed, whole))
    assert held.holds and "operators without weights in float" in held.detail and not not_held.holds
    assert {"LOG", "MAXIMUM"} <= floats and all(kernel.dtype == "int8" for kernel in kernels(mixed.tflite))
    assert whole.signal_db() + 3 < mixed.signal_db()


def test_what_stays_in_float_may_be_stored_in_half_the_bytes(in_int8):
    """A runtime widens it: the answers are those of the float32 kernel to three digits, and the others stay integers."""
    mixed = in_int8(network, (6,), x=numbers(), technique="int8_mixed", share=0.1, half=True)
    assert sorted(kernel.dtype for kernel in kernels(mixed.tflite)) == ["float16", "int8", "int8", "int8"]
    assert mixed.signal_db() > 20
    method = technique("int8_mixed")
    assert method.ensures(mixed.tflite, method.settings_type(share=0.1, half=True)).holds
    assert not method.ensures(mixed.tflite, method.settings_type(share=0.1)).holds
