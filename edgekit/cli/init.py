"""`edgekit init`: looks into a folder and writes an `edgekit.toml` for it, with every key explained; never over an existing one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgekit.cli import options, output

if TYPE_CHECKING:
    from edgekit.cli.starter import Found

TEMPLATE = Path(__file__).with_name("edgekit.toml.template")
NAME = "edgekit.toml"


@click.command("init", short_help="Write an edgekit.toml for what is in a folder.")
@click.argument("folder", metavar="[DIR]", required=False, type=click.Path(path_type=Path))
@click.option("--example", is_flag=True, help="Copy the bundled example into DIR instead.  [default DIR: digits]")
@options.common
def command(folder: Path | None, example: bool, as_json: bool) -> None:
    """Write an edgekit.toml for what is in a folder.

    It looks into DIR, by default the current folder, for a model and data, and asks nothing; nothing that it finds is
    loaded or run. What it does not find is said, here and in the file. A file that is there is never touched.
    """
    if example:
        _copy(folder or Path("digits"), as_json=as_json)
        return
    from edgekit.cli.starter import look

    folder = folder or Path()
    _refuse(folder)
    found = look(folder)
    path = write(folder, found)
    if as_json:
        from edgekit.values import to_builtins

        output.print_json({"path": str(path), **to_builtins(found)})
    else:
        click.echo("\n".join(_summary_lines(path, found)))


def _refuse(folder: Path) -> None:
    """Raise whatever prevents writing, before looking into the folder."""
    from edgekit.errors import OutputError

    if not folder.is_dir():
        raise OutputError("no such folder", where=str(folder), next_step="make it, or name another")
    if os.path.lexists(folder / NAME):
        raise OutputError(
            f"{NAME} exists already, and init never overwrites one",
            where=str(folder / NAME),
            next_step="edit it, or name another folder",
        )


def write(folder: Path, found: Found) -> Path:
    """Write the filled-in template; raises `OutputError` if one exists or the folder cannot be written."""
    from edgekit.cli.starter.text import fill
    from edgekit.errors import OutputError

    path, text = folder / NAME, fill(TEMPLATE.read_text(encoding="utf-8"), found)
    try:
        with path.open("x", encoding="utf-8") as file:
            try:
                file.write(text)
                file.flush()
            except BaseException:
                path.unlink()
                raise
    except FileExistsError:
        _refuse(folder)
    except OSError as problem:
        raise OutputError(f"{NAME} cannot be written", where=str(path), received=problem.strerror) from None
    return path


def _summary_lines(path: Path, found: Found) -> list[str]:
    """What was found, and the next step."""
    from edgekit.cli.starter.text import data_line, missing_lines, model_line, pixels_line
    from edgekit.ingest.printable import shown

    lines = [f"wrote {path}" + ("" if found.ready else ", which needs your hand before it builds")]
    lines += [f"  model   {model_line(found.model)}"] if found.model else []
    lines += [f"  data    {data_line(found.data)}"] if found.data else []
    lines += [f"  images  {found.image_size_reason}"] if found.image_size_reason else []
    lines += [f"  pixels  {pixels_line(found.model)}"] if found.data and found.data.kind == "folder" else []
    if found.data and found.data.table:
        lines.append(f"  target  {shown(found.data.table.target)}: a guess ({found.data.table.why}), check it")
    lines += [f"  metric  {found.metric}: {found.metric_reason}"] if found.model or found.data else []
    for what, others in (("model", found.other_models), ("data", found.other_data)):
        lines += [f"  other {what} here, named in the file: {', '.join(map(shown, others[:5]))}"] if others else []
    lines += [f"  problem: {problem}" for problem in found.problems]
    for missing in found.missing:
        first, *rest = missing_lines(missing)
        lines += [f"  {first}", *(f"    {line}" for line in rest)]
    lines += [f"  note: {note}" for note in found.notes]
    where = "" if path.parent == Path() else f" --project {shown(str(path.parent))}"
    if found.ready:
        return [*lines, f"next: edgekit build{where}   (for rpi4; `edgekit devices` lists others)"]
    return [*lines, f"next: mend {shown(str(path))}, then edgekit build{where}"]


def _copy(folder: Path, *, as_json: bool) -> None:
    from edgekit.cli.starter.example import copy_example
    from edgekit.ingest.printable import shown

    files: Any = [str(path) for path in copy_example(folder)]
    if as_json:
        output.print_json({"path": str(folder), "files": files})
    else:
        click.echo(
            f"copied the example into {folder}\nnext: edgekit build --project {shown(str(folder))}   (for rpi4; `edgekit devices` lists others)"
        )
