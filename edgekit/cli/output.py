"""How a command answers: one JSON document on stdout, or a page for people; everything else goes to stderr."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from edgekit.cli.render.progress import Display
    from edgekit.documents.events import Event
    from edgekit.progress import Progress

PASS, FAIL = 0, 1


def print_json(values: Any) -> None:
    """One value, or a list of them, as one JSON document on stdout."""
    from edgekit.values import to_json

    click.echo(to_json(values), nl=False)


@contextlib.contextmanager
def at_work(*, quiet: bool) -> Iterator[Progress]:
    """Progress on stderr while a command computes; whatever else is printed meanwhile is kept off stdout."""
    with showing(quiet=quiet) as display:
        yield display.progress


@contextlib.contextmanager
def showing(*, quiet: bool) -> Iterator[Display]:
    """A display of progress and events on stderr while a command computes; whatever is printed meanwhile is kept off stdout."""
    with contextlib.redirect_stdout(sys.stderr):
        if quiet:
            yield _Silent()
        else:
            from edgekit.cli.render.progress import showing as shown

            with shown(sys.stderr) as display:
                yield display


class _Silent:
    """The display of `--quiet`."""

    def progress(self, phase: str, done: int, total: int) -> None:
        """Shows nothing."""

    def on_event(self, event: Event) -> None:
        """Shows nothing."""


def project_folder(project: str | None, model: str | None) -> Path | None:
    """The folder of `edgekit.toml`: the one that was named, else the current one; with `--model`, none is needed."""
    if project is not None:
        return Path(project)
    here = Path()
    return here if model is None or (here / "edgekit.toml").exists() else None
