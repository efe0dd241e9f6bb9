"""Peak of live bytes on graphs small enough to do by hand."""

from __future__ import annotations

from edgekit.tflite.liveness import peak_bytes


def test_skip_connection_stays_alive() -> None:
    sizes = {0: 10, 1: 20, 2: 20, 3: 10}
    steps = [([0], [1]), ([1], [2]), ([0, 2], [3])]
    assert peak_bytes(sizes, steps, inputs=[0], kept=[3]) == 10 + 20 + 20


def test_input_read_late_lives_from_the_start() -> None:
    sizes = {0: 1, 1: 50, 2: 2, 3: 3}
    steps = [([0], [2]), ([2, 1], [3])]
    assert peak_bytes(sizes, steps, inputs=[0, 1], kept=[3]) == 50 + 2 + 3


def test_constants_weigh_nothing() -> None:
    assert peak_bytes({0: 4, 1: 4}, [([0, 9], [1])], inputs=[0], kept=[1]) == 4 + 4


def test_no_operators() -> None:
    assert peak_bytes({0: 4}, [], inputs=[0], kept=[0]) == 0
