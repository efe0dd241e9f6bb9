"""`edgekit diet`: a `.tflite` file without the bytes that no runtime needs."""

from __future__ import annotations

from pathlib import Path

import click

from edgekit.cli import options, output


@click.command("diet", short_help="Take out of a .tflite file what no runtime needs.")
@options.model_argument(metavar="FILE.tflite", suffixes=(".tflite",))
@click.option("--out", metavar="FILE", type=click.Path(path_type=Path), help="Where to write the smaller file.")
@click.option("--in-place", is_flag=True, help="Write it in the place of the file that is read.")
@click.option("--keep-names", is_flag=True, help="Keep the names of inner tensors.")
@click.option(
    "--inputs",
    type=click.IntRange(min=1),
    metavar="N",
    default=200,
    show_default=True,
    help="How many random inputs it is run on, before and after.",
)
@click.option("--no-proof", is_flag=True, help="Do not run it before and after.")
@options.quiet
@options.common
@click.pass_context
def command(
    ctx: click.Context,
    /,
    model: str,
    out: Path | None,
    in_place: bool,
    keep_names: bool,
    inputs: int,
    no_proof: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Take out of a .tflite file what no runtime needs.

    Drops names of inner tensors, minimum and maximum, the description and unread metadata, and stores what is equal
    once. Shows what each of them took, and runs the file before and after on random inputs on every runtime that is
    installed: all outputs must be equal to the bit. Without --out or --in-place nothing is written.
    """
    from edgekit.api.diet import diet

    with output.at_work(quiet=quiet) as progress:
        found = diet(
            model,
            out=out,
            in_place=in_place,
            keep_names=keep_names,
            prove=not no_proof,
            inputs=inputs,
            progress=progress,
        )
    if as_json:
        output.print_json(found)
    else:
        from edgekit.cli.render.diet import print_diet

        print_diet(found, brief=quiet)
    ctx.exit(output.FAIL if found.outcome == "fail" else output.PASS)
