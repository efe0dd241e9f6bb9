"""TensorFlow behind its door, for the tests of fake quantization."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def tools() -> Any:
    from edgekit.make.workshop.door import door

    found = door()
    found.fresh(0)
    return found
