"""What the door changes in the packages behind it."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.tf


@pytest.mark.parametrize("kind", ["Layer", "Functional", "Sequential", "Operation"])
def test_what_keras_leaves_out_of_a_saved_layer_is_found_once(kind):
    from edgekit.make.workshop.door import door

    found = door().keras3.src.saving.saving_lib.get_attr_skipset
    assert found(kind) is found(kind) and found(kind) == found.__wrapped__(kind)
