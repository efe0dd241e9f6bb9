"""A value that can be shown: in a line, in a notebook, as a table of pandas, as a picture.

It knows no view: when the value is shown, it asks `documents/views` for them.
"""

from __future__ import annotations

from typing import Any

from edgekit.documents.views import views
from edgekit.values import Value


class Shown(Value):
    """The base of the values that the API returns and a person looks at."""

    def __repr__(self) -> str:
        return str(views().line(self))

    def _repr_html_(self) -> str:
        """What a notebook shows: HTML that loads nothing and runs no script."""
        return str(views().html(self))

    def to_frame(self) -> Any:
        """A `pandas.DataFrame` with a row for each candidate, layer, operator or metric, in base units.

        Raises `MissingExtraError` if pandas is not installed, with the line that installs it.
        """
        return views().frame(self)

    def plot(self, axes: Any = None) -> Any:
        """A picture of the value: for a report, the candidates' accuracy against size, with the Pareto front.

        Returns a `Picture`, which a notebook shows and `save(path)` writes as SVG. With `axes` of matplotlib, the same
        points are drawn there, and the axes returned. Raises `InputError` if there is nothing to draw.
        """
        return views().plot(self, axes)
