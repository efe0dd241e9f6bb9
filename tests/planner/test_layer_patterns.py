"""Patterns for layers that no layer has are refused."""

from __future__ import annotations

import pytest

from edgekit.errors import InputError
from edgekit.planner.candidates import candidates


def test_a_pattern_of_the_project_that_no_layer_has_is_refused(task):
    with pytest.raises(InputError) as caught:
        candidates(task(exclude=("nothing*",)))
    assert "training.exclude" in str(caught.value) and "nothing*" in str(caught.value)
