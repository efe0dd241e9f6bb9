"""Data in the order of the ONNX file is transposed once; data in the device's order is taken as it is; what fits both must be told."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.documents.facts import ModelFacts, Origin, TensorFacts
from edgekit.errors import DataError
from edgekit.ingest.laid_out import laid_out
from edgekit.ingest.spool import spool_result
from edgekit.jobs.cache import Cache
from edgekit.progress import no_progress
from edgekit.project.project_file import DataTable
from edgekit.values import to_builtins

FIRST = (1, 2, 0)


def facts(*, height: int, width: int, channels: int, classes: int = 2, origin: Origin = "ONNX") -> ModelFacts:
    """A network that marks each place of a picture, both of whose ends had their channels first."""
    ends = [
        TensorFacts(name=name, shape=(height, width, last), dtype="float32", onnx_axes=FIRST, origin=origin)
        for name, last in (("image", channels), ("mask", classes))
    ]
    return ModelFacts(sha256="0", format="ONNX, opset 17", inputs=(ends[0],), outputs=(ends[1],), layers=(), output_kinds=("linear",))  # fmt: skip


@pytest.fixture
def spooled(tmp_path):
    """Six random samples of a shape, and targets of another, as a data set on disk; and the cache beside it."""

    def made(sample: tuple[int, ...], target: tuple[int, ...]):
        generator = np.random.default_rng(0)
        x, y = generator.random((6, *sample)).astype("float32"), generator.random((6, *target)).astype("float32")
        (folder := tmp_path / f"data{len(list(tmp_path.iterdir()))}").mkdir()
        options = to_builtins(DataTable(source="data"))
        data = {"x_train": x, "y_train": y, "x_test": x, "y_test": y}
        return spool_result(data, folder, options=options, seed=0, progress=no_progress), x, y

    return made


@pytest.fixture
def cache(tmp_path):
    with Cache(tmp_path / "cache") as found:
        yield found


def test_arrays_with_the_channels_first_are_transposed_and_a_note_says_so(spooled, cache):
    dataset, x, y = spooled((3, 4, 5), (2, 4, 5))
    found = laid_out(dataset, facts(height=4, width=5, channels=3), None, cache)
    for split in ("train", "validation", "test"):
        rows = found.rows(split)
        np.testing.assert_array_equal(found.inputs(split)[0][rows], x.transpose(0, 2, 3, 1)[rows])
        np.testing.assert_array_equal(found.targets(split)[0][rows], y.transpose(0, 2, 3, 1)[rows])
        assert found.splits[split].inputs[0].shape == (6, 4, 5, 3)
        np.testing.assert_array_equal(rows, dataset.rows(split))
    assert found.sha256 != dataset.sha256
    assert [note for note in found.notes if "came as 3 x 4 x 5" in note and "transposed to 4 x 5 x 3" in note]
    assert laid_out(dataset, facts(height=4, width=5, channels=3), None, cache) == found


def test_a_model_of_pytorch_is_named_as_that_even_where_the_same_data_were_transposed_for_one_in_onnx(spooled, cache):
    dataset, _, _ = spooled((3, 4, 5), (2, 4, 5))
    for origin in ("ONNX", "PyTorch"):
        found = laid_out(dataset, facts(height=4, width=5, channels=3, origin=origin), None, cache)
        assert all(f"as the {origin} model has them" in note for note in found.notes if "transposed" in note)
        assert any("transposed" in note for note in found.notes)
    dataset, _, _ = spooled((3, 3, 3), (3, 3))
    with pytest.raises(DataError) as caught:
        laid_out(dataset, facts(height=3, width=3, channels=3, origin="PyTorch"), None, cache)
    assert "the order of the PyTorch model" in caught.value.next_step


def test_arrays_in_the_order_of_the_device_and_class_maps_stay_as_they_are(spooled, cache):
    dataset, _, _ = spooled((4, 5, 3), (4, 5, 2))
    assert laid_out(dataset, facts(height=4, width=5, channels=3), None, cache) is dataset
    dataset, _, _ = spooled((4, 5, 3), (4, 5))
    assert laid_out(dataset, facts(height=4, width=5, channels=3), None, cache) is dataset


def test_a_shape_that_fits_both_orders_is_refused_until_the_key_says_which(spooled, cache):
    dataset, x, _ = spooled((3, 3, 3), (3, 3))
    network = facts(height=3, width=3, channels=3)
    with pytest.raises(DataError, match="fit with the channels first and with the channels last") as caught:
        laid_out(dataset, network, None, cache)
    assert "channels" in str(caught.value.next_step) and caught.value.exit_code == 2
    assert laid_out(dataset, network, "last", cache) is dataset
    moved = laid_out(dataset, network, "first", cache)
    np.testing.assert_array_equal(moved.inputs("test")[0], x.transpose(0, 2, 3, 1))


def test_a_model_of_keras_leaves_every_array_alone(spooled, cache):
    dataset, _, _ = spooled((3, 4, 5), (1,))
    plain = facts(height=4, width=5, channels=3)
    ends = [TensorFacts(name=one.name, shape=one.shape, dtype=one.dtype) for one in (*plain.inputs, *plain.outputs)]
    keras = ModelFacts(sha256="0", format=".keras", inputs=(ends[0],), outputs=(ends[1],), layers=(), output_kinds=("linear",))  # fmt: skip
    assert laid_out(dataset, keras, "first", cache) is dataset
