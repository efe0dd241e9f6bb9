"""The options that commands share, each with one meaning and one spelling.

Text with units becomes numbers here (bytes, milliseconds, seconds); nothing is looked up or loaded.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import click

from edgekit.cli import completers
from edgekit.project import quantities

TRAINED_MODELS = (".keras", ".h5", ".onnx", ".pt2")
MODELS = (".tflite", *TRAINED_MODELS)
F = TypeVar("F", bound=Callable[..., Any])
if TYPE_CHECKING:
    _ParamType = click.ParamType[float]
else:
    _ParamType = click.ParamType  # not generic before click 8.3


class Limit(_ParamType):
    """Text with a unit, or a number of points; what cannot be a limit is a `ProjectError` that names the option."""

    def __init__(self, name: str, read: Callable[[Any, str], float]) -> None:
        self.name = name
        self._read = read

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if not isinstance(value, str):
            return float(value)
        return self._read(value, param.opts[0] if param is not None else self.name)


SIZE = Limit("size", partial(quantities.quantity, quantities.SIZE))
LATENCY_MS = Limit("duration", partial(quantities.quantity, quantities.LATENCY))
TIME_BUDGET_S = Limit("duration", partial(quantities.quantity, quantities.TIME_BUDGET))
TIME_LIMIT_S = Limit("duration", partial(quantities.quantity, quantities.TIME_LIMIT))
POINTS = Limit("points", quantities.points)


def _remember_debug(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    ctx.meta["edgekit.debug"] = wanted  # click shares `meta` with the parent context


def common(function: F) -> F:
    """`--json` and `--debug`, which every command has."""
    function = click.option(
        "--debug", is_flag=True, is_eager=True, expose_value=False, callback=_remember_debug, help="Show tracebacks."
    )(function)
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")(function)


def computing(function: F) -> F:
    """`--quiet` and `--no-cache`, which every command that computes has."""
    function = click.option("--no-cache", is_flag=True, help="Neither use nor keep earlier results.")(function)
    return quiet(function)


def quiet(function: F) -> F:
    """`--quiet`."""
    return click.option("--quiet", "-q", is_flag=True, help="No progress, and no more than the verdict.")(function)


def strict(*, default: bool | None) -> Callable[[F], F]:
    """`--strict`; for build also `--no-strict`, since the project may ask for it."""
    name, more = (
        ("--strict", "") if default is False else ("--strict/--no-strict", "  [default: the project's, else not]")
    )
    text = "Fail on what makes the figures hard to believe (docs/report.md)."
    return click.option(name, is_flag=True, default=default, help=text + more)


def device(*, multiple: bool, required: bool = True) -> Callable[[F], F]:
    """`--device ID|PATH`, repeatable in plan and build; if only one is taken it is required, unless `required` is false."""
    repeat = " Repeatable.  [default: the project's]" if multiple else ""
    return click.option(
        "--device",
        "devices" if multiple else "device",
        metavar="ID|PATH",
        multiple=multiple,
        required=required and not multiple,
        shell_complete=completers.devices,
        help=f"The device: an id or a name of `edgekit devices`, or a profile of your own.{repeat}",
    )


def devices_file(function: F) -> F:
    """`--devices-file FILE`, for build."""
    return click.option(
        "--devices-file",
        metavar="FILE",
        shell_complete=completers.files((".txt",)),
        help="A file with a device a line, beside those of --device.",
    )(function)


def model_argument(*, metavar: str, required: bool = True, suffixes: tuple[str, ...] = MODELS) -> Callable[[F], F]:
    """A model as the command's argument: a path, or module:function; a shell completes files that end in `suffixes`."""
    return click.argument("model", metavar=metavar, required=required, shell_complete=completers.files(suffixes))


def loading(function: F) -> F:
    """`--import` and `--trust`: how a Keras model is opened, for inspect, plan and build."""
    function = click.option(
        "--trust", is_flag=True, help="Allow code from the model's file (Lambda, SavedModel, pickle)."
    )(function)
    return click.option(
        "--import", "imports", metavar="MODULE", multiple=True, help="Imported first: registers custom layers."
    )(function)


def project(function: F) -> F:
    """`--project`, `--model`, `--student`, `--import` and `--trust`: what is built, for plan and build."""
    function = click.option(
        "--student",
        metavar="PATH|module:function",
        shell_complete=completers.files(TRAINED_MODELS),
        help="A smaller network that the model teaches; overrides the project's.",
    )(loading(function))
    function = click.option(
        "--model",
        metavar="PATH|module:function",
        shell_complete=completers.files(MODELS),
        help="The trained model, of Keras, ONNX or PyTorch, or a float .tflite; overrides the project's.",
    )(function)
    return project_folder(function)


def project_folder(function: F) -> F:
    """`--project DIR`."""
    return click.option(
        "--project",
        metavar="DIR",
        shell_complete=completers.files(()),
        help="Where edgekit.toml is.  [default: the current folder]",
    )(function)


def data(function: F) -> F:
    """`--data`, for build."""
    return click.option("--data", metavar="PATH|module:function", help="The data; overrides the project's.")(function)


GOALS = ("balanced", "smallest", "download", "ram", "fastest", "accurate")


def goal(function: F) -> F:
    """`--goal`, for plan and build."""
    return click.option(
        "--goal",
        type=click.Choice(GOALS),
        help="What is wanted of those that hold every limit.  [default: the project's, else balanced]",
    )(function)


def limits(function: F) -> F:
    """The limits: `--max-drop`, `--max-flash`, `--max-download`, `--max-ram`, `--max-latency`."""
    for name, kind, metavar, text in (
        ("--max-latency", LATENCY_MS, "TIME", "Longest median inference, as in 20ms."),
        ("--max-ram", SIZE, "SIZE", "Most memory the model may use, as in 64KiB."),
        ("--max-download", SIZE, "SIZE", "Largest deflated file, as in 200KiB."),
        ("--max-flash", SIZE, "SIZE", "Largest file, as in 512KiB."),
        ("--max-drop", POINTS, "POINTS", "Accuracy that may be lost; one point is 0.01."),
    ):
        function = click.option(name, type=kind, metavar=metavar, help=text)(function)
    return function
