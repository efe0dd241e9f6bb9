"""`edgekit check`: judge any `.tflite` for a device, including one that edgekit did not make."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from edgekit.cli import completers, options, output


@click.command("check", short_help="Judge any .tflite file for a device.")
@click.argument(
    "model", metavar="MODEL.tflite", type=click.Path(path_type=Path), shell_complete=completers.files((".tflite",))
)
@options.device(multiple=False)
@click.option("--data", metavar="PATH|module:function", help="What its accuracy is taken on: the test split.")
@options.limits
@click.option("--reference", metavar="PATH", help="The float32 .tflite that --max-drop is counted from.")
@click.option(
    "--metric", help="accuracy, balanced_accuracy, auc, mae, mse or module:function.  [default: by the targets]"
)
@click.option("--direction", type=click.Choice(["higher", "lower"]), help="Which is better, for a metric of your own.")
@click.option("--threshold", type=float, help="A single output above this says yes.  [default: 0 for logits, else 0.5]")
@click.option("--emulate", is_flag=True, help="Run it on the device's emulated board too (docs/on-device.md).")
@options.strict(default=False)
@options.computing
@options.common
@click.pass_context
def command(ctx: click.Context, /, model: Path, as_json: bool, quiet: bool, no_cache: bool, **given: Any) -> None:
    """Judge any .tflite file for a device.

    Holds its size, memory, operators, dtypes and latency against what the board has and the limits given here; with
    --data also its accuracy. A check whose input was not given is listed as not asked and decides nothing.
    """
    from edgekit.api.check import check

    with output.at_work(quiet=quiet) as progress:
        report = check(model, cache=not no_cache, progress=progress, **given)
    if as_json:
        output.print_json(report)
    else:
        from edgekit.cli.render.report import print_report

        print_report(report, folder=None, brief=quiet)
    ctx.exit(output.PASS if report.outcome == "pass" else output.FAIL)
