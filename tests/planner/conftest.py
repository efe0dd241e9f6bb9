"""Tasks on the bundled devices, for a small network whose facts are written by hand."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest

from edgekit.devices.profile import load_profile
from edgekit.documents.facts import LayerFacts, ModelFacts, TensorFacts
from edgekit.documents.report import Metric
from edgekit.planner.planner import Planner, Trial
from edgekit.project.project import AIM_OF, Goal
from edgekit.techniques.interface import Task
from edgekit.verdict.checks import judge
from edgekit.verdict.limits import limits_of
from edgekit.verdict.metric_spec import MetricSpec


def small_network(filters: int = 16) -> ModelFacts:
    """8x8x1, one 3x3 convolution, a dense layer of 10."""
    flat = 36 * filters
    layers = (
        LayerFacts(name="image", kind="InputLayer", output_shape=(8, 8, 1)),
        LayerFacts(
            name="convolution", kind="Conv2D", inputs=("image",), output_shape=(6, 6, filters), activation="relu",
            parameters=9 * filters + filters, macs=36 * 9 * filters, kernel=(3, 3, 1, filters),
        ),
        LayerFacts(name="flat", kind="Flatten", inputs=("convolution",), output_shape=(flat,)),
        LayerFacts(
            name="classes", kind="Dense", inputs=("flat",), output_shape=(10,), activation="softmax",
            parameters=flat * 10 + 10, macs=flat * 10, kernel=(flat, 10),
        ),
    )  # fmt: skip
    image = TensorFacts(name="image", shape=(8, 8, 1), dtype="float32")
    classes = TensorFacts(name="classes", shape=(10,), dtype="float32")
    return ModelFacts(
        sha256="0" * 64, format="keras", inputs=(image,), outputs=(classes,), layers=layers, output_kinds=("softmax",)
    )


@pytest.fixture(scope="session")
def task() -> Callable[..., Task]:
    return make_task


_profile = functools.cache(load_profile)  # the host's is taken live, which takes a moment


def make_task(
    device: str = "rpi4",
    *,
    currency: Any = "flash",
    aim: Any = None,
    search: Any = "first",
    filters: int = 16,
    **given: Any,
):
    """The task of a device; `limits` are the user's, beside the profile's, other keywords are the task's own."""
    profile = _profile(device)
    known = limits_of(profile, {"accuracy_drop": 1.0, **given.pop("limits", {})})
    goal = Goal(max_drop_points=1.0, metric=MetricSpec(), aim=aim or AIM_OF[currency], search=search)
    facts = given.pop("facts", None) or small_network(filters)
    return Task(profile=profile, facts=facts, goal=goal, limits=known, **given)


def _trial(planner, candidate, *, drop=0.0, failure=None, scale=1.0, **sizes):
    """What came of a candidate: what was predicted, times `scale`, unless a size is given."""
    if failure is not None:
        return Trial(candidate=candidate, seconds=1.0, failure=failure)
    values = {name: estimate.value * scale for name, estimate in candidate.estimates.items()} | sizes
    basis = {"ram": "simulated", "latency": "simulated"}  # what runs here stands in for the device
    metrics = {
        name: Metric(value=value, unit="", basis=basis.get(name, "measured"), source="a test")
        for name, value in values.items()
    }
    metrics["accuracy_drop"] = Metric(value=drop, unit="points", basis="simulated", source="a test")
    return Trial(candidate=candidate, seconds=1.0, metrics=metrics, checks=judge(planner.task.limits.values, metrics))


@pytest.fixture(scope="session")
def trial() -> Callable[..., Trial]:
    return _trial


@pytest.fixture(scope="session")
def search() -> Callable[..., list[str]]:
    """Asks and tells until the end; `answers` are keywords of `trial` by candidate. Returns the names asked for.

    One scale a tensor loses too much, where nothing else is said.
    """

    def run(planner: Planner, answers: dict[str, dict[str, Any]] | None = None) -> list[str]:
        asked, answers = list[str](), {"int8_per_tensor": {"drop": 9.0}, **(answers or {})}
        while (candidate := planner.ask()) is not None:
            asked.append(candidate.name)
            planner.tell(_trial(planner, candidate, **answers.get(candidate.name, {})))
            assert len(asked) < 100
        return asked

    return run


@pytest.fixture(scope="session")
def reasons() -> Callable[[Planner], dict[str, str]]:
    """Why each candidate was declined."""
    return lambda planner: {one.technique: one.reason for one in planner.declined}
