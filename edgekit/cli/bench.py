"""`edgekit bench`: measure any `.tflite` on a device, or on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from edgekit.cli import completers, options, output
from edgekit.errors import InterruptedBuild


@click.command("bench", short_help="Measure a .tflite file on a device, by ssh or adb.")
@click.argument(
    "model", metavar="MODEL.tflite", type=click.Path(path_type=Path), shell_complete=completers.files((".tflite",))
)
@options.device(multiple=False)
@click.option(
    "--on",
    metavar="PLACE",
    default="local",
    show_default=True,
    help="Where it runs: local, ssh://[USER@]HOST[:PORT], adb://SERIAL or emulator.",
)
@click.option("--threads", type=int, metavar="N", help="Threads of the interpreter.  [default: the profile's]")
@click.option("--runs", type=int, default=50, show_default=True, metavar="N", help="At least so many timed runs.")
@click.option(
    "--seconds", type=float, default=1.0, show_default=True, metavar="T", help="And at least so many seconds."
)
@click.option("--sustained", type=float, metavar="MIN", help="Then run on for so many minutes: does it throttle?")
@click.option("--delegate", metavar="NAME|PATH", help="xnnpack, none, or a delegate's library on the device.")
@click.option(
    "--input",
    "inputs",
    multiple=True,
    metavar="FILE.npy",
    shell_complete=completers.files((".npy",)),
    help="One for each input, in the model's order.  [default: random]",
)
@click.option("--runtime", type=click.Choice(["litert", "tflite_runtime"]), help="The interpreter there.")
@click.option("--python", metavar="PATH", help="The Python there.  [default: python3]")
@click.option(
    "--time-limit", "time_limit_s", type=options.TIME_LIMIT_S, metavar="TIME", help="For all of it, as in 10min."
)
@click.option("--keep/--no-keep", default=True, show_default=True, help="Keep the measurement for later reports.")
@options.quiet
@options.common
@click.pass_context
def command(ctx: click.Context, /, model: Path, as_json: bool, quiet: bool, **given: Any) -> None:
    """Measure a .tflite file on a device, by ssh or adb.

    Times, memory and outputs come back; the outputs are compared with this machine's, the figures with the profile's
    limits. What is kept stands in the place of predictions in the next report of this file on this device.
    """
    from edgekit.api.bench import bench

    try:
        with output.at_work(quiet=quiet) as progress:
            found = bench(model, progress=progress, **given)
    except KeyboardInterrupt:
        raise InterruptedBuild("interrupted: nothing was kept, and what was sent is removed") from None
    if as_json:
        output.print_json(found)
    else:
        from edgekit.cli.render.bench import print_bench

        print_bench(found, brief=quiet)
    ctx.exit(output.PASS if found.outcome == "pass" else output.FAIL)
