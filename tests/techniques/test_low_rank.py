"""Low rank where it is planned: what it proposes and why not, its costs, and what each setting means. Files are in `factors/test_seen.py`."""

from __future__ import annotations

import itertools
from pathlib import Path

import msgspec
import pytest

from edgekit.cost import flash, latency
from edgekit.cost.lowering import lower
from edgekit.devices.profile import load_profile
from edgekit.documents.candidate import Declined, Step
from edgekit.documents.facts import LayerFacts, ModelFacts, TensorFacts
from edgekit.errors import ProjectError
from edgekit.planner.candidates import candidates
from edgekit.planner.planner import outline
from edgekit.project.project import AIM_OF, Goal
from edgekit.techniques import technique
from edgekit.techniques.integer import integer
from edgekit.techniques.interface import Task
from edgekit.tflite.reader import read_tflite
from edgekit.verdict.limits import Limit, Limits
from edgekit.verdict.metric_spec import MetricSpec

GOLDEN = Path(__file__).parent.parent / "golden"
LOW_RANK = technique("low_rank")
AUTOENCODER = (640, 128, 128, 128, 128, 8, 128, 128, 128, 128, 640)


def dense(*sizes: int) -> ModelFacts:
    """Dense layers one after another."""
    found = [LayerFacts(name="given", kind="InputLayer", output_shape=sizes[:1])]
    for index, (given, made) in enumerate(itertools.pairwise(sizes)):
        found.append(
            LayerFacts(
                name=f"dense_{index}", kind="Dense", inputs=(found[-1].name,), output_shape=(made,), kernel=(given, made),
                parameters=given * made + made, macs=given * made,
            )
        )  # fmt: skip
    return facts(found)


def convolutions(*channels: int, size: int = 3, places: int = 8) -> ModelFacts:
    """Convolutions of a size one after another, on a square of places."""
    found = [LayerFacts(name="given", kind="InputLayer", output_shape=(places, places, channels[0]))]
    for index, (given, made) in enumerate(itertools.pairwise(channels)):
        weights = size * size * given * made
        found.append(
            LayerFacts(
                name=f"conv_{index}", kind="Conv2D", inputs=(found[-1].name,), output_shape=(places, places, made),
                kernel=(size, size, given, made), parameters=weights + made, macs=places * places * weights,
            )
        )  # fmt: skip
    return facts(found)


def facts(layers: list[LayerFacts]) -> ModelFacts:
    ends = (TensorFacts(name=one.name, shape=one.output_shape, dtype="float32") for one in (layers[0], layers[-1]))
    given, made = ends
    return ModelFacts(
        sha256="0" * 64, format="keras", inputs=(given,), outputs=(made,), layers=tuple(layers), output_kinds=("linear",)
    )  # fmt: skip


def a_task(model: ModelFacts, currency: str | None = "flash", device: str = "nucleo-l4r5zi", **limits: float) -> Task:
    goal = Goal(max_drop_points=1.0, metric=MetricSpec(), aim=AIM_OF[currency] if currency else "balanced")
    found = Limits(deciding={name: Limit(value=value, origin="user") for name, value in limits.items()})
    return Task(profile=load_profile(device), facts=model, goal=goal, limits=found)


def proposed(task: Task) -> list[float]:
    answer = LOW_RANK.propose(task)
    assert not isinstance(answer, Declined), answer.reason
    return [one.left for one in answer]


def reason(task: Task) -> str:
    answer = LOW_RANK.propose(task)
    assert isinstance(answer, Declined)
    return answer.reason


@pytest.mark.parametrize("currency", ["flash", "download", "latency"])
def test_two_shares_are_proposed_for_wide_dense_layers_and_stronger_ones_follow(currency):
    found = list(LOW_RANK.propose(a_task(dense(*AUTOENCODER), currency)))
    assert [one.left for one in found] == [0.5, 0.35]
    while (heavier := LOW_RANK.stronger(found[-1])) is not None:
        found.append(heavier)
    assert [LOW_RANK.label(one) for one in found] == [f"low_rank_{share}" for share in (50, 35, 25, 15)]
    strengths = [LOW_RANK.strength(one) for one in found]
    assert strengths == sorted(set(strengths))


def test_the_narrow_layers_of_an_autoencoder_stay_whole():
    graph = lower(dense(*AUTOENCODER))
    after = LOW_RANK.effect(graph, LOW_RANK.settings_type(left=0.25))
    names = {node.name for node in after.nodes}
    assert "dense_4" in names and not {"dense_4_low_rank", "dense_5_low_rank"} & names, "128 to 8 and 8 to 128"
    whole = 2 * 640 * 128 + 6 * 128 * 128
    rank_of_ends, rank_inside = 26, 16  # a quarter of 81,920 over 768, and of 16,384 over 256
    factors = 2 * rank_of_ends * (640 + 128) + 6 * rank_inside * (128 + 128)
    assert graph.weights - after.weights == whole - factors
    assert graph.macs - after.macs == whole - factors
    assert sum(node.biases for node in after.nodes) == sum(node.biases for node in graph.nodes)


def test_a_file_is_predicted_smaller_by_the_weights_less_scales_and_operators():
    graph = lower(dense(*AUTOENCODER))
    after = LOW_RANK.effect(graph, LOW_RANK.settings_type(left=0.25))
    before, then = (flash.predict(None, integer(one)).value for one in (graph, after))
    ranks = 2 * 26 + 6 * 16
    assert before - then == graph.weights - after.weights - 9 * ranks - 200 * 8
    assert then < 0.4 * before


@pytest.mark.parametrize(("device", "small", "large"), [("rpi4", 128, 1024), ("nucleo-l4r5zi", 32, 64)])
def test_an_operator_more_takes_time_that_small_layers_do_not_save(device, small, large):
    """5 us on a Raspberry Pi 4 that computes billions of products a second, 20 us on a microcontroller that computes few."""
    board = load_profile(device)
    for size, slower in ((small, True), (large, False)):
        graph = lower(dense(size, size, size))
        after = LOW_RANK.effect(graph, LOW_RANK.settings_type(left=0.5))
        assert len(after.nodes) == 2 * len(graph.nodes)
        before_ms, after_ms = (latency.predict(board, integer(one)).value for one in (graph, after))
        assert (after_ms > before_ms) is slower, size
    told = reason(a_task(dense(small, small, small), "latency", device))
    assert "add" in told and "of latency" in told
    assert proposed(a_task(dense(small, small, small), "flash", device)), "in flash the same layers pay"


@pytest.mark.parametrize(("given", "made"), [(144, 8), (2028, 10)])
def test_of_thin_kernels_what_rank_8_takes_and_may_take_says_why(given, made):
    """Of 2028 to 10, rank 8 takes fewer bytes than the whole (16,304 and 9 scales of 20,280): it is the half that declines it."""
    cost, whole = 8 * (given + made), given * made
    assert reason(a_task(dense(given, made, 3))) == (
        f"no kernel costs less in factors: dense_0, the nearest to it, has {given} to {made} channels; factors of rank 8, the least that is "
        f"used, take {cost:,} weights, and may take at most {whole // 2:,}, 50% of its {whole:,}"
    )
    assert "there is no dense layer or convolution" in reason(a_task(dense(64)))


def test_of_two_thin_kernels_the_one_whose_factors_are_nearest_to_what_they_may_take_is_named():
    """Rank 8 of 4000 to 3 takes 2.7 times its weights, of 60 to 20 half as many as all of them again."""
    told = reason(a_task(dense(4000, 3, 60, 20)))
    assert (
        "dense_2, the nearest to it, has 60 to 20 channels" in told
        and "take 640 weights, and may take at most 600" in told
    )


def test_of_factors_that_are_as_large_as_the_kernel_the_bytes_say_why():
    """Nine tenths of 40 to 40 are rank 18: 18 * 80 weights, 18 scales of 9 bytes, an operator of 200."""
    graph = lower(dense(40, 40))
    assert 18 * 80 + 18 * 9 + 200 == 1802
    assert LOW_RANK.requires(graph, LOW_RANK.settings_type(left=0.9)) == (
        "no kernel costs less in factors: dense_0, the nearest to it, has 40 to 40 channels; factors of rank 18 take 1,802 B of an int8 "
        "file, their scales and operators included, and the whole takes 1,600"
    )


def test_a_form_that_leaves_every_kernel_whole_says_so():
    graph = lower(convolutions(16, 64, 64))
    unmet = LOW_RANK.requires(graph, LOW_RANK.settings_type(form="svd"))
    assert unmet is not None and 'the form "svd" leaves kernels with a window whole' in unmet
    thin = LOW_RANK.requires(lower(convolutions(64, 8, size=5)), LOW_RANK.settings_type(form="tucker"))
    assert thin is not None and "has 5x5 of 64 to 8 channels; factors of rank 64 and 8, the least" in thin


def test_windows_of_few_channels_stay_whole_unless_the_project_asks():
    narrow = a_task(convolutions(16, 32, 32))
    assert reason(narrow) == (
        "its 2 kernels with a window have fewer than 64 channels on a side, and lose more than they save (a chain of the "
        "project's own factorises them)"
    )
    wide = LOW_RANK.propose(a_task(convolutions(16, 32, 64, 64)))
    assert wide[0].exclude == ("conv_0", "conv_1") and wide[0].form == "best"
    asked = LOW_RANK.settings_type(form="spatial")
    assert LOW_RANK.requires(narrow.graph, asked) is None
    assert [node.name for node in LOW_RANK.effect(narrow.graph, asked).nodes] == [
        "conv_0_low_rank", "conv_0", "conv_1_low_rank", "conv_1",
    ]  # fmt: skip


def test_points_of_a_mobile_network_are_factorised_and_depthwise_kernels_never(keyword_spotter):
    task = a_task(keyword_spotter)
    found = LOW_RANK.propose(task)
    after = LOW_RANK.effect(task.graph, found[0])
    names = {node.name for node in after.nodes}
    assert {f"pointwise{index}_low_rank" for index in range(4)} <= names
    assert not any(name.startswith(("depthwise", "first", "dense")) for name in names if name.endswith("_low_rank"))


@pytest.fixture
def keyword_spotter() -> ModelFacts:
    """Four separable blocks of 64 channels at 25x5, 12 classes."""
    shape, found = (25, 5, 64), [LayerFacts(name="given", kind="InputLayer", output_shape=(49, 10, 1))]

    def add(name: str, kind: str, kernel: tuple[int, ...], weights: int, made: tuple[int, ...] = shape) -> None:
        found.append(
            LayerFacts(
                name=name, kind=kind, inputs=(found[-1].name,), output_shape=made, kernel=kernel, parameters=weights + made[-1],
                macs=125 * weights,
            )
        )  # fmt: skip

    add("first", "Conv2D", (10, 4, 1, 64), 40 * 64)
    for index in range(4):
        add(f"depthwise{index}", "DepthwiseConv2D", (3, 3, 64, 1), 9 * 64)
        add(f"pointwise{index}", "Conv2D", (1, 1, 64, 64), 64 * 64)
    add("dense", "Dense", (64, 12), 64 * 12, (12,))
    return facts(found)


def test_what_the_project_names_stays_whole():
    named = a_task(dense(*AUTOENCODER))
    named = Task(**{name: getattr(named, name) for name in named.__struct_fields__} | {"exclude": ("dense_[0-3]",)})
    found = LOW_RANK.propose(named)
    assert set(found[0].exclude) == {"dense_0", "dense_1", "dense_2", "dense_3"}
    names = {node.name for node in LOW_RANK.effect(named.graph, found[0]).nodes}
    assert "dense_3_low_rank" not in names and "dense_6_low_rank" in names


def test_it_is_declined_where_nobody_asks_for_what_it_saves_or_it_is_too_little():
    nobody = reason(a_task(dense(*AUTOENCODER), None))
    assert "neither a limit nor the goal asks" in nobody
    large = a_task(dense(*AUTOENCODER), None, flash=64e6)
    assert "predicted to save" in reason(large) and "of flash, below 1% of the limit of" in reason(large)
    assert proposed(a_task(dense(*AUTOENCODER), None, flash=200e3)) == [0.5, 0.35]


@pytest.mark.parametrize("device", ["rpi4", "pixel-8", "corstone-300", "esp32-s3"])
def test_it_is_planned_on_every_kind_of_device(device):
    found, _ = candidates(a_task(dense(*AUTOENCODER), "flash", device))
    names = [one.name for one in found]
    assert any(name.startswith("low_rank_50+") for name in names), names
    plain = next(one for one in found if one.name == "int8")
    (half,) = (one for one in found if one.name == "low_rank_50+int8")
    assert half.estimates["flash"].value < 0.65 * plain.estimates["flash"].value
    assert half.estimates["download"].value < 0.65 * plain.estimates["download"].value


def test_chains_begin_with_it():
    task = a_task(dense(*AUTOENCODER), "download")
    names = [one.name for one in outline(task).candidates]
    assert any(name.startswith("low_rank_35+pruning_75+") for name in names)
    assert all(name.startswith("low_rank") for name in names if "low_rank" in name)
    chain = next(one for one in outline(task).candidates if one.name == "low_rank_35+pruning_75+int8")
    alone = next(one for one in outline(task).candidates if one.name == "pruning_75+int8")
    assert chain.estimates["download"].value < alone.estimates["download"].value


def test_a_chain_of_ones_own_may_ask_for_the_energy_and_is_predicted_with_all_its_weights():
    base = a_task(dense(*AUTOENCODER))
    step = Step(technique="low_rank", settings={"energy": 0.9, "exclude": ["dense_0"]})
    task = Task(**{name: getattr(base, name) for name in base.__struct_fields__} | {"chains": ((step,),)})
    (own,) = (one for one in candidates(task)[0] if one.name.startswith("own_1"))
    assert own.name == "own_1:low_rank_energy_90+int8" and own.unmet is None
    plain = next(one for one in candidates(task)[0] if one.name == "int8")
    assert own.estimates == plain.estimates, "its ranks are not known before its weights are"
    settings = own.steps[0].settings
    assert settings.exclude == ("dense_0",)
    assert LOW_RANK.strength(settings) is None and LOW_RANK.stronger(settings) is None
    wrong = Step(technique="low_rank", settings={"energy": 1.5})
    with pytest.raises(ProjectError, match="energy"):
        candidates(Task(**{name: getattr(base, name) for name in base.__struct_fields__} | {"chains": ((wrong,),)}))


def test_a_step_without_a_kernel_that_pays_is_not_met():
    graph = lower(dense(144, 8, 3))
    for settings in (LOW_RANK.settings_type(), LOW_RANK.settings_type(energy=0.9)):
        unmet = LOW_RANK.requires(graph, settings)
        assert (
            unmet is not None
            and "factors of rank 8, the least that is used, take 1,216 weights, and may take at most 576" in unmet
        )
    wide = lower(dense(144, 64, 3))
    assert LOW_RANK.requires(wide, LOW_RANK.settings_type(energy=0.9)) is None
    assert "left out" in LOW_RANK.requires(wide, LOW_RANK.settings_type(exclude=("dense_0", "dense_1")))


def test_the_names_of_factors_that_the_network_has_itself_are_no_evidence_and_no_project_says_so():
    base = dense(64, 64, 64, 64)
    names = {"dense_0": "enc_low_rank", "dense_1": "enc", "dense_2": "dense_2", "given": "given"}
    layers = [
        msgspec.structs.replace(one, name=names[one.name], inputs=tuple(names[name] for name in one.inputs))
        for one in base.layers
    ]
    task = a_task(facts(layers))
    step = Step(technique="low_rank", settings={"left": 0.5})
    asked = Task(**{name: getattr(task, name) for name in task.__struct_fields__} | {"chains": ((step,),)})
    own = next(one for one in candidates(asked)[0] if one.name.startswith("own_1"))
    assert own.steps[0].settings.own == ("enc_low_rank",)
    made = [node.name for node in LOW_RANK.effect(task.graph, own.steps[0].settings).nodes]
    assert made == ["enc_low_rank_low_rank", "enc_low_rank", "enc", "dense_2_low_rank", "dense_2"]
    forged = Step(technique="low_rank", settings={"own": ["enc"]})
    with pytest.raises(ProjectError, match="a setting that the planner writes"):
        candidates(Task(**{name: getattr(task, name) for name in task.__struct_fields__} | {"chains": ((forged,),)}))


def test_the_bytes_of_a_file_show_two_dense_layers_that_are_one():
    """The golden file's 144 to 8 as 144 to 2 to 8: 304 of 1,152 weights, which are 26.4%."""
    tflite = read_tflite(GOLDEN / "low_rank_int8.tflite")
    found = LOW_RANK.ensures(tflite, LOW_RANK.settings_type(left=0.3))
    assert found.holds and found.detail == "1 kernels are products of ranks 2 to 2, with 304 of 1,152 weights"
    assert not LOW_RANK.ensures(tflite, LOW_RANK.settings_type(left=0.25)).holds, "more than was asked for"
    for stem in ("int8", "float32", "pruned_int8", "dynamic_range", "float16"):
        assert not LOW_RANK.ensures(read_tflite(GOLDEN / f"{stem}.tflite"), LOW_RANK.settings_type()).holds
