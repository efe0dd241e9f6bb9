"""Kernels in the smallest coding: the file that comes out, where the planner tries it, and what it is predicted to cost."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

from edgekit.cost import flash, latency, ram
from edgekit.cost.file_latency import predicted_latency
from edgekit.cost.graph import Graph, Node
from edgekit.cost.lowering import lower
from edgekit.devices.profile import load_profile
from edgekit.documents.candidate import Declined, Step
from edgekit.documents.facts import LayerFacts, ModelFacts, TensorFacts
from edgekit.documents.report import Metric
from edgekit.planner.candidates import candidates, chained
from edgekit.planner.correct import corrected
from edgekit.planner.planner import outline
from edgekit.planner.trial import Trial
from edgekit.project.project import AIM_OF, Goal
from edgekit.techniques import technique
from edgekit.techniques.int8_coded import REUSED
from edgekit.techniques.integer import integer
from edgekit.techniques.interface import Task
from edgekit.techniques.packing import coded
from edgekit.techniques.steps import effect, typed
from edgekit.tflite.coding.huffman import codebook, counted, in_code
from edgekit.tflite.coding.lookup import in_tables
from edgekit.tflite.coding.pruned import without_zeros
from edgekit.tflite.reader import parse_tflite, read_tflite
from edgekit.tflite.weights import kernels
from edgekit.verdict.limits import limits_of
from edgekit.verdict.metric_spec import MetricSpec

GOLDEN = Path(__file__).parent.parent / "golden"
METHOD = technique("int8_coded")
CODED = Step(technique="int8_coded", settings={"io": "int8", "least_macs": 0})
INT8 = Step(technique="int8", settings={"io": "int8"})


def pruned(share: float) -> Step:
    return Step(technique="pruning", settings={"sparsity": share})


def facts(filters: int) -> ModelFacts:
    """A picture of 8 x 8 x 16, a 3 x 3 convolution to `filters`, a dense layer of 10 on all of it."""
    kernel, elements = 3 * 3 * 16 * filters, 6 * 6 * filters
    layers = (
        LayerFacts(name="image", kind="InputLayer", output_shape=(8, 8, 16)),
        LayerFacts(
            name="convolution", kind="Conv2D", inputs=("image",), output_shape=(6, 6, filters),
            parameters=kernel + filters, macs=36 * kernel, kernel=(3, 3, 16, filters), activation="relu",
        ),
        LayerFacts(
            name="classes", kind="Dense", inputs=("convolution",), output_shape=(10,), parameters=10 * elements + 10,
            macs=10 * elements, kernel=(elements, 10), activation="softmax",
        ),
    )  # fmt: skip
    tensor = TensorFacts(name="image", shape=(8, 8, 16), dtype="float32")
    return ModelFacts(
        sha256="0" * 64, format="keras", inputs=(tensor,), outputs=(tensor,), layers=layers, output_kinds=("softmax",)
    )


def a_task(
    device: str = "nucleo-l4r5zi", *, filters: int = 200, currency="flash", trains: bool = True, **limits: float
) -> Task:
    goal = Goal(max_drop_points=1.0, metric=MetricSpec(), aim=AIM_OF[currency], search="first")
    given = limits_of(load_profile("rpi4"), {"flash": 2.0**20, **limits})
    return Task(profile=load_profile(device), facts=facts(filters), goal=goal, limits=given, trains=trains)


def lowered(model: ModelFacts, *steps: Step) -> Graph:
    return effect(lower(model), map(typed, steps))[0]


def test_the_pruned_kernel_is_coded_and_the_small_ones_stay():
    """1,152 weights of which 288 are not zero: 144 B of bits and 288 B of values."""
    content = (GOLDEN / "pruned_int8.tflite").read_bytes()
    made = parse_tflite(METHOD.finish(None, content, METHOD.settings_type(io="int8")), where="t")
    assert made.content == (GOLDEN / "coded_int8.tflite").read_bytes()
    for mine, theirs in zip(kernels(made), kernels(parse_tflite(content, where="t")), strict=True):
        np.testing.assert_array_equal(mine.array, theirs.array)
    found = METHOD.ensures(made, METHOD.settings_type(io="int8"))
    assert found.holds
    assert found.detail.startswith("1 of 4 kernels are coded (1 pruned): 432 B in place of 1152 B")
    assert METHOD.finish(None, made.content, METHOD.settings_type()) == made.content, "what is coded is not coded again"


def test_what_does_not_shrink_stays_as_it_is_and_is_no_evidence():
    content = (GOLDEN / "int8.tflite").read_bytes()
    assert METHOD.finish(None, content, METHOD.settings_type()) == content
    found = METHOD.ensures(read_tflite(GOLDEN / "int8.tflite"), METHOD.settings_type())
    assert not found.holds and found.detail.startswith("0 of 4 kernels are coded")
    pruned_file = (GOLDEN / "pruned_int8.tflite").read_bytes()
    assert METHOD.finish(None, pruned_file, METHOD.settings_type(least_macs=2)) == pruned_file, "a dense layer"


def test_zeros_and_clusters_hold_in_a_coded_file():
    pruning, clustering = technique("pruning"), technique("clustering")
    assert pruning.ensures(read_tflite(GOLDEN / "coded_int8.tflite"), pruning.settings_type(sparsity=0.75)).holds
    made = METHOD.finish(None, (GOLDEN / "clustered_int8.tflite").read_bytes(), METHOD.settings_type())
    coded_file = parse_tflite(made, where="t")
    assert METHOD.ensures(coded_file, METHOD.settings_type()).holds
    assert clustering.ensures(coded_file, clustering.settings_type(clusters=4)).holds


@pytest.mark.parametrize(
    ("task", "reason"),
    [
        (a_task("rpi4"), "only tflite-micro decodes coded weights"),
        (a_task("corstone-300"), "the compiler of the NPU"),
        (a_task(currency="ram"), "the goal is a small ram"),
        (a_task(filters=10), "the code that decodes them takes 11.1 KiB"),
        (a_task(trains=False), "the code that decodes them takes 11.1 KiB"),
    ],
    ids=["runtime", "npu", "currency", "too small", "no training makes zeros"],
)
def test_it_is_declined_where_it_gains_nothing(task, reason):
    waiting, declined = candidates(task)
    assert not any(candidate.steps[-1].technique.name == "int8_coded" for candidate in waiting)
    (found,) = (one for one in declined if one.technique == "int8_coded")
    assert isinstance(found, Declined) and reason in found.reason


def test_zeros_are_a_reason_for_flash_where_coded_weights_are_decoded():
    waiting, _ = candidates(a_task())
    zeros = [one for one in waiting if [step.technique.name for step in one.training] == ["pruning"]]
    assert {one.name for one in zeros} == {"pruning_50+int8_coded", "pruning_75+int8_coded"}
    assert all(not one.unmet and one.conversion.against(a_task(), one.graph) is None for one in zeros)
    _, declined = candidates(a_task("stm32mp157"))
    (found,) = (one for one in declined if one.technique == "pruning")
    assert "the plain raw file stores them" in found.reason and "only tflite-micro decodes" in found.reason
    few = technique("pruning").propose(a_task(filters=47))
    assert few[0].sparsity > 0.5, "the lightest that is predicted to save more than the decoder takes"


def test_a_training_that_makes_no_zeros_keeps_the_plain_file():
    """Simulated rounding is for the accuracy; coded or not is another question."""
    names = {one.name for one in candidates(a_task())[0]}
    assert {"quantization_aware+int8", "quantization_aware+int8_coded", "int8"} <= names


def test_chains_of_zeros_and_clusters_end_in_it():
    waiting, _ = candidates(a_task())
    parts = [one for one in waiting if len(one.training) == 1 and one.conversion.name == "int8_coded"]
    names = {one.name for one in chained(a_task(), parts)}
    assert "pruning_75+clustering_16+int8_coded" in names


def test_kernels_that_are_used_little_stay_plain_in_a_setting_of_its_own():
    """The convolution uses each weight 36 times, the dense layer once."""
    found = METHOD.propose(a_task(latency=50.0))
    assert [one.least_macs for one in found] == [REUSED, 0] and found[0].io == "int8"
    assert [METHOD.label(one) for one in found] == ["int8_coded_from_16_macs", "int8_coded"]
    graph = lowered(facts(200), pruned(0.75), CODED)
    assert [node.packed is not None for node in graph.nodes] == [True, True]
    often = Step(technique="int8_coded", settings={"io": "int8", "least_macs": REUSED})
    assert [node.packed is not None for node in lowered(facts(200), pruned(0.75), often).nodes] == [True, False]


def test_what_it_is_predicted_to_cost():
    """28,800 and 72,000 weights with 75% zeros: flash falls, the arena and the time rise."""
    profile, model = load_profile("nucleo-l4r5zi"), facts(200)
    plain, small = lowered(model, pruned(0.75), INT8), lowered(model, pruned(0.75), CODED)
    assert flash.predict(profile, plain).value == flash.predict(profile, lowered(model, INT8)).value, "zeros alone"
    before, after = flash.predict(profile, plain), flash.predict(profile, small)
    assert before.value - after.value == pytest.approx(100_800 * (1 - 0.36), rel=0.03)
    assert after.low < after.value < after.high < before.value
    more = ram.predict(profile, small).value - ram.predict(profile, plain).value
    assert more == (72_000 + 7200 + 16) - (1024 + 7200) + 2 * 185, (
        "the dense kernel, its input and output are the peak now"
    )
    slow, fast = latency.predict(profile, small), latency.predict(profile, plain)
    assert slow.value > fast.value and slow.high - slow.low > fast.high - fast.low


def test_a_dense_layer_is_predicted_to_take_many_times_longer():
    """One multiply-accumulate a weight, and 4 to 40 to decode it; a convolution at 900 a weight hardly notices."""
    profile = load_profile("nucleo-l4r5zi")

    def grows(macs_per_weight: int) -> float:
        node = Node(
            name="one", inputs=("x",), elements=100, kind="Dense", weights=200_000, channels=100, window=2000,
            macs=200_000 * macs_per_weight, zeros=0.9,
        )  # fmt: skip
        graph = integer(Graph(inputs={"x": 2000}, nodes=(node,), outputs=("one",)))
        return latency.predict(profile, coded(graph)).value / latency.predict(profile, graph).value

    assert grows(1) > 4 and grows(900) < 1.1


def test_the_latency_of_a_file_counts_what_is_decoded_by_its_coding():
    profile = load_profile("nucleo-l4r5zi")
    plain, small = (read_tflite(GOLDEN / f"{stem}.tflite") for stem in ("pruned_int8", "coded_int8"))
    assert predicted_latency(small, profile).value > predicted_latency(plain, profile).value


@pytest.mark.parametrize("zeros", [0.0, 0.5, 0.75, 0.9, 0.98])
@pytest.mark.parametrize("clusters", [None, 4, 16])
def test_the_prediction_encloses_what_the_encoders_make(zeros, clusters):
    """Normally distributed weights, the largest of a channel at 127, the smallest of them zero."""
    rng = np.random.default_rng(11)
    weights = rng.normal(size=(64, 600))
    weights[abs(weights) < np.quantile(abs(weights), zeros)] = 0
    array = np.rint(weights / abs(weights).max(axis=1, keepdims=True) * 127).astype(np.int8)
    if clusters:
        steps = np.linspace(-127, 127, clusters - 1).round()
        nearest = steps[abs(array[..., np.newaxis] - steps).argmin(-1)]
        array = np.where(array == 0, 0, nearest).astype(np.int8)
    found = (in_tables(array, 0), without_zeros(array), in_code(array, codebook(counted(array))))
    real = min(one.size_bytes for one in found if one is not None)
    node = Node(
        name="one", inputs=("x",), elements=64, kind="Dense", weights=array.size, channels=64, window=600, macs=array.size,
        zeros=float((array == 0).mean()), distinct=clusters,
    )  # fmt: skip
    (packed,) = (
        node.packed for node in coded(integer(Graph(inputs={"x": 600}, nodes=(node,), outputs=("one",)))).nodes
    )
    if packed is None:
        assert real > 0.9 * array.size
        return
    assert packed.low <= real <= packed.high
    assert packed.usual == pytest.approx(real, rel=0.2)


def test_the_int8_file_corrects_the_prediction_and_does_not_replace_it():
    waiting, _ = candidates(a_task())
    int8 = next(one for one in waiting if one.name == "int8")
    small = next(one for one in waiting if one.name == "pruning_75+int8_coded")
    metrics = {"flash": Metric(value=1.1 * int8.estimates["flash"].value, unit="B", basis="measured", source="")}
    found = corrected(small, [Trial(candidate=int8, seconds=1.0, metrics=metrics)]).estimates["flash"]
    assert found.value == pytest.approx(1.1 * small.estimates["flash"].value) and "of int8" in found.source


def test_without_training_it_is_tried_where_the_bytes_alone_may_pay():
    """A large model: 5% of dense int8 weights are more than the decoder's code."""
    big = a_task(filters=600, trains=False)
    waiting, _ = candidates(big)
    assert "int8_coded" in [one.name for one in waiting]
    assert not METHOD.requires(lower(facts(4)), METHOD.settings_type())
    only = msgspec.structs.replace(facts(4), layers=facts(4).layers[:1])
    assert "no layer has a kernel" in METHOD.requires(lower(only), METHOD.settings_type())


def test_an_outline_declines_what_would_not_pay_in_the_end():
    """Zeros may make it pay, so it is proposed; the plain kernels alone save less than the decoder's code takes."""
    found = outline(a_task())
    reasons = {one.technique: one.reason for one in found.declined}
    assert "the code that decodes them takes" in reasons["int8_coded"]
    names = {one.name for one in found.candidates}
    assert "pruning_75+int8_coded" in names and not names & set(reasons)
