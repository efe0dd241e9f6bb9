"""`edgekit compare`: two results side by side, and rules on changes for pull requests."""

from __future__ import annotations

from pathlib import Path

import click

from edgekit.cli import options, output


@click.command("compare", short_help="Hold two reports or .tflite files against each other.")
@click.argument("a", metavar="A", type=click.Path(path_type=Path))
@click.argument("b", metavar="B", type=click.Path(path_type=Path))
@click.option(
    "--fail-if",
    metavar="RULE",
    multiple=True,
    help="Exit with 1 where it applies, as 'accuracy<-0.5pt', 'flash>+2%', 'latency>20ms'. Repeatable.",
)
@click.option("--junit", metavar="PATH", type=click.Path(path_type=Path), help="Write the rules as JUnit XML.")
@click.option("--sarif", metavar="PATH", type=click.Path(path_type=Path), help="Write the rules as SARIF 2.1.0.")
@click.option("--quiet", "-q", is_flag=True, help="No more than the rules.")
@options.common
@click.pass_context
def command(
    ctx: click.Context,
    /,
    a: Path,
    b: Path,
    fail_if: tuple[str, ...],
    junit: Path | None,
    sarif: Path | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Hold two reports or .tflite files against each other.

    A is what was before, B what is now: a report.json, a folder that holds one, or a .tflite. Shows every figure of
    both, the checks that changed, and where both models are at hand their operators and weights. A signed change
    in a RULE is B less A, in points (pt), % of A, or units; one without a sign is B's own figure. A rule fails where
    it applies, and where a figure is not known.
    """
    from edgekit.api.compare import compare

    found = compare(a, b, fail_if=fail_if, junit=junit, sarif=sarif)
    if as_json:
        output.print_json(found)
    else:
        from edgekit.cli.render.compare import print_comparison

        print_comparison(found, brief=quiet)
    ctx.exit(output.FAIL if found.outcome == "fail" else output.PASS)
