"""How a value is shown where somebody looks at it, and how far a call is: what `edgekit.documents.views` finds by name."""

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
    """A value as HTML that needs nothing else."""
    from edgekit.views.markup import html as of

    return of(value)


def plot(value: Any, axes: Any = None) -> Any:
    """The picture of a value; on matplotlib's `axes` where they are given."""
    from edgekit.views.plots import plot as of

    return of(value, axes)
