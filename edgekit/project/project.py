"""A project: the model, the data, the goal and the budget, validated; the command line overrides the file.

Nothing is loaded here and no file but `edgekit.toml` is read.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, cast, get_args

import msgspec

from edgekit.documents.candidate import Step
from edgekit.errors import ProjectError, did_you_mean
from edgekit.paths import next_step_for, why_absent
from edgekit.project.held import require_values
from edgekit.project.project_file import (
    LARGEST_SEED,
    Aim,
    AugmentTable,
    BudgetTable,
    CalibrationTable,
    DataTable,
    GoalTable,
    ModelTable,
    ProjectFile,
    StepTable,
    StudentTable,
    TrainingTable,
)  # fmt: skip
from edgekit.project.quantities import LATENCY, SIZE, TIME_BUDGET, Quantity, number, plain_scalar, quantity
from edgekit.project.reading import OTHERWISE, read_project_file
from edgekit.project.userfunction import is_function
from edgekit.values import Value, read
from edgekit.verdict.limits import Limits, user_limits
from edgekit.verdict.metric_spec import MetricSpec, metric_spec

PROJECT_FILE = "edgekit.toml"
AIM_OF: dict[str, Aim] = {"flash": "smallest", "download": "download", "ram": "ram", "latency": "fastest"}
"""The aim that makes a metric small: `currency` names the metric."""
BUDGET_FIELDS = {"flash": "flash_bytes", "download": "download_bytes", "ram": "ram_bytes", "latency": "latency_ms"}
"""The field of a `Budget` that limits a metric."""


class Budget(Value):
    """Limits in bytes and milliseconds; None leaves the profile's own."""

    flash_bytes: int | None = None
    download_bytes: int | None = None
    ram_bytes: int | None = None
    latency_ms: float | None = None

    def limits(self) -> dict[str, float]:
        """The limits that were given, by metric name."""
        named = {name: getattr(self, field) for name, field in BUDGET_FIELDS.items()}
        return {name: float(value) for name, value in named.items() if value is not None}


class Goal(Value):
    """What may be lost (in points), by which metric, and what to optimise among candidates that hold every limit.

    `metric` is None if not given, until model and data are known (`edgekit.verdict.judged_by`); `output` is the model
    output that the metric is computed on.
    """

    max_drop_points: float
    metric: MetricSpec | None
    aim: Aim = "balanced"
    search: Literal["first", "all"] = "first"
    output: int = 0

    @property
    def judged_by(self) -> MetricSpec:
        """The metric, once it is known."""
        if self.metric is None:
            raise ValueError("the metric is not settled yet")
        return self.metric

    @property
    def currency(self) -> str | None:
        """The metric that the aim minimises; None if the aim weighs several metrics, or maximises accuracy."""
        return next((currency for currency, aim in AIM_OF.items() if aim == self.aim), None)


class Project(Value):
    """A validated project; `root` is the folder that its paths and modules are relative to.

    `replacement` is the network of `[student]`, which is offered in the model's place. `notes` say what a caller's argument put out of force.
    """

    root: str
    model: ModelTable | None
    data: DataTable | None
    devices: tuple[str, ...]
    goal: Goal
    budget: Budget
    training: TrainingTable
    calibration: CalibrationTable
    seed: int
    time_budget_s: float
    imports: tuple[str, ...] = ()
    chains: tuple[tuple[Step, ...], ...] = ()
    emulate: bool = False
    strict: bool = False
    keep_names: bool = False
    replacement: StudentTable | None = msgspec.field(default=None, name="student")
    notes: tuple[str, ...] = ()

    @property
    def limits(self) -> Limits:
        """What the project allows, in the user's name: the limits of its budget, and the drop of its goal."""
        return user_limits({**self.budget.limits(), "accuracy_drop": self.goal.max_drop_points})


def load_project(folder: Path, *, required: bool = True) -> Project:
    """The project in a folder; if there is no `edgekit.toml` and none is `required`, an empty one."""
    path = folder / PROJECT_FILE
    if not os.path.isfile(path):
        if not required:
            return resolve(ProjectFile(), root=folder, where="the command line")
        reason = why_absent(path) or ("what is no regular file" if os.path.exists(path) else "")
        raise ProjectError(
            f"there is no {PROJECT_FILE}",
            where=os.path.abspath(folder),
            received=reason or None,
            allowed=f"a folder with an {PROJECT_FILE} in it",
            next_step=next_step_for(reason)
            or "write one with `edgekit init`, name its folder with --project, or give --model and --data",
        )
    return resolve(read_project_file(path), root=folder, where=str(path))


def resolve(file: ProjectFile, *, root: Path, where: str) -> Project:
    """The validated project for raw keys; `where` names them in an error."""
    goal = file.goal
    return Project(
        root=str(root.resolve()),
        model=_model(file.model, f"{where}: model"),
        data=DataTable(source=file.data) if isinstance(file.data, str) else file.data,
        devices=(file.device,) if isinstance(file.device, str) else file.device or (),
        goal=Goal(
            max_drop_points=float(goal.max_drop),
            metric=_metric(goal, f"{where}: goal"),
            aim=_aim(goal, f"{where}: goal"),
            search=goal.search,
            output=goal.output,
        ),
        budget=_budget(file.budget, where),
        training=file.training,
        calibration=file.calibration,
        seed=file.seed,
        time_budget_s=quantity(TIME_BUDGET, file.time_budget, f"{where}: time_budget"),
        imports=file.model.imports if isinstance(file.model, ModelTable) else (),
        chains=tuple(tuple(_step(step) for step in chain.steps) for chain in file.chain),
        emulate=file.emulate,
        strict=file.strict,
        keep_names=file.keep_names,
        replacement=_student(file.student, f"{where}: student"),
    )


def _model(given: ModelTable | str | None, where: str) -> ModelTable | None:
    """The model's table; raises `ProjectError` for a value that no input can be held at."""
    table = ModelTable(source=given) if isinstance(given, str) else given
    if table is not None:
        require_values(table.held, f"{where}.held")
    return table


def _metric(goal: GoalTable, where: str) -> MetricSpec | None:
    if goal.metric is not None:
        return metric_spec(goal.metric, goal.direction, goal.output, where=where)
    if goal.direction is not None:
        raise ProjectError(
            "a direction without the metric that it is of", where=f"{where}.direction", received=goal.direction,
            next_step="name the metric in [goal], or leave the direction out",
        )  # fmt: skip
    return None


def _aim(goal: GoalTable, where: str) -> Aim:
    """The aim by either of its two keys; raises `ProjectError` if they contradict each other."""
    named = AIM_OF.get(goal.currency or "")
    if goal.aim is not None and named not in (None, goal.aim):
        raise ProjectError(
            "two different goals",
            where=where,
            received=f"aim = {goal.aim!r}, currency = {goal.currency!r}",
            next_step="name the goal by one of them; aim has more to choose from",
        )
    return goal.aim or named or "balanced"


def _step(given: StepTable | str) -> Step:
    return Step(technique=given) if isinstance(given, str) else Step(technique=given.technique, settings=given.settings)


def _student(given: StudentTable | str | None, where: str) -> StudentTable | None:
    """The student's table; raises `ProjectError` unless it names a network, or a share of the model, and not both."""
    table = StudentTable(source=given) if isinstance(given, str) else given
    if table is None:
        return None
    shares = list(table.shares)
    if (table.source is None) == (not shares):
        raise ProjectError(
            "a student is either a network of its own or derived from the model",
            where=where,
            received=" and ".join((["model"] if table.source is not None else []) + shares) or "neither",
            allowed="model, or width and depth",
        )
    return table


def _budget(table: BudgetTable, where: str) -> Budget:
    def limit(kind: Quantity, key: str) -> Any:
        text = getattr(table, key)
        return None if text is None else quantity(kind, text, f"{where}: budget.{key}")

    return Budget(
        flash_bytes=limit(SIZE, "flash"),
        download_bytes=limit(SIZE, "download"),
        ram_bytes=limit(SIZE, "ram"),
        latency_ms=limit(LATENCY, "latency"),
    )


def override(project: Project, **changes: Any) -> Project:
    """A project with the values given on the command line or by the caller; None leaves the project's own.

    Accepts `model`, `data`, `student` (sources), `imports`, `seed`, `augment` (the table as a dict), `emulate`, `strict`, `keep_names`,
    `goal` (an aim), `limits` (a `Limits` of the caller's own) and `time_budget` (text with a unit, or seconds).
    """
    given = {name: plain_scalar(value) for name, value in changes.items() if not _is_unset(value)}
    for name in ("model", "data", "student"):
        if given.get(name) == "":
            raise ProjectError("no source", where=f"--{name}", received="''", allowed="a path, or module:function")
    if "model" in given and not is_models(project, given["model"]):
        project = msgspec.structs.replace(project, model=ModelTable(source=given["model"]))
    if "imports" in given:
        project = msgspec.structs.replace(project, imports=tuple(given["imports"]))
    if "data" in given:
        table = msgspec.structs.replace(project.data or DataTable(source=""), source=given["data"])
        project = msgspec.structs.replace(project, data=table)
    if "student" in given:
        offered = project.replacement or StudentTable()
        other = StudentTable(source=given["student"], epochs=offered.epochs, features=offered.features)
        project = msgspec.structs.replace(project, replacement=other)
    if "seed" in given:
        project = msgspec.structs.replace(project, seed=_seed(given["seed"]))
    for name in ("emulate", "strict", "keep_names"):
        if name in given:
            project = msgspec.structs.replace(project, **{name: _true_or_false(given[name], name)})
    if "augment" in given:
        training = msgspec.structs.replace(project.training, augment=_augment(given["augment"]))
        project = msgspec.structs.replace(project, training=training)
    if "time_budget" in given:
        seconds = number(TIME_BUDGET, given["time_budget"], "--time-budget")
        project = msgspec.structs.replace(project, time_budget_s=seconds)
    if "goal" in given:
        project = msgspec.structs.replace(
            project, goal=msgspec.structs.replace(project.goal, aim=_aim_named(given["goal"]))
        )
    return _within(project, given.get("limits", Limits()).values)


def is_models(project: Project, source: str) -> bool:
    """Whether a source that a caller names is the project's own model, whose table is then in force."""
    own = project.model.source if project.model is not None else None
    if own is None or is_function(own) or is_function(source):
        return own == source
    return os.path.abspath(Path(project.root, own)) == os.path.abspath(Path(project.root, source))


def _is_unset(value: Any) -> bool:
    """Whether an argument was left out: None, or a sequence with nothing in it."""
    return value is None or (isinstance(value, tuple | list) and not value)


def _within(project: Project, limits: Mapping[str, float]) -> Project:
    """A project with a caller's limits, by metric name, in the place of its own."""
    drop = limits.get("accuracy_drop", project.goal.max_drop_points)
    own = msgspec.structs.asdict(project.budget)
    given = {field: limits[name] for name, field in BUDGET_FIELDS.items() if name in limits}
    whole = {field: round(value) if field.endswith("_bytes") else value for field, value in given.items()}
    return msgspec.structs.replace(
        project, goal=msgspec.structs.replace(project.goal, max_drop_points=drop), budget=Budget(**{**own, **whole})
    )


def _true_or_false(value: Any, where: str) -> bool:
    """True or False; text is refused, whatever it says."""
    if isinstance(value, bool):
        return value
    raise ProjectError("neither true nor false", where=where, received=repr(value)[:100], allowed="True or False")


def _seed(given: Any) -> int:
    if isinstance(given, int) and 0 <= given <= LARGEST_SEED:
        return given
    allowed = f"a whole number from 0 to {LARGEST_SEED}"
    raise ProjectError("not a seed", where="--seed", received=given, allowed=allowed)


def _aim_named(given: Any) -> Aim:
    """An aim by its name."""
    for aim in get_args(Aim):
        if given == aim:
            return cast("Aim", aim)
    names = get_args(Aim)
    near = did_you_mean(str(given), names)
    raise ProjectError(
        "no such goal", where="--goal", received=given, allowed=", ".join(names),
        next_step=f"did you mean {near!r}?" if near else None,
    )  # fmt: skip


def _augment(given: Any) -> AugmentTable | None:
    """The `augment` table from a caller's mapping; None if it is empty."""
    if not isinstance(given, Mapping):
        raise ProjectError(
            "not a mapping of variations", where="augment", received=repr(given)[:200],
            allowed="flip, shift, crop, colour, noise, as in {'flip': 'horizontal', 'shift': 0.1}",
        )  # fmt: skip
    return read(dict(given), AugmentTable, where="augment", error=ProjectError, otherwise=OTHERWISE) if given else None
