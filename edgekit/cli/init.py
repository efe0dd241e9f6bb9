"""`edgekit init`: write an `edgekit.toml` in which every key is explained; never over an existing one."""

from __future__ import annotations

from pathlib import Path

import click

from edgekit.cli import options, output

TEMPLATE = Path(__file__).with_name("edgekit.toml.template")


@click.command("init", short_help="Write a commented edgekit.toml.")
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(path_type=Path))
@options.common
def command(folder: Path, as_json: bool) -> None:
    """Write a commented edgekit.toml.

    It goes to DIR, by default the current folder; a file that is there already is never touched.
    """
    path = write_template(folder)
    if as_json:
        output.print_json({"path": str(path)})
    else:
        click.echo(f"wrote {path}: name your model and data there, then run `edgekit plan` and `edgekit build`")


def write_template(folder: Path) -> Path:
    """Write the commented `edgekit.toml`; raises `OutputError` where one exists or the folder cannot be written."""
    from edgekit.errors import OutputError

    path = folder / "edgekit.toml"
    try:
        with path.open("x", encoding="utf-8") as file:
            try:
                file.write(TEMPLATE.read_text(encoding="utf-8"))
                file.flush()
            except OSError:
                path.unlink()
                raise
    except FileExistsError:
        raise OutputError(
            "edgekit.toml exists already, and init never overwrites one",
            where=str(path),
            next_step="edit it, or name another folder",
        ) from None
    except OSError as problem:
        raise OutputError("edgekit.toml cannot be written", where=str(path), received=problem.strerror) from None
    return path
