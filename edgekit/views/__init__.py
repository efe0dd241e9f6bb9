"""How a value is shown, and how a call's progress is: what `edgekit.documents.views` finds by name."""

from __future__ import annotations

from typing import Any

from edgekit.views.lines import line

__all__ = ["frame", "html", "line", "plot", "showing"]


def showing() -> Any:
    """A display of progress and events for a `with` block: in the notebook, on the terminal, or as lines in a log."""
    from edgekit.views.watching import showing as here

    return here()


def frame(value: Any) -> Any:
    """A value as a `pandas.DataFrame`."""
    from edgekit.views.frames import frame as of

    return of(value)


def html(value: Any) -> str:
    """A value as self-contained HTML."""
    from edgekit.views.markup import html as of

    return of(value)


def plot(value: Any, axes: Any = None) -> Any:
    """The picture of a value; on matplotlib's `axes` if given."""
    from edgekit.views.plots import plot as of

    return of(value, axes)
