"""The optional parts of an installation: what each extra adds, and the pip line that adds it.

It checks whether a package could be imported, and never imports one.
"""

from __future__ import annotations

import importlib.util
import sys
from typing import Literal

from edgekit.errors import MissingExtraError

DISTRIBUTION = "edgekit-tflite"
Extra = Literal["build", "micro", "tflite-runtime", "images", "tables", "onnx", "torch", "cluster", "npu", "dev"]


def is_installed(package: str) -> bool:
    """Whether a top-level package can be found, without importing it.

    >>> is_installed("json"), is_installed("no_such_package")
    (True, False)
    """
    if package in sys.modules:
        return sys.modules[package] is not None
    try:
        return importlib.util.find_spec(package) is not None
    except (ImportError, ValueError):
        return False


def pip_line(extra: str | None) -> str:
    """The command that installs an extra into the running Python; None stands for edgekit itself."""
    wanted = DISTRIBUTION if extra is None else f"{DISTRIBUTION}[{extra}]"
    return f'{sys.executable or "python"} -m pip install "{wanted}"'


def own_environment_line(extra: str) -> str:
    """The command that installs an extra into a new environment, if its packages conflict with those of the base."""
    folder = f".venv-{extra}"
    return (
        f'{sys.executable or "python"} -m venv {folder} && {folder}/bin/python -m pip install "{DISTRIBUTION}[{extra}]"'
    )


def require(extra: Extra, *packages: str, purpose: str = "this") -> None:
    """Make sure that the packages of an extra can be found.

    Raises `MissingExtraError` (exit code 3) with the pip line and the names of missing packages; `purpose`
    is what they are needed for, as in 'training a model'.
    """
    missing = [package for package in packages if not is_installed(package)]
    if missing:
        raise MissingExtraError(
            f"{purpose} needs {' and '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not installed",
            next_step=pip_line(extra),
        )
