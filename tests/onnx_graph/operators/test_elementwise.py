"""Operators number by number: operands in different layouts, activations under Keras's names, and what exporters write out."""

from __future__ import annotations

import math

import numpy as np
import pytest

pytestmark = pytest.mark.tf


def test_operands_are_brought_to_the_order_of_the_largest(small, imported_alike, kinds):
    """Constants are moved before the model runs."""
    model = small()
    x = model.node("Conv", model.entry(1, 3, 6, 7), model.weight(4, 3, 3, 3))
    rng = np.random.default_rng(0)
    for shape in ((4, 1, 1), (5,), (1, 1, 4, 1), (1, 4, 4, 5), ()):
        x = model.node("Add", x, model.constant(rng.standard_normal(shape).astype(np.float32)))
    gate = model.node("ReduceMean", x, axes=[1], keepdims=1)
    made = [model.node("Mul", x, gate), model.node("Max", x, gate, model.node("GlobalMaxPool", x))]
    found = imported_alike(model, *made)
    assert "Permute" not in kinds(found.model)
    assert "stay as they are when a technique trains" in found.notes[-1]


def test_activations_have_keras_names(small, imported_alike):
    model = small(20)
    x = model.entry(2, 5)
    six = [model.constant(np.float32(one)) for one in (0, 6)]
    named = {
        "ReLU": model.node("Clip", x, *six), "hard_silu": model.node("HardSwish", x), "gelu": model.node("Gelu", x),
        "hard_sigmoid": model.node("HardSigmoid", x, alpha=1 / 6), "LeakyReLU": model.node("LeakyRelu", x, alpha=0.2),
        "PReLU": model.node("PRelu", x, model.constant(np.full((1,), 0.3, np.float32))), "ELU": model.node("Elu", x), "selu": model.node("Selu", x),
        "mish": model.node("Mish", x), "softplus": model.node("Softplus", x),
    }  # fmt: skip
    others = [
        model.node("HardSigmoid", x),
        model.node("Celu", x, alpha=0.5),
        model.node("ThresholdedRelu", x),
        model.node("Erf", x),
    ]
    found = imported_alike(model, *named.values(), *others)
    layers = {
        getattr(getattr(layer, "activation", None), "__name__", type(layer).__name__) for layer in found.model.layers
    }
    assert set(named) <= layers


def test_what_exporters_write_out_is_one_layer_again(small, imported_alike, kinds):
    model = small()
    x = model.entry(1, 6, 8)
    half, one, two, three, six = (model.constant(np.float32(number)) for number in (0.5, 1, 2, 3, 6))
    erf = model.node("Add", model.node("Erf", model.node("Div", x, model.constant(np.float32(math.sqrt(2))))), one)
    gelu = model.node("Mul", model.node("Mul", x, erf), half)
    silu = model.node("Mul", gelu, model.node("Sigmoid", gelu))
    clip = model.node("Clip", model.node("Add", silu, three), model.constant(np.float32(0)), six)
    swish = model.node("Div", model.node("Mul", silu, clip), six)
    apart = model.node("Sub", swish, model.node("ReduceMean", swish, axes=[-1]))
    variance = model.node("ReduceMean", model.node("Pow", apart, two), axes=[-1])
    root = model.node("Sqrt", model.node("Add", variance, model.constant(np.float32(1e-5))))
    norm = model.node("Mul", model.node("Div", apart, root), model.weight(8))
    made = model.node("Add", norm, model.weight(8))
    assert kinds(imported_alike(model, made).model) == ["Activation"] * 3 + ["LayerNormalization"]


def test_numbers_that_are_no_floats(small, imported_alike):
    model = small()
    x = model.entry(1, 4, name="x", dtype="int64")
    two = model.constant(np.array(2, np.int64))
    y = model.node("Cast", model.node("Mod", model.node("Mul", x, two), model.constant(np.array(3, np.int64))), to=1)
    mask = model.node("Greater", x, model.constant(np.array(0, np.int64)))
    found = imported_alike(
        model, model.node("Where", mask, y, model.constant(np.float32(-1))), model.node("Div", x, two)
    )
    assert found.inputs[0].dtype == "int32"


def test_a_constant_that_changes_nothing_is_no_operation(small, imported_alike, kinds):
    """As what is left of an input that is held; one that broadcasts to a larger shape stays."""
    model = small()
    x = model.node("Conv", model.entry("N", 3, 4, 4), model.weight(2, 3, 1, 1))
    zeros, ones = (model.constant(np.full((1, 2, 1, 1), number, np.float32)) for number in (0, 1))
    y = model.node("Div", model.node("Mul", ones, model.node("Add", x, zeros)), ones)
    found = imported_alike(model, y)
    assert kinds(found.model) == ["Conv2D"] and not any("stay as they are" in note for note in found.notes)
    wide = small()
    x = wide.node("Conv", wide.entry("N", 3, 1, 1), wide.weight(2, 3, 1, 1))
    grown = wide.node("Add", x, wide.constant(np.zeros((1, 2, 3, 3), np.float32)))
    found = imported_alike(
        wide, wide.node("Sum", grown, wide.weight(1, 2, 3, 3), wide.weight(1, 2, 1, 1), name="several")
    )
    assert found.outputs[0].shape[-1] == 3
    (told,) = (note for note in found.notes if "stay as they are" in note)
    assert told.count("several") == 1
