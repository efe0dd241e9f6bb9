"""`edgekit inspect`: where a model's bytes, memory and multiply-accumulates are, the heaviest first."""

from __future__ import annotations

from typing import Any

import click

from edgekit.cli import options, output


@click.command("inspect", short_help="Show where a model's bytes, memory and work are.")
@options.model_argument(metavar="[MODEL]", required=False)
@click.option(
    "--by",
    type=click.Choice(["flash", "memory", "macs", "parameters", "latency"]),
    default="flash",
    show_default=True,
    help="What the rows are sorted by, the heaviest first.",
)
@click.option("--in-order", is_flag=True, help="Keep the model's own order.")
@click.option("--top", type=click.IntRange(min=1), metavar="N", help="Show the first N rows; --json has them all.")
@options.device(multiple=False, required=False)
@options.project_folder
@options.loading
@options.computing
@options.common
def command(model: str | None, as_json: bool, quiet: bool, no_cache: bool, top: int | None, **given: Any) -> None:
    """Show where a model's bytes, memory and work are.

    MODEL is a .tflite, .keras, .h5, .onnx or .pt2 file, a SavedModel folder or module:function, by default the project's. A .tflite
    is shown operator by operator; a Keras model layer by layer, with what its float32 .tflite is predicted to take. With
    --device each row has its predicted milliseconds.
    """
    from edgekit.api.inspect import inspect

    given["project"] = output.project_folder(given["project"], model)
    with output.at_work(quiet=quiet) as progress:
        found = inspect(model, cache=not no_cache, progress=progress, **given)
    if as_json:
        output.print_json(found)
    else:
        from edgekit.cli.render.inspect import print_inspection

        print_inspection(found, top=top, brief=quiet)
