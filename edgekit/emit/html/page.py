"""The page: the views of a report put into its template, with every text escaped and nothing fetched or run.

Names come from files that are not trusted, so Jinja2 escapes all that is inserted, invisible characters are replaced,
and a content security policy forbids everything but the page's own style sheet, by its hash. There is no script. The
same report gives the same bytes: no clock is read.
"""

from __future__ import annotations

import base64
import hashlib
import re
import unicodedata
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgekit.verdict.wording import sentence

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

TEMPLATES = Path(__file__).parent / "templates"
_WHOLE = 18
_PARTS = re.compile(r"[^\s+/.;:,]+[\s+/.;:,]*|[\s+/.;:,]+")
_PIECES = re.compile(r"[^_]{1,20}_*|_{1,20}")
_UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
"""Unicode's categories of characters that are invisible, or that change how others are shown (as a change of direction does)."""


def render(views: dict[str, Any]) -> str:
    """The text of the page."""
    style = (TEMPLATES / "style.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return environment().get_template("report.html.j2").render(**views, style=style, style_hash=digest) + "\n"


@cache
def environment() -> Environment:
    """Jinja2 with the page's templates, which escapes all that is inserted."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    found = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters["breakable"] = breakable
    found.filters["sentence"] = sentence
    return found


def breakable(name: str) -> Markup:
    """A name with line breaks allowed between its parts, and within long parts."""
    from markupsafe import Markup

    return Markup("<wbr>").join(visible(piece) for part in _PARTS.findall(name) for piece in _pieces(part))


def _pieces(part: str) -> list[str]:
    return [part] if len(part) <= _WHOLE else _PIECES.findall(part)


def visible(value: Any) -> Any:
    """A text with every invisible character replaced; markup and numbers unchanged.

    >>> visible("dense\\u202eexe.")
    'dense\\ufffdexe.'
    """
    if type(value) is not str or (value.isascii() and value.isprintable()):
        return value
    return "".join("\ufffd" if unicodedata.category(letter) in _UNSEEN else letter for letter in value)
