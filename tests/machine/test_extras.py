"""What is not installed is named with the pip line, exit code 3, and nothing is imported to find out."""

from __future__ import annotations

import sys

import pytest

from edgekit.errors import MissingExtraError
from edgekit.machine.extras import is_installed, require


def test_what_is_there_passes():
    require("dev", "json", "pytest")


def test_what_is_missing_is_named_with_its_pip_line():
    with pytest.raises(MissingExtraError) as caught:
        require("build", "json", "no_such_tensorflow", purpose="training a model")
    assert caught.value.exit_code == 3
    assert str(caught.value).splitlines()[0] == "training a model needs no_such_tensorflow, which is not installed"
    assert 'pip install "edgekit-tflite[build]"' in str(caught.value)


def test_nothing_is_imported_to_find_out(monkeypatch):
    monkeypatch.delitem(sys.modules, "tabnanny", raising=False)
    assert is_installed("tabnanny")
    assert "tabnanny" not in sys.modules
