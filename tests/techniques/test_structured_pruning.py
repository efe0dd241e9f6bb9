"""Where structured pruning is proposed, by which budget and how strong, why it is declined, and what it is predicted to cost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from edgekit.cost import flash
from edgekit.cost.lowering import lower
from edgekit.devices.profile import load_profile
from edgekit.documents.candidate import Declined, Step
from edgekit.documents.facts import ChannelGroup, LayerFacts, ModelFacts, TensorFacts
from edgekit.planner.candidates import candidates
from edgekit.project.project import AIM_OF, Goal
from edgekit.techniques import technique
from edgekit.techniques.interface import Task
from edgekit.techniques.steps import settled, typed
from edgekit.verdict.limits import Limit, Limits
from edgekit.verdict.metric_spec import MetricSpec

METHOD = technique("structured_pruning")
ROOT = Path(__file__).resolve().parents[2]


def network(wide: int = 64) -> ModelFacts:
    """16x16x3 -> convolution (14x14) -> convolution (12x12) -> global pool -> 10 classes."""
    sizes = {"first": (3, wide, 14), "second": (wide, wide, 12)}
    layers = [LayerFacts(name="image", kind="InputLayer", output_shape=(16, 16, 3))]
    for name, (taken, made, side) in sizes.items():
        layers.append(
            LayerFacts(
                name=name, kind="Conv2D", inputs=(layers[-1].name,), output_shape=(side, side, made), kernel=(3, 3, taken, made),
                parameters=9 * taken * made + made, macs=side * side * 9 * taken * made,
            )
        )  # fmt: skip
    layers.append(
        LayerFacts(name="pool", kind="GlobalAveragePooling2D", inputs=("second",), output_shape=(wide,)),
    )
    layers.append(
        LayerFacts(name="classes", kind="Dense", inputs=("pool",), output_shape=(10,), kernel=(wide, 10),
                   parameters=wide * 10 + 10, macs=wide * 10)
    )  # fmt: skip
    groups = (
        ChannelGroup(size=wide, layers={"first": wide}, reads={"second": wide}),
        ChannelGroup(size=wide, layers={"second": wide, "pool": wide}, reads={"classes": wide}),
    )
    image = TensorFacts(name="image", shape=(16, 16, 3), dtype="float32")
    return ModelFacts(
        sha256="0" * 64, format="keras", inputs=(image,), outputs=(image,), layers=tuple(layers), output_kinds=("linear",), groups=groups
    )  # fmt: skip


def a_task(device: str, currency: Any = None, facts: ModelFacts | None = None, **more: Any) -> Task:
    aim = AIM_OF[currency] if currency else "balanced"
    goal = Goal(max_drop_points=1.0, metric=MetricSpec(), aim=aim, search="first")
    limits = Limits(
        deciding={name: Limit(value=value, origin="user") for name, value in more.pop("limits", {}).items()}
    )
    return Task(profile=load_profile(device), facts=facts or network(), goal=goal, limits=limits, **more)


def labels(task: Task) -> list[str]:
    answer = METHOD.propose(task)
    assert not isinstance(answer, Declined), answer.reason
    return [METHOD.label(one) for one in answer]


@pytest.mark.parametrize(
    ("currency", "budget"),
    [("flash", ""), ("download", ""), ("latency", "_latency"), ("ram", "_activations")],
)
def test_two_strengths_are_proposed_for_what_the_goal_makes_small(currency, budget):
    task = a_task("nucleo-l4r5zi", currency)
    assert labels(task) == [f"structured_pruning_30{budget}", f"structured_pruning_50{budget}"]


def test_each_stronger_one_follows_the_last():
    found = [METHOD.propose(a_task("rpi4", "flash"))[0]]
    while (heavier := METHOD.stronger(found[-1])) is not None:
        found.append(heavier)
    assert [METHOD.label(one) for one in found] == [f"structured_pruning_{one}" for one in (30, 50, 65, 75, 82, 88)]
    strengths = [METHOD.strength(one) for one in found]
    assert strengths == sorted(strengths) and len(set(strengths)) == len(strengths)


def test_with_a_balanced_goal_the_first_cost_that_it_moves_enough_decides():
    """39 KB of weights: of a flash of 100 KB that is much, of 100 MB nothing, and then the time counts."""
    small, large = {"flash": 1e5, "latency": 1.0}, {"flash": 1e8, "latency": 1.0}
    assert labels(a_task("rpi4", limits=small))[0] == "structured_pruning_30"
    assert labels(a_task("rpi4", limits=large))[0] == "structured_pruning_30_macs"


@pytest.mark.parametrize("device", ["nucleo-l4r5zi", "rpi4", "esp32-s3"])
@pytest.mark.parametrize("wide", [32, 64, 128])
@pytest.mark.parametrize("left", [0.7, 0.5, 0.35])
def test_the_predicted_latency_is_at_most_the_share_of_the_originals(device, wide, left):
    """Counted by the plan's own cost model in the file's arithmetic, in a chain of one's own too."""
    settings = {"left": left, "budget": "latency"}
    chain = (Step(technique="structured_pruning", settings=settings), Step(technique="int8"))
    found, _ = candidates(a_task(device, "latency", network(wide), chains=(chain,)))
    plain = next(one for one in found if one.name == "int8")
    own = next(one for one in found if one.name.startswith("own_1"))
    assert own.unmet is None and own.name == f"own_1:structured_pruning_{100 * (1 - left):.6g}_latency+int8"
    before, after = (one.estimates["latency"].value for one in (plain, own))
    assert 0.4 * left * before < after <= left * before * (1 + 1e-9)
    settled_ = own.steps[0].settings
    assert settled_.whole == pytest.approx(before * 1e6, abs=1) and 0 < settled_.fixed < settled_.whole


def test_what_settings_take_from_a_device_stands_in_them():
    """So the trained stage of one device is not another's, while all conversions of one share it."""
    settings = METHOD.settings_type(budget="latency")
    board, other = (METHOD.on_device(load_profile(one), settings) for one in ("rpi4", "nucleo-l4r5zi"))
    assert board != other and board.time is not None
    assert METHOD.on_device(load_profile("rpi4"), METHOD.settings_type()) == METHOD.settings_type()


def test_the_latency_is_the_budget_only_where_it_decides():
    """A limit that is kept asks for no share of the time; and where the overhead is most of it, the multiply-accumulates are cut."""
    time = METHOD.on_device(load_profile("rpi4"), METHOD.settings_type(budget="latency")).time
    ms = time.of_graph(lower(network())) / 1e6
    missed, kept = ({"flash": 1e8, "latency": part * ms} for part in (0.8, 1.2))
    assert labels(a_task("rpi4", limits=missed))[0] == "structured_pruning_30_latency"
    assert labels(a_task("rpi4", limits=kept))[0] == "structured_pruning_30_macs"
    small = network(8)
    assert METHOD.requires(lower(small), METHOD.settings_type(left=0.3, budget="latency", time=time))
    assert labels(a_task("rpi4", "latency", small))[0] == "structured_pruning_30_macs"


def reason(task: Task) -> str:
    answer = METHOD.propose(task)
    assert isinstance(answer, Declined)
    return answer.reason


def test_it_is_declined_where_it_saves_too_little():
    found = reason(a_task("rpi4", limits={"flash": 1e8}))
    assert (
        found.startswith("narrower layers are predicted to save at most 3")
        and "below 1% of a limit of 95.4 MiB" in found
    )


def test_it_is_declined_where_nothing_that_it_shrinks_counts():
    assert "neither a limit nor the goal asks" in reason(a_task("rpi4"))


def test_it_is_declined_where_no_channel_can_go():
    alone = msgspec.structs.replace(network(), groups=())
    assert reason(a_task("rpi4", "flash", alone)).startswith("no layer has channels that can go")
    task = a_task("rpi4", "flash", exclude=("second",))
    assert reason(task).startswith("none of the 2 groups of channels can be cut: the layers are left out")


def test_where_no_training_is_allowed_the_planner_declines_it():
    _, declined = candidates(a_task("rpi4", "flash", trains=False))
    assert {one.technique: one.reason for one in declined}[METHOD.name].startswith("the project allows no training")


def test_widths_are_finer_on_a_microcontroller_and_in_small_groups():
    def multiple(device: str, wide: int) -> int:
        return METHOD.propose(a_task(device, "flash", network(wide)))[0].multiple

    assert multiple("rpi4", 64) == 8 and multiple("rpi4", 32) == 4 and multiple("nucleo-l4r5zi", 64) == 4


@pytest.mark.parametrize("budget", ["parameters", "macs", "activations"])
@pytest.mark.parametrize("left", [0.7, 0.5, 0.25])
def test_the_prediction_keeps_the_budget_and_is_smaller_in_flash(budget, left):
    graph, settings = lower(network()), METHOD.settings_type(left=left, budget=budget)
    whole = METHOD.settled(graph, settings).whole
    after = METHOD.effect(graph, settings)
    assert 0 < METHOD.settled(after, settings).whole <= left * whole
    assert METHOD.requires(graph, settings) is None
    assert flash.predict(None, after).value < flash.predict(None, graph).value
    assert whole == {"parameters": 9 * 3 * 64 + 9 * 64 * 64 + 640, "macs": 14 * 14 * 1728 + 12 * 12 * 36864 + 640, "activations": (14 * 14 + 12 * 12) * 64}[budget]  # fmt: skip


def test_what_no_widths_allow_is_declined_with_the_least_that_stays():
    graph = lower(network())
    found = METHOD.requires(graph, METHOD.settings_type(left=0.01))
    assert found is not None and "where 1% are asked for" in found and "an eighth" in found
    only = METHOD.settings_type(left=0.5, exclude=("first",))
    assert METHOD.effect(graph, only).nodes[0] == graph.nodes[0], "what is left out keeps its filters"


def test_a_chain_of_ones_own_says_what_is_left_and_no_more():
    """The planner writes what the model holds before, after the steps before it too."""
    steps = (Step(technique="structured_pruning", settings={"left": 0.5}), Step(technique="quantization_aware"))
    found, _ = candidates(a_task("rpi4", chains=(steps,)))
    (own,) = [one for one in found if one.name.startswith("own_1")]
    assert own.name == "own_1:structured_pruning_50+quantization_aware+int8"
    assert own.steps[0].settings.whole == 9 * 3 * 64 + 9 * 64 * 64 + 640
    graph = METHOD.effect(lower(network()), own.steps[0].settings)
    (again,) = settled(graph, [typed(steps[0])])
    assert again.settings.whole == graph.weights < own.steps[0].settings.whole


MODEL = (Path(__file__).parent / "user" / "tiny_dense.py").read_text(encoding="utf-8")
PROJECT = """
model = "tiny:model"
data = "tiny:data"
[training]
epochs = 2
learning_rate = 1e-3
[[chain]]
steps = [{ technique = "structured_pruning", settings = { left = 0.5 } }, "int8"]
[[chain]]
steps = [{ technique = "structured_pruning", settings = { left = 0.5, criterion = "group_lasso" } }, "int8"]
"""


@pytest.mark.tf
def test_a_build_with_such_a_chain_proves_it_in_the_bytes(tmp_path):
    (tmp_path / "tiny.py").write_text(MODEL, encoding="utf-8")
    (tmp_path / "edgekit.toml").write_text(PROJECT, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "EDGEKIT_CACHE": str(tmp_path / "cache")}
    command = [sys.executable, "-m", "edgekit", "build", "--device", "rpi4", "--json", "--quiet"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    tried = {candidate["candidate"]: candidate for candidate in json.loads(done.stdout)["candidates"]}
    whole = 64 * 64 + 64 * 4
    left = 64 * 32 + 32 * 4
    shown = f"{left:,} of {whole:,} weights, 50.0%; 50% asked for"
    for number, criterion in enumerate(("probe", "group_lasso"), start=1):
        own = tried[f"own_{number}:structured_pruning_50+int8"]
        assert f"structured_pruning, in the model after structured_pruning: {shown}" in own["evidence"], criterion
        assert f"structured_pruning, in the file: {shown}" in own["evidence"], criterion
        assert own["metrics"]["macs"]["value"] == left, "a dense layer multiplies each weight once"
        assert own["metrics"]["flash"]["value"] < whole, "less than a byte for each weight that there was"
        assert own["metrics"]["accuracy"]["value"] > 0.5, "four classes"
        (trained,) = own["training"]
        assert trained.startswith("structured_pruning: channels ranked by ") and "2 epochs (of 2)" in trained
        assert ("; group lasso: the training loss was " in trained) == (criterion == "group_lasso")
