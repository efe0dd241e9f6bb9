"""Where PyTorch is: in this Python, or in the one that `EDGEKIT_TORCH_PYTHON` names, and in which versions.

PyTorch is never imported here, and never in a process that has TensorFlow.
"""

from __future__ import annotations

import functools
import json
import os
import subprocess

from edgekit.errors import MissingExtraError
from edgekit.machine.extras import is_installed, pip_line
from edgekit.machine.installed import version_of

VARIABLE = "EDGEKIT_TORCH_PYTHON"
"""Names the Python of another environment, since PyTorch and TensorFlow need not be in one."""
PACKAGES = ("torch", "onnx", "onnxscript", "msgspec")
SMALL_BUILD = "docs/pytorch.md says how to get PyTorch's small build for the CPU"
ASKED = """
import importlib.metadata, json, sys
found = {"python": ".".join(map(str, sys.version_info[:3]))}
for name in sys.argv[1:]:
    try:
        found[name] = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        pass
print(json.dumps(found))
"""
LONGEST_S = 60.0


def torch_python() -> str | None:
    """The Python of another environment that has PyTorch; None for this one."""
    return os.environ.get(VARIABLE) or None


def torch_versions() -> dict[str, str]:
    """The versions of PyTorch and of what its exporter needs; raises `MissingExtraError` with the line that installs what is missing."""
    python = torch_python()
    if python is None:
        found = {name: version_of(name) or "" for name in PACKAGES if is_installed(name)}
        _require(found, f"{pip_line('torch')}; {SMALL_BUILD}", "")
        return found
    found = _versions_in(python)
    _require(
        found, f"{python} -m pip install {' '.join(PACKAGES)}; {SMALL_BUILD}", f" in the Python that {VARIABLE} names"
    )
    return found


def _require(found: dict[str, str], line: str, place: str) -> None:
    missing = [name for name in PACKAGES if name not in found]
    if missing:
        raise MissingExtraError(
            f"a model of PyTorch needs {' and '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not installed{place}",
            next_step=line,
        )


@functools.cache
def _versions_in(python: str) -> dict[str, str]:
    try:
        done = subprocess.run(
            [python, "-c", ASKED, *PACKAGES], capture_output=True, text=True, timeout=LONGEST_S, stdin=subprocess.DEVNULL, check=True
        )  # fmt: skip
        found: dict[str, str] = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as problem:
        said = problem.strerror if isinstance(problem, OSError) else f"{type(problem).__name__}: {problem}"[:200]
        raise MissingExtraError(
            f"the Python that {VARIABLE} names cannot be started", where=python, received=said,
            allowed="the Python of an environment that has PyTorch", next_step=f"correct {VARIABLE}, or unset it to use this Python",
        ) from None  # fmt: skip
    return found
