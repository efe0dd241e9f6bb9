"""Evidence counts the kernels that were worked on, by the names of their layers, whatever else in the file looks like them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgekit.progress import no_progress
from edgekit.techniques.sites import kernel_variables
from edgekit.techniques.worked_on import worked_on
from edgekit.techniques.zeros import Asked, judged
from edgekit.tflite.reader import read_tflite

pytestmark = pytest.mark.tf
STEPS, FEATURES = 4, 16
FLOAT32 = {"technique": "float32", "settings": {}}

BESIDE: dict[str, tuple[Callable[[Any], Any], int]] = {
    "gru": (lambda layers: layers.GRU(24, name="memory"), 2),
    "early gru": (lambda layers: layers.GRU(24, reset_after=False, name="memory"), 2),
    "lstm": (lambda layers: layers.LSTM(24, name="memory"), 2),
    "both ways": (lambda layers: layers.Bidirectional(layers.GRU(24), name="memory"), 4),
    "simple": (lambda layers: layers.SimpleRNN(24, name="memory"), 2),
}
"""A recurrent layer, and how many kernels it has."""


@pytest.fixture
def tools() -> Any:
    from edgekit.make.workshop.door import door

    found = door()
    found.fresh(0)
    return found


@pytest.mark.parametrize("beside", ["gru", "both ways"])
def test_an_unrolled_layer_beside_a_pruned_one_is_not_judged(tools, tmp_path, beside):
    _, count = BESIDE[beside]
    evidence = pruned(tools, recurrent(tools, beside), tmp_path, zero=["wide"], exclude=["memory"], unrolled=True)
    assert evidence["holds"], evidence
    assert evidence["detail"].startswith("50.0% zeros in the least sparse of 1 kernels"), evidence
    assert evidence["detail"].endswith(f"; not worked on: 1 below 256 weights, {count} left out"), evidence


@pytest.mark.parametrize(
    ("kind", "unrolled"),
    [
        ("gru", False),
        ("early gru", False),
        ("early gru", True),
        ("lstm", False),
        ("both ways", False),
        ("simple", True),
    ],
)
def test_the_zeros_of_a_recurrent_layer_are_found_however_the_file_holds_it(tools, tmp_path, kind, unrolled):
    """One gate may have more of them than another: they are counted in the whole kernel, which an LSTM's file holds in four."""
    model, (_, count) = recurrent(tools, kind), BESIDE[kind]
    for kernel in kernel_variables(model, ["wide"]):
        values = kernel.numpy()
        values[:, : values.shape[1] // 2] = 0
        kernel.assign(values)
    evidence = pruned(tools, model, tmp_path, zero=["wide"], unrolled=unrolled)
    assert evidence["holds"], evidence
    assert evidence["detail"].startswith(f"50.0% zeros in the least sparse of {1 + count} kernels"), evidence


@pytest.mark.parametrize("kind", ["gru", "lstm"])
def test_a_recurrent_kernel_without_its_zeros_refutes_it(tools, tmp_path, kind):
    evidence = pruned(tools, recurrent(tools, kind), tmp_path, zero=["wide"])
    assert not evidence["holds"] and "0.0% zeros in the least sparse of 3 kernels" in evidence["detail"], evidence


def test_a_recurrent_kernel_that_is_not_in_the_file_is_not_shown(tools, tmp_path):
    """The file is of other weights than the model's."""
    model = recurrent(tools, "lstm")
    pruned(tools, model, tmp_path, zero=["wide"], exclude=["memory"])
    for kernel in kernel_variables(model, ["wide"]):
        kernel.assign(-kernel.numpy())
    found = worked_on(read_tflite(tmp_path / "model.tflite"), model, ())
    assert found.lost == 2 and "2 kernels of recurrent layers are not found" in found.told
    asked = Asked(sparsity=0.5)
    assert not judged("pruning", found, asked).holds and judged("pruning", found._replace(lost=0), asked).holds


@pytest.mark.parametrize(
    ("kind", "unrolled", "counted"), [("gru", True, 2), ("lstm", False, 3), ("both ways", True, 3)]
)
def test_the_kernel_of_a_state_that_stays_zero_does_not_count(tools, tmp_path, kind, unrolled, counted):
    """Over a single step: the converter drops what is multiplied with zeros where there is no loop and no fused operator."""
    model = recurrent(tools, kind, steps=1)
    for kernel in kernel_variables(model, ["wide"]):
        values = kernel.numpy()
        values.reshape(-1)[::2] = 0
        kernel.assign(values)
    evidence = pruned(tools, model, tmp_path, zero=["wide"], unrolled=unrolled)
    assert evidence["holds"], evidence
    assert f"in the least sparse of {counted} kernels" in evidence["detail"], evidence
    idle = 1 + BESIDE[kind][1] - counted
    assert (f"; {idle} of a state that is zero in its only step" in evidence["detail"]) == bool(idle), evidence


def test_attention_small_kernels_and_layers_left_out_are_told(tools, tmp_path):
    model = attention(tools)
    evidence = pruned(tools, model, tmp_path, zero=["wide"], exclude=["head"])
    assert evidence["holds"], evidence
    assert "1 below 256 weights, 1 left out, 4 of MultiHeadAttention" in evidence["detail"]


def test_a_kernel_that_was_worked_on_and_has_no_zeros_refutes_it(tools, tmp_path):
    evidence = pruned(tools, attention(tools), tmp_path, zero=["wide"])
    assert not evidence["holds"] and "0.0% zeros in the least sparse of 2 kernels" in evidence["detail"], evidence


@pytest.mark.parametrize(("worked", "spared"), [("quant_wide", "wide"), ("wide", "quant_wide")])
def test_a_layer_that_is_called_as_tfmot_calls_one_is_not_taken_for_another(tools, tmp_path, worked, spared):
    layers, entry = tools.keras3.layers, tools.keras3.Input((FEATURES,))
    x = layers.Dense(32, activation="relu", name="quant_wide")(layers.Dense(32, activation="relu", name="wide")(entry))
    model = tools.keras3.Model(entry, layers.Dense(3, name="head")(x))
    evidence = pruned(tools, model, tmp_path, zero=[worked], exclude=[spared])
    assert evidence["holds"], evidence
    assert (
        evidence["detail"].startswith("50.0% zeros in the least sparse of 1 kernels")
        and "1 left out" in evidence["detail"]
    )


def recurrent(tools: Any, kind: str, steps: int = STEPS) -> Any:
    layers, entry = tools.keras3.layers, tools.keras3.Input((steps, FEATURES))
    x = layers.Dense(40, activation="relu", name="wide")(BESIDE[kind][0](layers)(entry))
    return tools.keras3.Model(entry, layers.Dense(3)(x))


def attention(tools: Any) -> Any:
    layers, entry = tools.keras3.layers, tools.keras3.Input((STEPS, FEATURES))
    x = layers.MultiHeadAttention(2, 8, name="attention")(entry, entry)
    x = layers.Conv1D(8, 1, name="pointwise")(x)
    x = layers.Dense(32, activation="relu", name="wide")(layers.Flatten()(x))
    return tools.keras3.Model(entry, layers.Dense(8, name="head")(x))


def pruned(
    tools: Any, model: Any, folder: Path, *, zero: list[str], exclude: list[str] | None = None, unrolled: bool = False
) -> Any:
    """The evidence of pruning in the file of a model whose layers `zero` have every other weight at zero."""
    from edgekit.make.workshop.convert import convert
    from edgekit.make.workshop.store import save_model

    for name in zero:
        kernel = model.get_layer(name).kernel
        values = kernel.numpy()
        values.reshape(-1)[::2] = 0
        kernel.assign(values)
    save_model(model, folder)
    step = {"technique": "pruning", "settings": {"sparsity": 0.5, "exclude": exclude or []}}
    job = {
        "model": str(folder), "steps": [step, FLOAT32], "dataset": None, "samples": 1, "seed": 0, "root": str(folder), "imports": [],
        "target": str(folder), "inputs": ["x"], "outputs": ["y"], "unrolled": unrolled,
    }  # fmt: skip
    return convert(job, no_progress)["evidence"][0]
