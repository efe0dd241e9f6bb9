"""Sparse kernels: the file that comes out, where the planner tries it, and what it is predicted to cost."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgekit.cost import latency, ram
from edgekit.cost.graph import Graph, Node
from edgekit.cost.lowering import lower
from edgekit.devices.profile import load_profile
from edgekit.documents.candidate import Declined, Step
from edgekit.documents.facts import LayerFacts, ModelFacts, TensorFacts
from edgekit.planner.candidates import candidates
from edgekit.project.project import AIM_OF, Goal
from edgekit.techniques import technique
from edgekit.techniques.integer import integer
from edgekit.techniques.interface import Task
from edgekit.techniques.packing import SPARSE_GRAPH_BYTES, sparse
from edgekit.techniques.steps import effect, typed
from edgekit.tflite.reader import read_tflite
from edgekit.tflite.sparsify import smallest
from edgekit.verdict.limits import limits_of
from edgekit.verdict.metric_spec import MetricSpec

GOLDEN = Path(__file__).parent.parent / "golden"
METHOD = technique("int8_sparse")
SPARSE, INT8 = (Step(technique=name, settings={"io": "int8"}) for name in ("int8_sparse", "int8"))


def pruned(share: float) -> Step:
    return Step(technique="pruning", settings={"sparsity": share})


def facts(filters: int) -> ModelFacts:
    """A picture of 8 x 8 x 16, a 3 x 3 convolution to `filters`."""
    kernel = 3 * 3 * 16 * filters
    layers = (
        LayerFacts(name="image", kind="InputLayer", output_shape=(8, 8, 16)),
        LayerFacts(
            name="convolution", kind="Conv2D", inputs=("image",), output_shape=(6, 6, filters), parameters=kernel + filters,
            macs=36 * kernel, kernel=(3, 3, 16, filters),
        ),
    )  # fmt: skip
    tensor = TensorFacts(name="image", shape=(8, 8, 16), dtype="float32")
    return ModelFacts(
        sha256="0" * 64, format="keras", inputs=(tensor,), outputs=(tensor,), layers=layers, output_kinds=("linear",)
    )


def a_task(device="rpi4", *, filters=100, currency="flash", aim=None, trains=True, **limits: float) -> Task:
    goal = Goal(max_drop_points=1.0, metric=MetricSpec(), aim=aim or AIM_OF[currency], search="first")
    return Task(
        profile=load_profile(device), facts=facts(filters), goal=goal, limits=limits_of(load_profile("rpi4"), limits), trains=trains
    )  # fmt: skip


def lowered(*steps: Step) -> Graph:
    return effect(lower(facts(100)), map(typed, steps))[0]


def test_what_does_not_shrink_stays_as_it_is_and_is_no_evidence():
    content = (GOLDEN / "int8.tflite").read_bytes()
    assert METHOD.finish(None, content, METHOD.settings_type()) == content
    found = METHOD.ensures(read_tflite(GOLDEN / "int8.tflite"), METHOD.settings_type())
    assert not found.holds and found.detail.startswith("0 of 4 kernels are sparse")


def test_the_evidence_counts_values_and_places():
    """1,152 weights of which 288 are not zero: 288 B of values, 288 B of places, 9 ends of rows in two bytes each."""
    content = (GOLDEN / "pruned_int8.tflite").read_bytes()
    made = METHOD.finish(None, content, METHOD.settings_type(io="int8"))
    assert made == (GOLDEN / "sparse_int8.tflite").read_bytes()
    found = METHOD.ensures(read_tflite(GOLDEN / "sparse_int8.tflite"), METHOD.settings_type(io="int8"))
    assert found.holds
    assert found.detail.startswith("1 of 4 kernels are sparse: 594 B of values and places in place of 1152 B")
    assert 594 == 288 + 288 + 2 * 9


def test_zeros_hold_in_a_sparse_file():
    pruning = technique("pruning")
    assert pruning.ensures(read_tflite(GOLDEN / "sparse_int8.tflite"), pruning.settings_type(sparsity=0.75)).holds


@pytest.mark.parametrize(
    ("task", "reason"),
    [
        (a_task("nucleo-l4r5zi"), "only LiteRT is known to expand sparse kernels"),
        (a_task("stm32mp157"), "has tflite_runtime"),
        (a_task(currency="ram"), "which neither a limit nor the goal asks for"),
        (a_task(aim="balanced"), "which neither a limit nor the goal asks for"),
        (a_task(filters=1), "below 1% of the"),
        (a_task(aim="balanced", flash=1e8), "below 1% of the 95.4 MiB of flash"),
        (a_task(trains=False), "sparse kernels with 0% zeros are predicted to save 0 B"),
    ],
    ids=["micro", "older runtime", "currency", "no limit", "too small", "much room", "no training makes zeros"],
)
def test_it_is_declined_where_it_saves_nothing_that_counts(task, reason):
    answer = METHOD.propose(task)
    assert isinstance(answer, Declined) and reason in answer.reason


def test_where_flash_counts_zeros_are_trained_for_it():
    """The lightest shares that pay: half zeros do not, as each other weight takes two bytes."""
    waiting, _ = candidates(a_task())
    names = [one.name for one in waiting if [step.technique.name for step in one.training] == ["pruning"]]
    assert names == ["pruning_90_global+int8_sparse", "pruning_75+int8_sparse"]
    assert all(one.conversion.against(a_task(), one.graph) is None for one in waiting if one.name in names)
    limited = {one.name for one in candidates(a_task(aim="balanced", flash=30_000.0))[0]}
    assert "pruning_75+int8_sparse" in limited
    both = {one.name for one in candidates(a_task(flash=30_000.0, currency="download"))[0]}
    assert {"pruning_75+int8", "pruning_75+int8_sparse"} <= both, "where the download counts the plain file pays too"
    assert "int8_sparse" not in names, "nothing that is not trained is known to have zeros"


def test_without_zeros_it_is_not_tried():
    assert METHOD.awaits(lower(facts(100)), METHOD.settings_type()).startswith(
        "no kernel is known to have so many zeros"
    )
    assert METHOD.awaits(lowered(pruned(0.5)), METHOD.settings_type()) is not None
    assert METHOD.awaits(lowered(pruned(0.75)), METHOD.settings_type()) is None


@pytest.mark.parametrize("shape", [(64, 3, 3, 32), (128, 640), (640, 128), (32, 1, 1, 64), (300, 300)], ids=str)
@pytest.mark.parametrize("zeros", [0.6, 0.75, 0.9, 0.98])
def test_the_prediction_holds_what_the_encoder_makes(shape, zeros):
    generator = np.random.default_rng(0)
    array = (generator.integers(1, 128, shape) * (generator.random(shape) >= zeros)).astype("int8")
    channels, window = shape[0], array[0].size
    node = Node(
        name="one", inputs=(), elements=1, kind="Conv2D", weights=array.size, channels=channels, window=window,
        zeros=float((array == 0).mean()),
    )  # fmt: skip
    (found,) = sparse(integer(Graph(nodes=(node,)))).nodes
    size = smallest(array).size_bytes
    assert found.packed.low - SPARSE_GRAPH_BYTES[0] <= size <= found.packed.high - SPARSE_GRAPH_BYTES[2]


def test_it_takes_no_time_and_the_memory_of_what_is_written_out():
    profile = load_profile("rpi4")
    plain, small = lowered(pruned(0.9), INT8), lowered(pruned(0.9), SPARSE)
    assert latency.predict(profile, small).value <= latency.predict(profile, plain).value
    (node,) = (one for one in small.nodes if one.packed is not None)
    grown = ram.predict(profile, small).value - ram.predict(profile, plain).value
    assert grown == node.packed.usual, "the file holds the encoded kernel, the process the written one too"
