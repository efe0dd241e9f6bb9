"""The command that starts a child, in this Python or in that of another environment, and where it finds the user's modules.

The other one has packages that this one lacks. Its own come first: those beside edgekit may be made for another version of Python.
"""

from __future__ import annotations

import os
import sys
import sysconfig

from edgekit.version import PACKAGE

STARTING = """
import runpy, sys
package, module = sys.argv[1:]
sys.path.append(package)
runpy.run_module(module, run_name="__main__", alter_sys=True)
"""
INSTALLED = ("site-packages", "dist-packages")


def command(module: str, python: str | None) -> list[str]:
    """The command that runs a module of edgekit; `python` None is this one."""
    if python is None:
        return [sys.executable, "-m", module]
    return [python, "-c", STARTING, str(PACKAGE.resolve().parent), module]


def module_path(python: str | None) -> str:
    """PYTHONPATH for the child: the parent's, for another Python without what is installed here."""
    paths = [path for path in sys.path if path]
    return os.pathsep.join(paths if python is None else filter(_is_users, paths))


def _is_users(path: str) -> bool:
    library = sysconfig.get_paths()["stdlib"]
    return not path.startswith(library) and not path.endswith(".zip") and not any(part in path for part in INSTALLED)
