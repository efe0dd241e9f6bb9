"""What is decided sample by sample: counted from outputs on disk, in the terms of the metric, whatever the targets' shape."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
import pytest

from edgekit.documents.decisions import Decisions
from edgekit.ingest.dataset import ArrayFile, Dataset, SplitFiles
from edgekit.measure.decisions import MOST_CHANGED, MOST_CLASSES, decisions_on
from edgekit.measure.thumbnails import MOST_CHARACTERS, png
from edgekit.verdict.metric_spec import MetricSpec

ACCURACY, MAE = MetricSpec(), MetricSpec(name="mae", higher_is_better=False)


@pytest.fixture
def made(tmp_path: Path):
    """A data set and outputs on disk, and what `decisions_on` says of them."""

    def make(
        targets: np.ndarray, after: np.ndarray, before: np.ndarray | None = None, *, inputs: np.ndarray | None = None,
        spec: MetricSpec = ACCURACY, labels: tuple[str, ...] = (), rows: np.ndarray | None = None,
    ) -> Decisions | None:  # fmt: skip
        inputs = np.arange(2.0 * len(targets), dtype=np.float32).reshape(-1, 2) if inputs is None else inputs
        files = {}
        for name, array in (("x", inputs), ("y", targets), ("after", after), ("before", before), ("rows", rows)):
            if array is not None:
                np.save(tmp_path / f"{name}.npy", array)
                low, high = float(np.min(array)), float(np.max(array))
                files[name] = ArrayFile(
                    path=f"{name}.npy", shape=array.shape, dtype=str(array.dtype), low=low, high=high
                )
        split = SplitFiles(
            inputs=(files["x"],),
            targets=(files["y"],),
            samples=len(targets if rows is None else rows),
            rows="rows.npy" if rows is not None else None,
        )
        dataset = Dataset(root=str(tmp_path), sha256="", splits={"test": split}, labels=labels)
        paths = [[str(tmp_path / f"{name}.npy")] if name in files else [] for name in ("before", "after")]
        return decisions_on(dataset, "test", spec, *paths)

    return make


def scores(decided: list[int], classes: int = 3) -> np.ndarray:
    """Outputs that decide so."""
    return np.eye(classes, dtype=np.float32)[decided] * 0.8 + 0.1


TRUTH = np.array([0, 0, 1, 1, 2, 2])


def test_classes_are_counted_and_their_loss_is_in_points(made):
    found = made(TRUTH, scores([0, 1, 1, 1, 2, 0]), scores([0, 0, 1, 2, 2, 1]), labels=("cat", "dog", "cow"))
    assert found.confusion == ((1, 1, 0), (0, 2, 0), (1, 0, 1)) and found.labels == ("cat", "dog", "cow")
    assert [(one.label, one.samples, one.before, one.after, one.points_lost) for one in found.classes] == [
        ("cat", 2, 1.0, 0.5, 50.0), ("dog", 2, 0.5, 1.0, -50.0), ("cow", 2, 0.5, 0.5, 0.0),
    ]  # fmt: skip
    assert (found.changed_samples, found.lost, found.gained) == (3, 1, 1)
    assert [(one.sample, one.truth, one.before, one.after) for one in found.changed] == [
        (1, "cat", "cat", "dog"), (3, "dog", "cow", "dog"), (5, "cow", "dog", "cat"),
    ]  # fmt: skip
    assert found.changed[0].values == (2.0, 3.0)


@pytest.mark.parametrize(
    "targets", [TRUTH.astype(np.float32), TRUTH[:, None], np.eye(3)[TRUTH], TRUTH.astype(np.uint8)],
    ids=["floats that are whole", "a column", "one-hot", "bytes"],
)  # fmt: skip
def test_targets_of_any_form_are_the_same_classes(made, targets):
    assert made(targets, scores([0, 1, 1, 1, 2, 0])).confusion == ((1, 1, 0), (0, 2, 0), (1, 0, 1))


def test_a_sample_is_named_by_its_row_in_the_data(made):
    rows = np.array([1, 3, 5])
    found = made(TRUTH, scores([1, 1, 2]), scores([0, 1, 2]), rows=rows)
    assert [(one.sample, one.values) for one in found.changed] == [(1, (2.0, 3.0))] and found.samples == 3


def test_without_a_baseline_nothing_has_changed(made):
    found = made(TRUTH, scores([0, 1, 1, 1, 2, 0]))
    assert found.confusion and found.changed == () and found.classes[0].before is found.classes[0].points_lost is None


def test_a_single_output_says_yes_above_the_threshold(made):
    spec = MetricSpec(threshold=0.0)
    outputs = np.array([[-1.0], [2.0], [0.5], [-0.1]], np.float32)
    found = made(np.array([0, 1, 0, 1]), outputs, -outputs, spec=spec, labels=("no", "yes"))
    assert found.confusion == ((1, 1), (1, 1)) and found.labels == ("no", "yes")
    assert (found.lost, found.gained) == (2, 2)


def test_an_output_that_is_no_number_decides_nothing(made):
    outputs = scores([0, 0, 1, 1, 2, 2])
    outputs[0] = np.nan
    found = made(TRUTH, outputs, scores([0, 0, 1, 1, 2, 2]))
    assert sum(map(sum, found.confusion)) == 5 and found.changed[0].after == "no decision" and found.lost == 1


def test_many_decisions_a_sample_are_counted_one_by_one(made):
    truth = np.zeros((4, 2, 2), np.int64)
    after, before = np.zeros((4, 2, 2, 3), np.float32), np.zeros((4, 2, 2, 3), np.float32)
    after[..., 0] = before[..., 0] = 1.0
    after[2, 0, :, 1] = 2.0
    found = made(truth, after, before)
    assert found.confusion[0] == (14, 2, 0) and found.samples == 4
    (changed,) = found.changed
    assert (changed.sample, changed.truth, changed.before, changed.after) == (2, None, "100.0% right", "50.0% right")


def test_more_classes_than_a_page_has_room_for_leave_those_that_lose_most(made):
    count = MOST_CLASSES + 10
    truth = np.arange(count)
    decided = truth.copy()
    decided[55] = 0
    found = made(truth, scores(list(decided), count), scores(list(truth), count))
    assert found.confusion == () and found.labels == () and len(found.classes) == MOST_CLASSES
    assert found.classes[0].label == "55" and found.classes[0].points_lost == 100.0


def test_not_more_samples_are_named_than_can_be_looked_at(made):
    truth = np.zeros(100, np.int64)
    found = made(truth, scores([1] * 100, 2), scores([0] * 100, 2))
    assert len(found.changed) == MOST_CHANGED and found.changed_samples == found.lost == 100


def test_several_labels_at_once_are_no_classes(made):
    labels = np.array([[1, 1, 0], [0, 1, 1]], np.float32)
    assert made(labels, labels, labels) is not None and made(labels, labels, labels).kind == "numbers"
    assert made(labels, np.ones((2, 5), np.float32)) is None


def test_errors_of_a_regression_and_the_outputs_that_moved_furthest(made):
    truth = np.linspace(0.0, 1.0, 50)[:, None]
    before, after = truth + 0.01, truth.copy()
    after[7] += 0.5
    found = made(truth, after.astype(np.float32), before.astype(np.float32), spec=MAE)
    assert found.kind == "numbers" and found.confusion == () and found.errors.what == "output less target"
    assert sum(found.errors.after) == sum(found.errors.before) == 50
    assert len(found.errors.edges) == len(found.errors.after) + 1
    assert list(found.errors.edges) == sorted(found.errors.edges)
    first = found.changed[0]
    assert (
        first.sample == 7 and first.truth == pytest.approx(7 / 49) and first.after - first.before == pytest.approx(0.49)
    )


def test_several_numbers_a_sample_have_a_mean_error(made):
    truth = np.zeros((5, 3))
    found = made(truth, truth + np.array([[1.0, 2.0, 3.0]]), truth + 1.0, spec=MAE)
    assert found.errors.what == "mean absolute error"
    assert (found.changed[0].truth, found.changed[0].before, found.changed[0].after) == (None, 1.0, 2.0)


def test_what_does_not_go_together_is_nothing(made):
    assert made(TRUTH, scores([0, 1])) is None
    assert made(np.array([0, 9, 1, 1, 2, 2]), scores([0] * 6)) is None, "a label that names no output"
    assert made(TRUTH, np.full((6, 1), np.nan), spec=MAE) is None
    assert made(TRUTH, scores([0] * 6), np.zeros((4, 3))).changed == (), "a baseline of other samples"


@pytest.mark.parametrize("shape", [(8, 8, 1), (32, 32, 3), (28, 28), (200, 100, 3)])
def test_a_picture_is_what_the_input_shows(made, shape):
    from PIL import Image

    images = np.random.default_rng(0).integers(0, 256, (30, *shape)).astype(np.uint8)
    images[0], images[1] = 0, 255
    found = made(np.zeros(30, np.int64), scores([1] * 30, 2), scores([0] * 30, 2), inputs=images)
    opened = [Image.open(io.BytesIO(base64.b64decode(one.picture))) for one in found.changed]
    assert len(opened) == MOST_CHANGED and sum(len(one.picture) for one in found.changed) <= MOST_CHARACTERS
    assert max(opened[0].size) <= 40 and opened[0].mode == ("RGB" if shape[-1] == 3 else "L")
    assert np.asarray(opened[0]).max() == 0 and np.asarray(opened[1]).min() == 255
    if shape == (8, 8, 1):
        assert np.array_equal(np.asarray(opened[5]), images[5, :, :, 0])


def test_grey_levels_follow_the_range_of_the_data(made):
    from PIL import Image

    images = np.zeros((4, 8, 8, 1), np.float32)
    images[0], images[1] = -1.0, 1.0
    found = made(np.zeros(4, np.int64), scores([1] * 4, 2), scores([0] * 4, 2), inputs=images)
    levels = [np.asarray(Image.open(io.BytesIO(base64.b64decode(one.picture))))[0, 0] for one in found.changed]
    assert levels == [0, 255, 128, 128]


@pytest.mark.parametrize("shape", [(3, 4), (49, 10), (4096 * 2, 10, 3), (16, 16, 7)])
def test_what_is_no_picture_is_shown_by_its_first_values(made, shape):
    inputs = np.ones((2, *shape), np.float32)
    found = made(np.zeros(2, np.int64), scores([1, 1], 2), scores([0, 0], 2), inputs=inputs)
    assert all(one.picture == "" and one.values == (1.0,) * 8 for one in found.changed)


def test_a_png_is_one_that_pillow_reads():
    from PIL import Image

    pixels = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(png(pixels)))), pixels)
