"""`edgekit doctor`: what this installation can do, what is missing, and the line that installs it."""

from __future__ import annotations

import click

from edgekit.cli import options, output


@click.command("doctor", short_help="Show what this installation can do, and what is missing.")
@click.option("--deep", is_flag=True, help="Start TensorFlow too, and convert a layer.")
@options.quiet
@options.common
@click.pass_context
def command(ctx: click.Context, /, deep: bool, quiet: bool, as_json: bool) -> None:
    """Show what this installation can do, and what is missing.

    Every runtime that is installed opens a small model and has to give the right answer. Exits with 1 where something
    that is installed does not work; an extra that is not installed is no failure.
    """
    from edgekit.errors import MissingExtraError
    from edgekit.machine.extras import pip_line

    try:
        from edgekit.api.doctor import examine

        with output.at_work(quiet=quiet) as progress:
            found = examine(deep=deep, progress=progress)
    except (
        ModuleNotFoundError
    ) as problem:  # a package of the base is missing, so no page can be shown: this message is the answer
        raise MissingExtraError(
            f"{problem.name} is not installed, and edgekit does not work without it", next_step=pip_line(None)
        ) from None
    if as_json:
        output.print_json(found)
    else:
        from edgekit.cli.render.doctor import print_health

        print_health(found, brief=quiet)
    ctx.exit(output.PASS if found.outcome == "works" else output.FAIL)
