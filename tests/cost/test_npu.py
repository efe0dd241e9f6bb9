"""What Vela's code of the weights is predicted to take, held to what Vela itself makes of the golden files."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgekit.cost import flash, npu
from edgekit.cost.lowering import lower
from edgekit.devices.profile import load_profile
from edgekit.documents.candidate import Estimate, Step
from edgekit.machine.extras import is_installed
from edgekit.techniques.steps import effect, typed

GOLDEN = Path(__file__).parent.parent / "golden"
INT8 = Step(technique="int8")


def lowered(facts, steps):
    """The graph that the steps make of a model."""
    return effect(lower(facts), map(typed, steps))[0]


def pruned(share):
    return Step(technique="pruning", settings={"sparsity": share})


def clustered(count):
    return Step(technique="clustering", settings={"clusters": count})


def everywhere(steps):
    """Zeros and clusters in every kernel, as they were put into the files that were measured."""
    settings = [typed(step).settings for step in steps]
    shares = [one.sparsity for one in settings if hasattr(one, "sparsity")]
    counts = [one.clusters for one in settings if hasattr(one, "clusters")]
    return {"zeros": max(shares, default=0.0), "distinct": min(counts, default=None)}


def plain(graph):
    found = flash.predict(load_profile("corstone-300"), graph)
    return {"flash": found, "download": found, "ram": found, "latency": found}


# Bits of a weight in Vela 5.2's code of the keyword spotter and the streaming wake word of MLPerf Tiny (docs/npus.md).
@pytest.mark.parametrize(
    ("steps", "measured"),
    [
        ((), (8.73, 8.24)),
        ((pruned(0.5),), (5.33, 5.11)),
        ((pruned(0.75),), (3.19, 2.90)),
        ((pruned(0.9),), (1.43, 1.35)),
        ((clustered(32),), (5.87, 5.36)),
        ((clustered(16),), (4.88, 4.32)),
        ((clustered(8),), (3.81, 3.33)),
        ((pruned(0.5), clustered(16)), (3.33, 3.13)),
        ((pruned(0.75), clustered(16)), (2.04, 1.88)),
    ],
)
def test_bits_enclose_what_they_were_fitted_to(steps, measured, keyword_spotter):
    graph = lowered(keyword_spotter, (INT8,)).changed(lambda node: everywhere(steps))
    low, usual, high = (npu.weight_bits(graph, end) for end in range(3))
    assert low <= min(measured) and max(measured) <= high
    assert usual == pytest.approx(sum(measured) / 2, rel=0.15)


@pytest.mark.npu
@pytest.mark.skipif(not is_installed("ethosu"), reason="ethos-u-vela is not installed")
@pytest.mark.parametrize(
    ("name", "steps"),
    [("int8", (INT8,)), ("pruned_int8", (pruned(0.8), INT8)), ("clustered_int8", (clustered(4), INT8))],
)
def test_the_interval_encloses_the_compiled_golden_file(golden_facts, tmp_path, name, steps):
    from edgekit.measure.runtimes.vela import compile_file

    made = compile_file(
        GOLDEN / f"{name}.tflite", tmp_path, accelerator="ethos-u55-128", memory_mode="Shared_Sram",
        system_config="Ethos_U55_High_End_Embedded", clock_hz=32e6,
    )  # fmt: skip
    graph = lowered(golden_facts, steps)
    found = npu.compiled(plain(graph), graph)["flash"]
    assert found.low <= made.bytes <= found.high


def test_more_zeros_and_fewer_clusters_never_take_more(keyword_spotter):
    dense = lowered(keyword_spotter, (INT8,))
    sizes = [
        npu.compiled(plain(dense), lowered(keyword_spotter, (*steps, INT8)))["flash"].value
        for steps in ((), (pruned(0.5),), (pruned(0.75),), (pruned(0.75), clustered(16)), (pruned(0.9), clustered(4)))
    ]
    assert sizes == sorted(sizes, reverse=True) and len(set(sizes)) == len(sizes)


def test_what_is_not_int8_is_not_compiled(keyword_spotter):
    graph = lowered(keyword_spotter, (Step(technique="float32"),))
    given = plain(graph)
    assert npu.compiled(given, graph) == given


def test_only_time_that_waits_for_weights_can_shrink(keyword_spotter):
    same = npu.latency_after(lowered(keyword_spotter, (INT8,)), 10.0, "int8")
    less = npu.latency_after(lowered(keyword_spotter, (pruned(0.9), INT8)), 10.0, "int8")
    assert same.value == same.low == 10.0
    assert 10 * (1 - 0.95) < less.low < less.value < 10.0 <= less.high
    assert isinstance(less, Estimate) and "waits for weights" in less.source
