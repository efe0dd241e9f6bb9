"""`edgekit plan`: what would be tried for each device, without training anything."""

from __future__ import annotations

from typing import Any

import click

from edgekit.cli import options, output


@click.command("plan", short_help="Show what would be tried for a device, and why not the rest.")
@options.device(multiple=True)
@options.project
@options.limits
@options.goal
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
    """Show what would be tried for a device, and why not the rest.

    Trains nothing and needs no data. Exits with 1 only where nothing can fit, whatever is tried.
    """
    from edgekit.api.plan import plan

    with output.at_work(quiet=quiet) as progress:
        answer = plan(
            device=devices or None,
            project=output.project_folder(project, given["model"]),
            cache=not no_cache,
            progress=progress,
            **given,
        )
    plans = answer if isinstance(answer, list) else [answer]
    if as_json:
        output.print_json(plans[0] if len(plans) == 1 else plans)
    else:
        from edgekit.cli.render.plan import print_plan

        for each in plans:
            print_plan(each, brief=quiet)
    ctx.exit(output.FAIL if any(each.outcome == "impossible" for each in plans) else output.PASS)
