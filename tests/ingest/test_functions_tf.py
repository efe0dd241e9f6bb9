"""What TensorFlow and Keras themselves give as data: the fakes of `test_functions` must not be kinder than they are."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.errors import DataError
from edgekit.ingest.spool import spool_result
from edgekit.ingest.wanted import Wanted
from edgekit.make.workshop.door import door
from edgekit.progress import no_progress

pytestmark = pytest.mark.tf
X, Y = np.arange(96, dtype=np.float32).reshape(12, 4, 2), np.arange(12) % 3
WANTED = Wanted(names=("x",), output_names=("y",), input_shapes=((4, 2),), output_shapes=((3,),), classes=3)


def dataset():
    return door().tf.data.Dataset.from_tensor_slices((X, Y))


def from_generator():
    tf = door().tf
    signature = (tf.TensorSpec(None, tf.float32), tf.TensorSpec((), tf.int64))
    return tf.data.Dataset.from_generator(lambda: zip(X, Y, strict=True), output_signature=signature)


def py_dataset():
    class Batches(door().keras3.utils.PyDataset):
        def __len__(self):
            return 3

        def __getitem__(self, index):
            return X[index * 4 : index * 4 + 4], Y[index * 4 : index * 4 + 4]

    return Batches()


FORMS = {
    "batched": lambda: dataset().batch(5),
    "unbatched": dataset,
    "unbatched of unknown length and shape": from_generator,
    "by name": lambda: dataset().map(lambda x, y: ({"x": x}, {"y": y})).batch(4),
    "unbatched by name": lambda: dataset().map(lambda x, y: ({"x": x}, y)),
    "a function": lambda: dataset,
    "an iterator": lambda: iter(dataset().batch(5)),
    "numpy": lambda: dataset().as_numpy_iterator(),
    "PyDataset": py_dataset,
    "tensors": lambda: (door().tf.constant(X), door().tf.constant(Y)),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_arrays(tmp_path, form):
    found = spool_result(
        (FORMS[form](), FORMS[form]()),
        tmp_path,
        options={"validation": 0.25},
        seed=0,
        progress=no_progress,
        wanted=WANTED,
    )
    for split in ("train", "test"):
        np.testing.assert_array_equal(found.inputs(split)[0], X)
        np.testing.assert_array_equal(found.targets(split)[0], Y)


def test_text_labels_of_a_dataset(tmp_path):
    words = np.array(["walk", "run", "sit"])[Y]
    given = door().tf.data.Dataset.from_tensor_slices((X, words))
    found = spool_result(
        (given.batch(5), given), tmp_path, options={"validation": 0.25}, seed=0, progress=no_progress, wanted=WANTED
    )
    assert found.labels == ("run", "sit", "walk") and found.targets("test")[0][:3].tolist() == [2, 0, 1]


def test_what_never_ends_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("edgekit.ingest.streams.MOST_BYTES", 10_000)
    for given, what in (
        (dataset().repeat(), "an endless tf.data.Dataset"),
        (dataset().repeat().filter(lambda x, y: True), "a stream that may"),
    ):
        with pytest.raises(DataError, match=what):
            spool_result(
                (given, (X, Y)), tmp_path, options={"validation": 0.25}, seed=0, progress=no_progress, wanted=WANTED
            )


def test_elements_that_are_mappings_are_told_what_to_do(tmp_path):
    given = dataset().map(lambda x, y: {"image": x, "label": y})
    with pytest.raises(DataError, match="a batch that is not") as caught:
        spool_result(
            (given, given), tmp_path, options={"validation": 0.25}, seed=0, progress=no_progress, wanted=WANTED
        )
    assert caught.value.received == "a mapping of image, label" and ".map(" in caught.value.next_step
