"""`edgekit report`: shows an earlier result, on the terminal or as a page."""

from __future__ import annotations

from pathlib import Path

import click

from edgekit.cli import completers, options, output


@click.command("report", short_help="Show an earlier result, or write it as an HTML page.")
@click.argument(
    "result", metavar="RESULT", type=click.Path(path_type=Path), shell_complete=completers.files((".json",))
)
@click.option("--html", metavar="PATH", help="Write a self-contained HTML page; - is standard output.")
@click.option("--device", metavar="PATH", help="The profile, for a device of your own; others are known by the report.")
@click.option("--quiet", "-q", is_flag=True, help="No more than the verdict.")
@options.common
@click.pass_context
def command(
    ctx: click.Context, /, result: Path, html: str | None, device: str | None, quiet: bool, as_json: bool
) -> None:
    """Show an earlier result, or write it as an HTML page.

    RESULT is a folder that `edgekit build` wrote, as build/rpi4, or a report.json of `edgekit check --json`. Nothing
    is measured again, and the exit code is that of the report's outcome. `edgekit build` writes the page of its own
    accord: report.html, beside the report.
    """
    from edgekit.api.report import open_result, page, write_page

    if as_json and html == "-":
        raise click.UsageError("--json and --html - would both go to standard output")
    found = open_result(result)
    for said in found.altered:
        click.echo(f"warning: {said}", err=True)
    if html == "-":
        click.echo(page(found, device), nl=False)
    elif html is not None:
        side = found.opened.side
        inputs = tuple(Path(name) for name in (side.file, side.model) if name)
        write_page(Path(html), page(found, device, place=Path(html)), inputs=inputs)
    if as_json:
        output.print_json(found.report)
    elif html is None:
        from edgekit.cli.render.report import print_report

        print_report(found.report, brief=quiet)
    ctx.exit(output.PASS if found.report.outcome == "pass" else output.FAIL)
