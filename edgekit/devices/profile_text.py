"""The text of a device profile: read from a file, with a bound, and taken apart as TOML. Its keys it does not know."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgekit import toml_text
from edgekit.errors import ProfileError

MAX_LETTERS = 2**20  # bundled profiles have a few thousand characters


def text_of(path: Path) -> str:
    """The text of a file; raises `ProfileError` for one that cannot be read, or is too large."""
    if path.exists() and not path.is_file():  # reading a pipe could wait for ever, and a device file may be endless
        raise ProfileError("the device profile cannot be read", where=str(path), received="not a file")
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(MAX_LETTERS + 1)
    except OSError as problem:
        raise ProfileError("the device profile cannot be read", where=str(path), received=problem.strerror) from None
    except UnicodeDecodeError:
        raise ProfileError("the device profile is not a text file", where=str(path), allowed="TOML in UTF-8") from None
    except ValueError as problem:  # a path with a null character
        raise ProfileError("the device profile cannot be read", where=repr(str(path)), received=str(problem)) from None
    if len(text) > MAX_LETTERS:
        raise ProfileError("too large for a device profile", where=str(path), allowed=f"{MAX_LETTERS} letters")
    return text


def tables_of(text: str, file: str) -> dict[str, Any]:
    """The tables of a text; raises `ProfileError` for text that is not TOML, with the name of its `file`."""
    return toml_text.tables_of(text, file, ProfileError)
