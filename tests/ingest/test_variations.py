"""Which variations an input takes, and what is said of one that it does not take."""

from __future__ import annotations

import pytest

from edgekit.documents.facts import TensorFacts
from edgekit.errors import ProjectError
from edgekit.ingest.variations import kind_of, variations
from edgekit.project.project_file import AugmentTable

IMAGE, SEQUENCE, ROW, TOKENS = (32, 32, 3), (128, 6), (13,), (20,)
CLASSES, MASK = (10,), (32, 32, 2)


def tensor(shape, dtype="float32", name="x"):
    return TensorFacts(name=name, shape=shape, dtype=dtype)


@pytest.mark.parametrize(
    ("shape", "dtype", "kind"),
    [
        (IMAGE, "float32", "image"), ((None, None, 1), "float32", "image"), (IMAGE, "uint8", "image"),
        (SEQUENCE, "float32", "sequence"), ((28, 28), "float32", "sequence"), ((30, 1, 40), "float32", "sequence"),
        ((8, 16, 16, 3), "float32", "sequence"), (ROW, "float32", "row of values"), ((), "float32", "row of values"),
        (TOKENS, "int32", "integers"), ((20, 2), "int64", "integers"), (ROW, "float16", "row of values"),
    ],
)  # fmt: skip
def test_what_an_input_is(shape, dtype, kind):
    assert kind_of(tensor(shape, dtype)) == kind


def test_each_input_gets_what_it_takes():
    asked = AugmentTable(flip="both", shift=0.1, noise=0.2)
    inputs = [tensor(IMAGE), tensor(SEQUENCE, name="s"), tensor(ROW, name="r"), tensor(TOKENS, "int32", "t")]
    assert variations(asked, inputs, [tensor(CLASSES)]) == (
        asked, AugmentTable(shift=0.1, noise=0.2), AugmentTable(noise=0.2), AugmentTable(),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "shape", "dtype", "allowed"),
    [
        ({"flip": "horizontal"}, SEQUENCE, "float32", "shift, noise"),
        ({"flip": "horizontal"}, (28, 28), "float32", "shift, noise"),
        ({"crop": 0.1}, ROW, "float32", "noise"),
        ({"shift": 0.1}, ROW, "float32", "noise"),
        ({"colour": 0.1}, (30, 1, 40), "float32", "shift, noise"),
        ({"noise": 0.1}, TOKENS, "int32", "nothing: whole numbers that are no image are not varied"),
    ],
)
def test_what_no_input_takes_is_refused_with_what_they_do(asked, shape, dtype, allowed):
    with pytest.raises(ProjectError) as caught:
        variations(AugmentTable(**asked), [tensor(shape, dtype)], [tensor(CLASSES)])
    name, parts = next(iter(asked)), caught.value.parts()
    assert parts["where"] == f"[training] augment: {name}" and parts["allowed"] == allowed
    assert f"take {name} out" in parts["next"] and "'x'" in parts["received"]


@pytest.mark.parametrize("name", ["flip", "shift", "crop"])
def test_what_would_leave_a_mask_behind_is_refused(name):
    asked = AugmentTable(**{name: "both" if name == "flip" else 0.1})
    with pytest.raises(ProjectError, match="leave the targets where they are"):
        variations(asked, [tensor(IMAGE)], [tensor(CLASSES), tensor(MASK, name="mask")])


def test_colour_and_noise_leave_a_mask_in_its_place():
    asked = AugmentTable(colour=0.1, noise=0.1)
    assert variations(asked, [tensor(IMAGE)], [tensor(MASK)]) == (asked,)
