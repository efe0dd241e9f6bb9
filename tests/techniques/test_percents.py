"""Shares in names and sentences: two that differ look different, and none looks like nothing or like all that is neither."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.techniques import technique
from edgekit.techniques.percents import about, percent, percent_gone

SHARES = st.floats(0, 1, exclude_min=True, exclude_max=True)
LABELLED = [
    ("structured_pruning", "left"), ("low_rank", "left"), ("low_rank", "energy"), ("pruning", "sparsity"), ("l1", "sparsity"),
    ("int8_mixed", "share"),
]  # fmt: skip


@given(SHARES, SHARES)
def test_two_shares_never_look_the_same(one, other):
    for told in (percent, percent_gone):
        assert (told(one) == told(other)) is (one == other)
        assert told(one) not in ("0", "100")


@given(SHARES, SHARES)
def test_in_a_sentence_a_share_does_not_look_like_none_all_or_the_one_beside_it(one, other):
    assert float(about(one)) not in (0.0, 100.0) or "e" in about(one)
    assert one == other or about(one, other) != about(other, one)
    assert about(0.0) == "0.0" and about(1.0, 0.9996) == "100.00"


@pytest.mark.parametrize(("name", "field"), LABELLED)
@pytest.mark.parametrize(
    ("one", "other"), [(1e-300, 2e-300), (0.5, 0.50000001), (0.9999999, 0.99999999), (1e-12, 1e-13)]
)
def test_settings_that_differ_have_labels_that_differ(name, field, one, other):
    method = technique(name)
    labels = [method.label(method.settings_type(**{field: share})) for share in (one, other)]
    assert len(set(labels)) == 2
    assert not any(label.endswith(("_0", "_100")) for label in labels)
    assert not any(sign == "+" or sign.isspace() for label in labels for sign in label), "a word"
