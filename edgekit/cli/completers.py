"""What a shell offers for an argument: device ids, or files of the kinds that the argument takes, with the folders above them.

A shell asks at each press of a key, so nothing is loaded that is not needed, and what cannot be read is not
offered. Items of the type `path` are file names; the scripts of `edgekit completion` let the shell treat them so.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

Completer = Callable[[click.Context, click.Parameter, str], "list[CompletionItem]"]
PATH = "path"


def devices(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Ids of the bundled profiles; paths of the user's own profiles once a path has been begun."""
    from click.shell_completion import CompletionItem

    from edgekit.devices.bundled import profile_ids
    from edgekit.errors import EdgekitError

    try:
        found = [CompletionItem(name) for name in profile_ids() if name.startswith(incomplete)]
    except EdgekitError:
        found = []
    return found or files((".toml",))(ctx, param, incomplete)


def files(suffixes: tuple[str, ...]) -> Completer:
    """A completer of files that end in one of the suffixes, and of folders."""

    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        return [CompletionItem(path, type=PATH) for path in _paths(incomplete, suffixes)]

    return complete


def _paths(incomplete: str, suffixes: tuple[str, ...]) -> list[str]:
    """Paths that begin with `incomplete`, spelled the same way; hidden ones only if it begins with a dot."""
    folder, begun = os.path.split(incomplete)
    try:
        entries = list(os.scandir(os.path.expanduser(folder) or "."))
    except (OSError, ValueError):
        return []
    return sorted(
        os.path.join(folder, entry.name)
        for entry in entries
        if entry.name.startswith(begun)
        and (begun.startswith(".") or not entry.name.startswith("."))
        and (_is_folder(entry) or entry.name.lower().endswith(suffixes))
    )


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False
