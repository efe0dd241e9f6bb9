"""What need not be read again to know that it can be, and what must."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.tf


@pytest.fixture
def tools() -> Any:
    from edgekit.make.workshop.door import door

    tools = door()
    tools.fresh(0)
    return tools


def test_only_what_is_wholly_keras_own_and_in_the_file(tools: Any, tmp_path: Path) -> None:
    from edgekit.make.workshop.readable import is_readable

    layers, file = tools.keras3.layers, tmp_path / "model.keras"

    class Forgetful(layers.Layer):  # type: ignore[misc, name-defined]
        """A configuration does not hold its factor."""

        def __init__(self, factor: float = 1.0, **settings: Any) -> None:
            super().__init__(**settings)
            self.factor = factor

        def call(self, x: Any) -> Any:
            return x * self.factor

        def compute_output_shape(self, shape: Any) -> Any:
            return shape

    def twice(x: Any) -> Any:
        return x * 2.0

    def saved(last: Any) -> Any:
        entry = tools.keras3.Input((4, 4, 1))
        model = tools.keras3.Model(entry, last(layers.Conv2D(2, 3, activation="relu", name="conv")(entry)))
        model.save(file)
        return model

    own = saved(layers.Flatten())
    assert is_readable(own, file)
    kernel, bias = own.get_layer("conv").get_weights()
    kernel.flat[0] *= 1.01
    own.get_layer("conv").set_weights([kernel, bias])
    assert not is_readable(own, file), "one weight in the file is another"
    for last in (Forgetful(2.0), layers.Activation(twice), lambda x: x * 2.0, layers.TimeDistributed(Forgetful(2.0))):
        assert not is_readable(saved(last), file)


@pytest.mark.parametrize("kind", ["Conv2D", "BatchNormalization"])
def test_weights_that_stand_in_anothers_place_are_not_as_they_were(tools: Any, tmp_path: Path, kind: str) -> None:
    """All of them are in the file: two layers' kernels, or two vectors of one layer, have changed places."""
    from edgekit.make.workshop.readable import is_readable

    layers, file = tools.keras3.layers, tmp_path / "model.keras"
    entry = tools.keras3.Input((8, 8, 4))
    settings = {"filters": 4, "kernel_size": 3} if kind == "Conv2D" else {}
    made = [getattr(layers, kind)(**settings) for _ in range(2)]
    model = tools.keras3.Model(entry, made[1](made[0](entry)))
    for number, layer in enumerate(made):
        layer.set_weights([array + 10 * number + 3 * place for place, array in enumerate(layer.get_weights())])
    model.save(file)
    assert is_readable(model, file)
    first, second = (layer.get_weights() for layer in made)
    if kind == "Conv2D":
        made[0].set_weights(second)
        made[1].set_weights(first)
    else:
        made[0].set_weights([first[1], first[0], *first[2:]])
    assert not is_readable(model, file)
