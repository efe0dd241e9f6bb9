"""A `.tflite` as the model: its facts are those of the network that it was made of, and no worker is asked for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from edgekit.cost.lowering import lower
from edgekit.documents.facts import KernelValues
from edgekit.errors import ModelError
from edgekit.ingest.from_tflite import FILE, facts_of
from edgekit.ingest.model import OpenedModel, open_model
from edgekit.jobs.cache import Cache
from edgekit.progress import no_progress
from edgekit.project.project_file import ModelTable
from edgekit.tflite.reader import read_tflite

GOLDEN = Path(__file__).parent.parent / "golden"


class Nobody:
    """Workers of whom nothing may be asked."""

    def run(self, job: dict[str, Any], **_: Any) -> Any:
        raise AssertionError(f"a worker was asked for {job['do']}")

    def stop(self) -> None:
        raise AssertionError("a worker was stopped")


def opened(path: Path, cache: Cache) -> OpenedModel:
    table = ModelTable(source=path.name)
    return open_model(
        table, root=path.parent, cache=cache, pool=Nobody(), seed=0, trust=False, progress=no_progress
    )  # fmt: skip


def facts(stem: str) -> Any:
    return facts_of(read_tflite(GOLDEN / f"{stem}.tflite"), sha256="0" * 64)


def test_the_layers_are_those_of_the_network():
    """The network of tools/make_golden.py."""
    found = facts("float32")
    rows = [(one.kind, one.kernel, one.parameters, one.macs) for one in found.layers if one.kernel]
    assert rows == [
        ("Conv2D", (3, 3, 1, 4), 3 * 3 * 4 + 4, 6 * 6 * 4 * 9),
        ("DepthwiseConv2D", (3, 3, 4, 1), 3 * 3 * 4 + 4, 6 * 6 * 4 * 9),
        ("Dense", (144, 8), 144 * 8 + 8, 144 * 8),
        ("Dense", (8, 3), 8 * 3 + 3, 8 * 3),
    ]
    assert [one.inputs for one in found.layers[1:4]] == [("image",), ("convolution",), ("depthwise",)]
    assert (found.inputs[0].name, found.inputs[0].shape, found.outputs[0].shape) == ("image", (8, 8, 1), (3,))
    assert found.output_kinds == ("softmax",) and found.format == ".tflite, float32" and not found.quantized


def test_the_lowered_graph_has_the_filters_and_their_windows():
    nodes = {one.kind: one for one in lower(facts("float32")).nodes}
    assert (
        nodes["Conv2D"].kernel_size == (3, 3) and nodes["Conv2D"].places_out == (6, 6) and nodes["Conv2D"].biases == 4
    )
    assert nodes["DepthwiseConv2D"].window == 9 and nodes["Conv2D"].reads == 1
    transposed = next(one for one in lower(facts("upsampled")).nodes if one.kind == "Conv2DTranspose")
    assert (transposed.weights, transposed.macs, transposed.inputs[0]) == (24, 4 * 4 * 24, "small")


def test_ports_of_a_quantized_file_stand_for_real_numbers():
    found = facts("int8")
    assert (found.inputs[0].dtype, found.outputs[0].dtype, found.quantized) == ("float32", "float32", "int8")
    assert "quantized already (int8)" in found.notes[0]
    assert "nothing of it is trained" in facts("float32").notes[0] and "trainable weights" in found.untrainable


def test_names_are_told_apart():
    names = [one.name for one in facts("recurrent_loop").layers]
    assert len(names) == len(set(names)) > 5


def test_a_kernel_without_axes_is_none():
    model = read_tflite(GOLDEN / "float32.tflite")
    flat = [replace(one, shape=(one.elements,)) if one.shape == (8, 144) else one for one in model.tensors]
    found = facts_of(replace(model, tensors=tuple(flat)), sha256="0" * 64)
    assert [one.kernel for one in found.layers if one.kind == "Dense"] == [None, (8, 3)] and lower(found).weights > 0


def test_it_is_opened_without_a_worker_and_kept_as_it_is(tmp_path):
    with Cache(tmp_path / "cache") as cache:
        found = opened(GOLDEN / "float32.tflite", cache)
        assert (Path(found.folder) / FILE).read_bytes() == (GOLDEN / "float32.tflite").read_bytes()
        assert found.job == {} and found.facts.macs == read_tflite(GOLDEN / "float32.tflite").macs
        assert opened(GOLDEN / "float32.tflite", cache).key == found.key != opened(GOLDEN / "lstm.tflite", cache).key


@pytest.mark.parametrize("content", [b"", b"junk" * 40, b"\x10\0\0\0TFL3" + b"\xff" * 64])
def test_what_is_no_tflite_is_refused_and_leaves_nothing(content, tmp_path):
    path = tmp_path / "net.tflite"
    path.write_bytes(content)
    with Cache(tmp_path / "cache") as cache, pytest.raises(ModelError) as caught:
        opened(path, cache)
    assert caught.value.exit_code == 2 and "net.tflite" in str(caught.value)
    assert not list((tmp_path / "cache").rglob(FILE))


@pytest.mark.parametrize("name", ["net.keras", "net.H5", "net.onnx", "net.pt2", "net.pt"])
def test_a_file_under_the_name_of_another_format_is_refused_before_it_is_read(tmp_path, name):
    path = tmp_path / name
    path.write_bytes((GOLDEN / "float32.tflite").read_bytes())
    with Cache(tmp_path / "cache") as cache, pytest.raises(ModelError) as caught:
        opened(path, cache)
    assert caught.value.received == "a .tflite file" and path.suffix in caught.value.what
    assert "name this one .tflite" in caught.value.next_step and caught.value.exit_code == 2
    path.rename(tmp_path / "net.lite")
    with Cache(tmp_path / "cache") as cache:
        assert opened(tmp_path / "net.lite", cache).facts.format == ".tflite, float32", "any other name will do"


def test_a_folder_under_the_files_name_is_refused_with_the_file_in_it(tmp_path):
    path = tmp_path / "net.tflite"
    path.mkdir()
    for inside in (None, path / "model.tflite"):
        if inside is not None:
            inside.write_bytes((GOLDEN / "float32.tflite").read_bytes())
        with Cache(tmp_path / "cache") as cache, pytest.raises(ModelError) as caught:
            opened(path, cache)
        assert caught.value.received == "a folder"
        assert str(inside or "the path of a .tflite") in caught.value.next_step


def test_few_values_of_a_kernel_are_told_by_its_layer_and_lowered_with_it():
    found = facts("clustered_float32")
    assert found.values == {"hidden": KernelValues(distinct=4)} and facts("float32").values == {}
    assert {node.name: node.distinct for node in lower(found).nodes}["hidden"] == 4
