"""A model in ONNX that leaves sizes free is planned and inspected with those of the project's data, and asks for them where there are none."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import edgekit
from edgekit.errors import ModelError

onnx = pytest.importorskip("onnx", reason="needs the `onnx` extra")
pytestmark = [pytest.mark.tf, pytest.mark.slow]
EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "onnx"


@pytest.fixture
def project(tmp_path):
    """The example's network with free height and width, its data, and no limits."""
    model = onnx.load(EXAMPLE / "digits.onnx")
    for axis, name in ((2, "height"), (3, "width")):
        model.graph.input[0].type.tensor_type.shape.dim[axis].dim_param = name
    onnx.save(model, tmp_path / "free.onnx")
    shutil.copyfile(EXAMPLE / "digits.npz", tmp_path / "digits.npz")
    (tmp_path / "edgekit.toml").write_text('model = "free.onnx"\ndata = "digits.npz"\n', encoding="utf-8")
    return tmp_path


def test_a_plan_and_an_inspection_take_the_sizes_of_the_projects_data_or_ask(project):
    found = edgekit.inspect(project=project)
    assert [port.shape for port in found.inputs] == [(None, 8, 8, 1)]
    assert found.metrics["macs"].value == edgekit.inspect(EXAMPLE / "digits.onnx").metrics["macs"].value
    assert edgekit.plan(device="rpi4", project=project).candidates
    (project / "edgekit.toml").write_text('model = "free.onnx"\n', encoding="utf-8")
    for ask in (lambda: edgekit.plan(device="rpi4", project=project), lambda: edgekit.inspect(project=project)):
        with pytest.raises(ModelError, match="leaves sizes free") as caught:
            ask()
        assert caught.value.exit_code == 2 and "name data in edgekit.toml" in str(caught.value.next_step)
