"""The bundled example: where it is, and how it is copied into a user's folder; existing files are never overwritten.

The copy needs nothing from the installation: the schema that its `edgekit.toml` names for editors is copied too.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from edgekit.emit.schema import schema_text
from edgekit.errors import OutputError
from edgekit.version import BESIDE

NAME = "digits"
FILES = ("README.md", "digits.npz", "digits.py", "edgekit.toml", "make_data.py")
PROJECT, SCHEMA = "edgekit.toml", "edgekit-toml.schema.json"
_IN_CHECKOUT = f"#:schema ../../docs/{SCHEMA}"
_FOLDERS = tuple(folder / "examples" / NAME for folder in BESIDE)


def example_folder() -> Path:
    """The folder of the bundled example; raises `OutputError` if it is missing from the installation."""
    found = next((folder for folder in _FOLDERS if all((folder / name).is_file() for name in FILES)), None)
    if found is None:
        raise OutputError(
            "the bundled example is missing", where=str(_FOLDERS[0]), next_step="install edgekit-tflite again"
        )
    return found


def copy_example(folder: Path) -> tuple[Path, ...]:
    """Copy the example's files and the schema into a folder, which is created if missing; returns their paths.

    Raises `OutputError` if one of them exists already or cannot be written; then none is left there.
    """
    content, written = _content(), []
    is_new = not folder.exists()
    try:
        there = [name for name in content if (folder / name).exists() or (folder / name).is_symlink()]
        if there:
            raise OutputError(
                "the example is never copied over what is there",
                where=str(folder),
                received=", ".join(there),
                next_step="name another folder: `edgekit init --example DIR`",
            )
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in content.items():
            with (folder / name).open("xb") as file:
                written.append(folder / name)
                file.write(data)
    except BaseException as problem:
        for path in written:
            path.unlink(missing_ok=True)
        if is_new:
            with contextlib.suppress(OSError):
                folder.rmdir()
        if isinstance(problem, OSError):
            raise OutputError(
                "the example cannot be copied", where=str(problem.filename or folder), received=problem.strerror,
                next_step="name a folder that can be written",
            ) from None  # fmt: skip
        raise
    return tuple(written)


def _content() -> dict[str, bytes]:
    """The content to write, by file name."""
    source = example_folder()
    found = {name: (source / name).read_bytes() for name in FILES}
    found[PROJECT] = found[PROJECT].replace(_IN_CHECKOUT.encode(), f"#:schema {SCHEMA}".encode())
    return {**found, SCHEMA: schema_text(SCHEMA).encode()}
