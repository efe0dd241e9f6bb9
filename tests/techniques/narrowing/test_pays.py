"""Where channels cannot be ranked by scale: the layers that make them are named, and what needs no scale."""

from __future__ import annotations

import pytest

from edgekit.cost.lowering import lower
from edgekit.techniques.narrowing.importance import unscaled
from edgekit.techniques.narrowing.pays import no_scale

pytestmark = pytest.mark.tf
MAKERS = {
    "flattened": ["first", "dense"], "residual": ["stem"], "joined": ["near", "far", "up", "merged"],
    "recurrent": ["steps", "both", "last"],
}  # fmt: skip
"""By network what makes its channels without a batch normalization behind; each is read by a pool, an activation, a sum or a layer."""


@pytest.mark.parametrize("name", MAKERS)
def test_the_layers_that_make_the_channels_are_named(tools, network, state, name):
    from edgekit.make.workshop.model_facts import take_facts

    facts = take_facts(tools, network(name), sha256="0" * 64, kind="keras", losses=(), error=None)
    makers = [next(iter(group.layers)) for group in facts.groups if not group.scaled]
    assert sorted(makers) == sorted(MAKERS[name]) == sorted(unscaled(state(network(name))))
    said = no_scale(lower(facts))
    assert said is not None and f": {', '.join(makers)} ha" in said
    assert said.endswith('none; criterion = "probe", "norm", "taylor" or "group_lasso" needs none')


def test_where_every_layer_is_scaled_nothing_is_said(network, state):
    assert unscaled(state(network("mobile"))) == []
