"""The probe of `edgekit doctor --deep`: TensorFlow makes the file that is bundled."""

from __future__ import annotations

import pytest

from edgekit.jobs.worker import Done
from edgekit.machine.probe import FILE
from edgekit.tflite.reader import read_tflite

pytestmark = pytest.mark.tf


def test_the_workshop_makes_the_bundled_model(workshop, tmp_path):
    made = workshop.run({"do": "probe", "target": str(tmp_path / "probe.tflite")})
    assert isinstance(made, Done) and "TensorFlow" in made.value["made_by"] and "TFMOT" in made.value["made_by"]
    found, bundled = read_tflite(tmp_path / "probe.tflite"), read_tflite(FILE)
    assert [operator.name for operator in found.operators] == [operator.name for operator in bundled.operators]
    assert sorted(_constants(found)) == sorted(_constants(bundled))


def _constants(model):
    spans = [tensor.span for tensor in model.tensors if tensor.span]
    return [model.content[start : start + length] for start, length in spans]
