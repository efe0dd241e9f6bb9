"""`edgekit build`: make a `.tflite` that provably fits each device."""

from __future__ import annotations

from typing import Any

import click

from edgekit.cli import options, output


@click.command("build", short_help="Make a .tflite that provably fits a device.")
@options.device(multiple=True)
@options.project
@options.data
@options.limits
@click.option("--out", metavar="DIR", default="build", show_default=True, help="Results go to DIR/<device>/.")
@click.option(
    "--time-budget",
    type=options.DURATION_S,
    metavar="TIME",
    help="When to stop starting trials, as in 90s, 20min, 2h.  [default: the project's, else 30min]",
)
@click.option(
    "--seed", type=click.IntRange(min=0), metavar="N", help="Of every choice.  [default: the project's, else 0]"
)
@click.option(
    "--workers", type=click.IntRange(min=1), default=1, show_default=True, metavar="N", help="Trials at once."
)
@click.option("--lock", is_flag=True, help="Write edgekit.lock: hashes of all that went in and came out.")
@click.option("--locked", is_flag=True, help="Make the bytes of edgekit.lock again, or say what changed.")
@options.computing
@options.common
@click.pass_context
def command(
    ctx: click.Context,
    /,
    devices: tuple[str, ...],
    project: str | None,
    as_json: bool,
    quiet: bool,
    no_cache: bool,
    **given: Any,
) -> None:
    """Make a .tflite that provably fits a device.

    Reads edgekit.toml in the current folder (see `edgekit init`); options override it. Writes the model, its
    report and its manifest to OUT/<device>/ and exits with 0 if every required check passed, else with 1.
    """
    from edgekit.builder import build
    from edgekit.errors import LockError

    try:
        with output.at_work(quiet=quiet) as progress:
            answer = build(
                device=devices or None,
                project=output.project_folder(project, given["model"]),
                cache=not no_cache,
                progress=progress,
                **given,
            )
    except LockError as problem:
        if as_json:
            output.print_json(
                {"outcome": "fail", "what": problem.what, "lock": problem.where, "differences": problem.differences}
            )
        raise
    results = answer if isinstance(answer, list) else [answer]
    reports = [result.report for result in results]
    if as_json:
        output.print_json(reports[0] if len(reports) == 1 else reports)
    else:
        from edgekit.render.report import print_report

        for result in results:
            print_report(result.report, folder=result.folder, brief=quiet)
    ctx.exit(output.PASS if all(report.outcome == "pass" for report in reports) else output.FAIL)
