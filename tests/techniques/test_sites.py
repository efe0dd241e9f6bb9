"""Which layers pruning and clustering work on, and which kernels of a file their evidence looks at."""

from __future__ import annotations

import math

import msgspec
import pytest

from edgekit.cost.lowering import lower
from edgekit.documents.facts import LayerFacts, ModelFacts
from edgekit.techniques import technique
from edgekit.techniques.sites import lookalikes, matching_sites, names_in, no_kernel

DENSE = LayerFacts(name="dense", kind="Dense", kernel=(32, 32), parameters=1024)


@pytest.mark.parametrize(
    ("kind", "kernel", "looks"),
    [
        ("MultiHeadAttention", (16, 2, 16), True),
        ("LSTM", (16, 64), False),
        ("Bidirectional", (16, 64), False),
        ("Bidirectional", (3, 3, 8, 32), True),
        ("Gate", (16, 16), True),
        ("Gate", (16, 15), False),
        ("SeparableConv2D", (3, 3, 3, 1), True),
        ("DepthwiseConv2D", (3, 3, 64, 1), False),
        ("Embedding", (1000, 16), False),
        ("Dense", (32, 32), False),
    ],
)
def test_layers_whose_kernels_look_like_those_that_are_worked_on(kind, kernel, looks):
    layer = LayerFacts(name="other", kind=kind, kernel=kernel, parameters=math.prod(kernel))
    facts = ModelFacts(sha256="", format="", inputs=(), outputs=(), layers=(DENSE, layer), output_kinds=())
    assert lookalikes(facts) == (("other",) if looks else ())


def test_cells_of_the_users_own_in_both_directions_are_declined():
    """Their kernels look like those that are worked on, so that a chain of the project's own names the layer as left out."""
    cells = LayerFacts(name="cells", kind="Bidirectional", kernel=(16, 64), parameters=2048, of_cells=True)
    facts = ModelFacts(sha256="", format="", inputs=(), outputs=(), layers=(cells,), output_kinds=())
    assert lookalikes(facts) == ("cells",) and not matching_sites(facts, ["*"])
    assert no_kernel(lower(facts), technique("pruning").leave_out(facts, [])) is not None
    of_keras = msgspec.structs.replace(facts, layers=(msgspec.structs.replace(cells, of_cells=False),))
    assert matching_sites(of_keras, ["*"]) == ("cells",) and not lookalikes(of_keras)


def test_a_kernel_is_of_the_layers_in_its_path():
    assert "attention" in names_in("model/attention/query/einsum/Einsum;model/attention/Mul")
    assert "dense" in names_in("model/quant_dense/MatMul")
    assert "quant_dense" in names_in("model/quant_dense/MatMul"), "a layer may be called so itself"
    assert names_in("arith.constant3") == set()
