"""What a rounding made of a trained form is put right in the model, and said."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgekit.techniques import technique
from edgekit.techniques.codebook import Codebook
from edgekit.techniques.steps import TypedStep

pytestmark = pytest.mark.tf
CLUSTERING = technique("clustering")
SETTINGS = CLUSTERING.settings_type(clusters=8)


@pytest.fixture(scope="module")
def tools() -> Any:
    from edgekit.make.workshop.door import door

    return door()


@pytest.fixture
def model(tools: Any) -> Any:
    """A dense layer of 32 inputs and 16 outputs, clustered."""
    tools.fresh(0)
    layers = tools.keras.layers
    made = tools.keras.Sequential([layers.Input((32,)), layers.Dense(16)])
    kernel = made.layers[0].kernel
    matrix = kernel.numpy().T
    kernel.assign(Codebook(matrix, SETTINGS.clusters).settle(matrix).T)
    return made


def move(model: Any, steps: float) -> tuple[int, int]:
    """Move one weight, which is no end of its channel, by steps of the grid of int8; its place."""
    kernel = model.layers[0].kernel
    array = kernel.numpy()
    scales = abs(array).max(axis=0) / 127
    row, column = next((int(r), int(c)) for r, c in np.argwhere(abs(array) < 100 * scales) if array[r, c] != 0)
    array[row, column] += steps * scales[column]
    kernel.assign(array)
    return row, column


def test_a_value_too_many_is_merged_and_nothing_else_moves(tools, model):
    before = model.layers[0].kernel.numpy()
    place = move(model, 1)
    assert not CLUSTERING.ensures_in_model(tools, model, SETTINGS).holds
    assert CLUSTERING.mend(tools, model, SETTINGS) == 1
    assert CLUSTERING.ensures_in_model(tools, model, SETTINGS).holds
    after = model.layers[0].kernel.numpy()
    np.testing.assert_allclose(after, before, rtol=1e-5)
    assert place is not None


def test_float_noise_is_no_value_of_its_own(tools, model):
    """A count to four digits took the last bit of a float32 for an eighteenth value."""
    kernel = model.layers[0].kernel
    noise = np.random.default_rng(0).uniform(-3e-7, 3e-7, kernel.shape)
    kernel.assign(kernel.numpy() * (1 + noise).astype(np.float32))
    assert CLUSTERING.ensures_in_model(tools, model, SETTINGS).holds


def test_what_was_never_clustered_is_not_made_to_look_it(tools, model):
    kernel = model.layers[0].kernel
    kernel.assign(np.random.default_rng(0).normal(size=kernel.shape).astype(np.float32))
    before = kernel.numpy()
    assert CLUSTERING.mend(tools, model, SETTINGS) == 0
    assert not CLUSTERING.ensures_in_model(tools, model, SETTINGS).holds and (kernel.numpy() == before).all()


def test_the_job_says_what_it_mended(tools, model):
    from edgekit.make.workshop.train import _shown

    move(model, 1)
    found = _shown(tools, model, TypedStep(technique=CLUSTERING, settings=SETTINGS))
    assert found.holds and found.detail.endswith("; 1 weights were moved to the nearest of them")
