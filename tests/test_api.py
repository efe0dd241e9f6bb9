"""The names of the Python API: what they are does not depend on what was imported before."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import edgekit

ROOT = Path(__file__).resolve().parent.parent


def test_no_name_of_the_api_is_a_module_too():
    """Importing a module makes it an attribute of its package, in the place of a function of that name."""
    package = ROOT / "edgekit"
    assert not [name for name in edgekit.__all__ if (package / f"{name}.py").exists() or (package / name).exists()]


def test_the_names_are_there_and_cost_nothing_before_they_are_used():
    script = (
        "import sys, edgekit; heavy = {'numpy', 'msgspec', 'click', 'rich'} & set(sys.modules); assert not heavy, heavy; "
        "import edgekit.cli.check, edgekit.checker, edgekit.builder; "
        "print(all(callable(getattr(edgekit, name)) for name in edgekit.__all__), set(edgekit.__all__) <= set(dir(edgekit)))"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "True True\n"


def test_another_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="compress"):
        edgekit.compress  # noqa: B018 - asking is the test
