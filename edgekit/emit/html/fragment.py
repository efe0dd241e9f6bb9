"""Parts of the page for use in another page, such as a notebook: the same markup in a frame with its own style.

The style sheet is the page's, with each rule limited to the frame, so that it changes nothing around it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from edgekit.emit.html.figures import Figure
from edgekit.emit.html.page import TEMPLATES, environment
from edgekit.values import Value

FRAME = ".edgekit"
OWN = ".edgekit-"
"""Prefix of class names that the surrounding page does not have."""
_WHOLE = re.compile(r"^(:root|html|body)$")
_RULE = re.compile(r"([^{}]+)\{([^{}]*(?:\{[^{}]*\}[^{}]*)*)\}")
_AT_PAGE = ("@page", "@media print")


class Piece(Value):
    """A titled table, or a text if it has no rows; a cell is text or a figure with its basis."""

    title: str
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str | Figure, ...], ...] = ()
    text: str = ""


def sections(page: str, names: Sequence[str]) -> str:
    """The verdict and some sections of a page, copied unchanged into a frame."""
    found = [_cut(page, r'<svg class="defs".*?</svg>'), _cut(page, r"<h1>.*?</h1>"), _cut(page, _VERDICT)]
    found += [_cut(page, rf'<section id="{name}">.*?</section>') for name in names]
    return framed("\n".join(_unlinked(part) for part in found if part))


_VERDICT = r'<div class="verdict">.*?</div>'


def pieces(heading: str, said: str, found: Iterable[Piece], outcome: str = "") -> str:
    """Tables with a heading, in a frame."""
    template = environment().get_template("pieces.html.j2")
    return framed(template.render(heading=heading, said=said, pieces=list(found), outcome=outcome, figure=Figure))


def framed(markup: str) -> str:
    """Markup in a frame with the style that it needs."""
    return f'<div class="edgekit"><style>{scoped_style()}</style>\n{markup}\n</div>'


def scoped_style() -> str:
    """The page's style sheet, limited to the frame and without the rules for printing."""
    return f"{FRAME} {{ padding: 1rem }}\n{_scoped(rules_of())}"


def rules_of(style: str | None = None) -> list[tuple[str, str]]:
    """The rules of a style sheet, by default the page's: pairs of selector and declarations."""
    text = (TEMPLATES / "style.css").read_text(encoding="utf-8") if style is None else style
    return [(selector.strip(), body) for selector, body in _RULE.findall(text)]


def bound(selector: str, frame: str) -> str:
    """A selector that is limited to a frame.

    What an SVG's `use` draws is not inside the frame, so the classes of its parts are not limited to it; their names are unique.

    >>> bound("th, body, .edgekit-solid", ".edgekit")
    '.edgekit th, .edgekit, .edgekit-solid'
    """
    each = (part.strip() for part in selector.split(","))
    return ", ".join(dict.fromkeys(_in(frame, part) for part in each))


def _in(frame: str, selector: str) -> str:
    if selector.startswith(OWN):
        return selector
    return frame if _WHOLE.match(selector) else f"{frame} {selector}"


def _scoped(rules: Iterable[tuple[str, str]]) -> str:
    found = []
    for selector, body in rules:
        if selector.startswith(_AT_PAGE):
            continue
        if selector.startswith("@"):
            found.append(f"{selector} {{ {_scoped(rules_of(body))} }}")
        else:
            found.append(f"{bound(selector, FRAME)} {{{body}}}")
    return "\n".join(found)


def _cut(page: str, pattern: str) -> str:
    found = re.search(pattern, page, re.DOTALL)
    return found[0] if found else ""


def _unlinked(part: str) -> str:
    """A part without links, since their targets are not copied."""
    return re.sub(r"<a [^>]*>(.*?)</a>", r"\1", part, flags=re.DOTALL)
