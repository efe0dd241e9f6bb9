"""A picture of the page as a self-contained SVG, which includes the page's style."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

from edgekit.emit.html.fragment import bound, rules_of
from edgekit.emit.html.layers import Skyline
from edgekit.emit.html.page import environment
from edgekit.emit.html.scatter import Point, Scatter
from edgekit.values import Value

FRAME = ".edgekit-picture"
_DRAWN = re.compile(r"^(:root|@media|\.chart|\.edgekit-)")
CHART = '<svg class="chart'
_NAMES = re.compile(r'(\bid|\bhref|\baria-labelledby)="([^"]*)"')
_SVG = re.compile(r"<svg ([^>]*)>(.*)</svg>", re.DOTALL)


class Axes(Value):
    """The metrics of a scatter, by name, and whether up or down is better on the vertical axis."""

    accuracy: str
    currency: str
    higher_is_better: bool
    points: tuple[Point, ...]


class Peak(Value):
    """Which operator needs the most memory, and how much, in words."""

    number: int
    operator: str
    label: str
    text: str


class Picture:
    """An SVG: a notebook shows it, `save` writes it, and its text is `svg`."""

    def __init__(self, svg: str) -> None:
        self.svg = svg

    def __repr__(self) -> str:
        title = re.search(r"<title[^>]*>(.*?)</title>", self.svg)
        return f"<Picture {title[1] if title else ''}>"

    def _repr_svg_(self) -> str:
        return self.svg

    def _repr_html_(self) -> str:
        return self.svg

    def save(self, path: str | Path) -> Path:
        """Write it to a file and return its path."""
        target = Path(path)
        target.write_text(self.svg, encoding="utf-8")
        return target


def scatter_picture(chart: Scatter, axes: Axes) -> Picture:
    """The candidates' picture."""
    return Picture(_standalone("scatter", chart=chart, axes=axes))


def memory_picture(chart: Skyline, peak: Peak) -> Picture:
    """The picture of a file's memory."""
    return Picture(_standalone("skyline", chart=chart, peak=peak))


def _standalone(kind: str, **views: object) -> str:
    """The picture with its style and the marks that it uses, all ids made unique to it."""
    markup = environment().get_template("picture.svg.j2").render(kind=kind, **views)
    found = _SVG.search(markup[markup.index(CHART) :])
    assert found is not None
    attributes = re.sub(r'class="[^"]*"', f'class="{FRAME[1:]}" xmlns="http://www.w3.org/2000/svg"', found[1])
    used = sorted(set(re.findall(r'href="#([\w-]+)"', found[2])))
    marks = "".join(one for name in used if (one := _mark(markup, name)))
    text = (
        f"<svg {attributes}>\n<style>{_style()}</style>\n<defs>{marks}</defs>\n"
        f'<rect width="100%" height="100%" fill="var(--paper)"/><g class="chart">{found[2]}</g>\n</svg>\n'
    )
    own = f"edgekit-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
    return _NAMES.sub(lambda found: f'{found[1]}="{_with_prefix(found[2], own)}"', text)


def _with_prefix(names: str, own: str) -> str:
    """Ids, or a reference to one, with a picture's own prefix."""
    return " ".join(f"#{own}-{name[1:]}" if name.startswith("#") else f"{own}-{name}" for name in names.split())


def _mark(markup: str, name: str) -> str:
    found = re.search(rf'<g id="{name}".*?</g>', markup, re.DOTALL)
    return found[0] if found else ""


def _style() -> str:
    """The style rules for drawing, limited to the picture."""
    return "\n".join(_drawn(rules_of()))


def _drawn(rules: Sequence[tuple[str, str]]) -> list[str]:
    found = []
    for selector, body in rules:
        if not _DRAWN.match(selector) or "max-width" in selector or "min-width" in selector or "print" in selector:
            continue
        if selector.startswith("@"):
            found.append(f"{selector} {{ {' '.join(_drawn(rules_of(body)))} }}")
        else:
            found.append(f"{bound(selector, FRAME)} {{{body}}}")
    return found
