"""Which chains that pack can never show it, whatever the weights are: the kernels are too small, or a recurrent layer's."""

from __future__ import annotations

import pytest

from edgekit.cost.lowering import lower
from edgekit.documents.facts import LayerFacts, ModelFacts
from edgekit.techniques import technique

GATES = {"LSTM": 4, "GRU": 3, "SimpleRNN": 1}
SPARSE, CODED, TABLES = "int8_sparse", "int8_coded", "int8_lookup_tables"


def recurrent(kind: str, features: int, units: int, steps: int, *, fused: bool = False) -> LayerFacts:
    columns = GATES[kind] * units
    weights = (features + units) * columns
    return LayerFacts(
        name="memory", kind=kind, inputs=("steps",), output_shape=(units,), parameters=weights + columns, macs=steps * weights,
        kernel=(max(features, units), columns), biases=columns, fused=fused,
    )  # fmt: skip


def both_ways(kind: str, features: int, units: int, steps: int) -> LayerFacts:
    one = recurrent(kind, features, units, steps)
    return LayerFacts(
        name="memory", kind="Bidirectional", inputs=("steps",), output_shape=(2 * units,), parameters=2 * one.parameters, macs=2 * one.macs,
        kernel=one.kernel, biases=2 * one.biases,
    )  # fmt: skip


def dense(features: int, channels: int) -> LayerFacts:
    return LayerFacts(
        name="head", kind="Dense", inputs=("memory",), output_shape=(channels,), parameters=(features + 1) * channels,
        macs=features * channels, kernel=(features, channels),
    )  # fmt: skip


def refusing(*layers: LayerFacts) -> dict[str, str]:
    """The packings that a model of these layers is refused, and why."""
    facts = ModelFacts(sha256="", format="", inputs=(), outputs=(), layers=layers, output_kinds=())
    methods = [technique(name) for name in (SPARSE, CODED, TABLES)]
    found = {one.name: one.requires(lower(facts), one.settings_type()) for one in methods}
    return {name: reason for name, reason in found.items() if reason is not None}


LARGE, SMALL = dense(64, 64), dense(64, 3)


def test_a_fused_layer_reads_its_kernels_plain():
    found = refusing(recurrent("LSTM", 64, 64, 4, fused=True), SMALL)
    assert set(found) == {SPARSE, CODED, TABLES}
    assert all(
        "recurrent layers (memory)" in reason and reason.endswith("end the chain in int8") for reason in found.values()
    )
    assert not refusing(recurrent("LSTM", 64, 64, 4, fused=True), LARGE), "another kernel can be packed"


def test_a_loop_beside_it_unrolls_a_fused_layer_too():
    other = LayerFacts(
        name="cells", kind="RNN", inputs=("steps",), output_shape=(4,), parameters=32, macs=32, kernel=(4, 4)
    )
    assert not refusing(recurrent("LSTM", 64, 64, 4, fused=True), other)


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_few_steps_of_a_loop_leave_a_gain_and_many_leave_none(kind):
    """A GRU of 64 units and 4 steps was built in `int8_coded`: 22 KiB in place of 66."""
    assert not refusing(recurrent(kind, 16, 64, 4), SMALL)
    assert set(refusing(recurrent(kind, 16, 64, 400), SMALL)) == {SPARSE, CODED}, "steps share a table's kernel"
    assert set(refusing(recurrent("GRU", 6, 16, 8), SMALL)) == {SPARSE, CODED}
    assert refusing(both_ways(kind, 16, 64, 400)).keys() == {SPARSE, CODED} and not refusing(both_ways(kind, 16, 64, 4))


@pytest.mark.parametrize(
    ("features", "channels", "refused"),
    [
        (51, 5, {SPARSE, CODED, TABLES}),
        (32, 8, {SPARSE, TABLES}),
        (46, 10, {SPARSE, TABLES}),
        (47, 10, {TABLES}),
        (48, 10, set()),
    ],
)
def test_small_kernels_are_told_by_what_a_packing_adds(features, channels, refused):
    found = refusing(dense(features, channels))
    assert set(found) == refused
    assert all(f"the largest has {features * channels} weights" in reason for reason in found.values())


def test_what_a_layer_of_another_kind_becomes_is_not_known():
    own = LayerFacts(
        name="own", kind="Gate", inputs=("steps",), output_shape=(64,), parameters=4096, macs=4096, kernel=(64, 64)
    )
    assert not refusing(own, SMALL)
    table = LayerFacts(
        name="words", kind="Embedding", inputs=("steps",), output_shape=(64,), parameters=6400, kernel=(100, 64)
    )
    assert refusing(table) == dict.fromkeys((SPARSE, CODED, TABLES), "no layer has a kernel that could be coded")
