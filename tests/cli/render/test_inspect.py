"""An inspection on a terminal: 80 columns, every figure with its basis, nothing of a file read as markup."""

from __future__ import annotations

import io
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from edgekit.api.inspect import inspect
from edgekit.cli.render.inspect import print_inspection
from edgekit.documents.inspection import InspectedLayer, Inspection, PortFacts
from edgekit.documents.report import Metric
from edgekit.verdict.wording import rough

GOLDEN = Path(__file__).parents[2] / "golden"


def shown(found: Inspection, width: int = 80, **options) -> str:
    stream = io.StringIO()
    print_inspection(found, console=Console(file=stream, width=width, markup=False, highlight=False), **options)
    return stream.getvalue()


@pytest.mark.parametrize("device", [None, "rpi4"])
@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.tflite")), ids=lambda path: path.stem)
def test_every_golden_file_fits_80_columns(path, device):
    text = shown(inspect(path, device=device))
    assert max(map(len, text.splitlines())) <= 80
    assert "measured" in text and "predicted" in text


def test_a_wide_terminal_has_the_intervals():
    found = inspect(GOLDEN / "int8.tflite", device="rpi4")
    row = found.operators[0]
    assert f"{rough(row.latency.low, 'ms').split()[0]} to {rough(row.latency.high, 'ms')}" in shown(found, width=110)
    assert "a wider terminal" in shown(found) and "a wider terminal" not in shown(found, width=110)


def test_a_keras_model_says_what_its_figures_are_of():
    layers = (
        InspectedLayer(
            name="conv[red]", kind="Conv2D", output_shape=(None, 8, 4), parameters=40, macs=2304, index=1,
            flash_bytes=160, flash_share=0.5, memory_bytes=1280, memory_share=1.0,
        ),
        InspectedLayer(name="norm", kind="BatchNormalization", output_shape=(8, 8, 4), index=2, merged_into="conv[red]"),
    )  # fmt: skip
    found = Inspection(
        path="m.keras", format=".keras of Keras 3", order="flash", layers=layers, peak_index=1, other_bytes=160,
        inputs=(PortFacts(name="image", shape=(None, 8, 8, 1), dtype="float32"),),
        metrics={"flash": Metric(value=320, unit="B", basis="predicted", source="", low=300, high=400)},
    )  # fmt: skip
    text = shown(found)
    assert "float32" in text and "300 to 400 B" in text
    assert "conv[red]" in text and "in conv[red]" in " ".join(text.split())
    assert "?x8x8x1" in text and "peak" in text


def test_control_characters_of_a_file_do_not_reach_the_terminal():
    found = inspect(GOLDEN / "int8.tflite")
    evil = msgspec.structs.replace(found.operators[0], label="a\x1b[2Jb")
    port = msgspec.structs.replace(found.inputs[0], name="in\x1b]0;x\x07")
    text = shown(msgspec.structs.replace(found, operators=(evil,), inputs=(port,)))
    assert "\x1b" not in text and "\x07" not in text


def test_what_passes_did_is_a_note():
    found = inspect(GOLDEN / "int8.tflite")
    assert "Notes" not in shown(found)
    text = shown(msgspec.structs.replace(found, notes=("model: attention opened: [bold]encoder",)))
    assert "Notes" in text and "attention opened: [bold]encoder" in text
