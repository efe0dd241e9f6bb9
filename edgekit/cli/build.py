"""`edgekit build`: make a `.tflite` that provably fits each device."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from edgekit.cli import options, output

if TYPE_CHECKING:
    from edgekit.documents.build_result import BuildResult
    from edgekit.errors import EdgekitError


@click.command("build", short_help="Make a .tflite that provably fits a device.")
@options.device(multiple=True)
@options.devices_file
@options.project
@options.data
@options.limits
@options.goal
@click.option("--out", metavar="DIR", default="build", show_default=True, help="Results go to DIR/<device>/.")
@click.option(
    "--time-budget",
    type=options.TIME_BUDGET_S,
    metavar="TIME",
    help="When to stop starting trials, as in 90s, 20min, 2h.  [default: the project's, else 30min]",
)
@click.option(
    "--seed", type=click.IntRange(min=0), metavar="N", help="Of every choice.  [default: the project's, else 0]"
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="N",
    help="Jobs at once, over all devices.",
)
@click.option("--scheduler", metavar="ADDRESS", help="Train on a dask cluster: tcp://HOST:PORT or tls://HOST:PORT.")
@click.option(
    "--emulate/--no-emulate",
    default=None,
    help="Run the chosen file on the device's emulated board too.  [default: the project's, else not]",
)
@options.strict(default=None)
@click.option(
    "--keep-names/--drop-names",
    default=None,
    help="Keep the names of inner tensors in the file.  [default: the project's, else not]",
)
@click.option("--lock", is_flag=True, help="Write edgekit.lock: hashes of all that went in and came out.")
@click.option("--locked", is_flag=True, help="Make the bytes of edgekit.lock again, or say what changed.")
@click.option("--events", metavar="FILE|-", help="Write what happens as JSON lines; - is standard output.")
@options.computing
@options.common
@click.pass_context
def command(
    ctx: click.Context,
    /,
    devices: tuple[str, ...],
    devices_file: str | None,
    project: str | None,
    as_json: bool,
    quiet: bool,
    no_cache: bool,
    events: str | None,
    **given: Any,
) -> None:
    """Make a .tflite that provably fits a device.

    Reads edgekit.toml in the current folder (see `edgekit init`); options override it. Writes the model, its
    report and its manifest to OUT/<device>/ and exits with 0 if every required check of every device passed, else
    with 1. Several devices share what they have in common, which is made once.
    """
    from edgekit.api.build import build
    from edgekit.errors import EdgekitError
    from edgekit.watching.hooks import STDOUT, together, writing_lines

    if as_json and events == STDOUT:
        raise click.UsageError("--json and --events - would both go to standard output")
    try:
        with writing_lines(events) as write, output.showing(quiet=quiet) as display:
            answer = build(
                device=(*devices, *_listed(devices_file)) or None,
                project=output.project_folder(project, given["model"]),
                cache=not no_cache,
                progress=display.progress,
                on_event=together(display.on_event, write),
                **given,
            )
    except EdgekitError as problem:
        _show_those_that_were_built(problem, as_json=as_json, quiet=quiet, on_stderr=events == STDOUT)
        raise
    results = answer if isinstance(answer, list) else [answer]
    reports = [result.report for result in results]
    if as_json:
        output.print_json(reports[0] if len(reports) == 1 else reports)
    else:
        _print(results, {}, quiet=quiet, on_stderr=events == STDOUT)
    ctx.exit(output.PASS if all(report.outcome == "pass" for report in reports) else output.FAIL)


def _listed(devices_file: str | None) -> tuple[Any, ...]:
    from edgekit.project.devices_file import read_devices

    return read_devices(devices_file) if devices_file is not None else ()


def _print(results: Sequence[BuildResult], failed: Mapping[str, EdgekitError], *, quiet: bool, on_stderr: bool) -> None:
    """The pages for people: on stdout, or on stderr if stdout has the events."""
    from edgekit.cli.render.console import make_console
    from edgekit.cli.render.fleet import print_fleet
    from edgekit.cli.render.report import print_report

    console = make_console(sys.stderr if on_stderr else None)
    for result in results:
        print_report(result.report, folder=result.folder, brief=quiet, console=console)
    if len(results) + len(failed) > 1 and not quiet:
        print_fleet([result.report for result in results], failed, console=console)


def _show_those_that_were_built(problem: EdgekitError, *, as_json: bool, quiet: bool, on_stderr: bool) -> None:
    """Show the results of the devices that succeeded, although others failed; the error message itself follows on stderr."""
    from edgekit.errors import LockError

    if as_json and len(problem.finished) + len(problem.failed) > 1:
        reports = [result.report for result in problem.finished]
        output.print_json([*reports, *({"device": name, **_as_json(one)} for name, one in problem.failed.items())])
    elif as_json and isinstance(problem, LockError):
        output.print_json(_as_json(problem))
    elif not as_json and problem.finished:
        _print(problem.finished, problem.failed, quiet=quiet, on_stderr=on_stderr)


def _as_json(problem: EdgekitError) -> dict[str, Any]:
    """What stands for a device's report if it failed: the error in its parts, for a lock with every difference."""
    from edgekit.errors import LockError

    if isinstance(problem, LockError):
        found = {"what": problem.what, "lock": problem.where, "differences": problem.differences}
        return {"outcome": "fail", **found}
    return {"outcome": "error", "error": type(problem).__name__, **problem.parts()}
