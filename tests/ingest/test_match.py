"""Whether data and model go together, and the loss that follows from both."""

from __future__ import annotations

import msgspec
import pytest

from edgekit.documents.facts import ModelFacts, TensorFacts
from edgekit.errors import DataError
from edgekit.ingest.dataset import ArrayFile, Dataset, SplitFiles
from edgekit.ingest.match import choose_losses as choose
from edgekit.ingest.match import match as match_all
from edgekit.verdict.targets import TargetFacts
from edgekit.verdict.task import tasks_of


def array(name, shape, dtype="float32", low=0.0, high=1.0):
    return ArrayFile(path=f"{name}.npy", shape=shape, dtype=dtype, low=low, high=high)


def data(x=(8, 8, 1), y=(), dtype="int64", high=9.0, low=0.0, more_x=(), more_y=()):
    inputs = tuple(array(f"x_train_{index}", (30, *shape)) for index, shape in enumerate((x, *more_x)))
    targets = tuple(
        array(f"y_train_{index}", (30, *shape), dtype, low, high) for index, shape in enumerate((y, *more_y))
    )
    files = SplitFiles(inputs=inputs, targets=targets, samples=30)
    return Dataset(root="", sha256="", splits={"train": files})


def model(inputs=((8, 8, 1),), outputs=((10,),), kind="softmax", loss=None):
    def tensors(name, shapes):
        return tuple(TensorFacts(name=f"{name}{i}", shape=shape, dtype="float32") for i, shape in enumerate(shapes))

    return ModelFacts(
        sha256="", format="keras", inputs=tensors("image", inputs), outputs=tensors("out", outputs), layers=(),
        output_kinds=(kind,) * len(outputs), losses=(loss,) * len(outputs),
    )  # fmt: skip


def facts_of(dataset):
    """What the targets say, as far as a test says it: integers are class numbers that all occur, other rows are any."""
    return [
        TargetFacts(
            sample=one.shape[1:], dtype=one.dtype, samples=30, low=one.low, high=one.high,
            whole=not one.dtype.startswith("float"), rows="other" if one.shape[1:] and one.shape[-1] > 1 else None,
            counts=(3,) * round(one.high + 1) if one.low >= 0 and one.shape[1:] in ((), (1,)) else (), distinct=30,
        )
        for one in dataset.splits["train"].targets
    ]  # fmt: skip


def match(facts, dataset, **more):
    targets = facts_of(dataset)
    match_all(facts, dataset, tasks_of(facts, targets), {"train": targets}, **more)


ONE_HOT = {"rows": "one-hot", "whole": True, "high": 1.0, "distinct": 2}
LABELS = {"whole": True, "high": 1.0, "distinct": 2}


def choose_losses(declared, facts, dataset, **said):
    targets = [msgspec.structs.replace(one, **said) for one in facts_of(dataset)]
    return choose(declared, facts, dataset, tasks_of(facts, targets, declared))


FITTING = [
    (model(), data()),
    (model(), data(y=(1,))),
    (model(outputs=((2,),)), data(dtype="bool", high=1.0)),
    (model(), data(y=(10,), dtype="float32", high=1.0)),
    (model(), data(y=(10,), dtype="int64", high=1.0)),
    (model(inputs=((None, None, 1),)), data()),
    (model(outputs=((1,),), kind="sigmoid"), data(high=1.0)),
    (model(outputs=((1,),), kind="linear"), data(dtype="float32", high=99.0)),
    (model(outputs=((1,),), kind="linear"), data(y=(1,), dtype="float32", high=99.0)),
    (model(outputs=((16, 16, 4),)), data(y=(16, 16), high=3.0)),
    (model(outputs=((16, 16, 4),)), data(y=(16, 16, 1), high=3.0)),
    (model(outputs=((None, 4),), kind="linear"), data(y=(7, 4), dtype="float32")),
    (model(inputs=((8, 8, 1), (3,))), data(more_x=((3,),))),
    (model(outputs=((10,), (10,))), data(more_y=((),))),
]


@pytest.mark.parametrize(("facts", "dataset"), FITTING)
def test_what_goes_together(facts, dataset):
    match(facts, dataset)


def refused(facts, dataset, **more):
    with pytest.raises(DataError) as caught:
        match(facts, dataset, **more)
    return caught.value


@pytest.mark.parametrize(
    ("shape", "hint"),
    [
        ((1, 8, 8), "x.transpose(0, 2, 3, 1)"),
        ((64,), "shape = [8, 8, 1] in [data]"),
        ((8, 8), "x[..., None]"),
        ((16, 16, 1), "image_size = [8, 8]"),
        ((8, 8, 3), "as the model takes them"),
        ((8,), "as the model takes them"),
    ],
)
def test_another_input_shape(shape, hint):
    error = refused(model(), data(x=shape))
    assert "another shape than the model's input 'image0'" in error.what and error.where == "x_train_0"
    assert (error.received, error.allowed) == (str(shape), "(8, 8, 1)") and hint in error.next_step


def test_rows_of_an_imported_model_are_reshaped_in_the_order_that_it_was_given_in():
    """Channels first in its file, last on the device: a row in the file's order that is reshaped to the device's is a scrambled picture."""
    facts = model(inputs=((8, 9, 3),))
    imported = msgspec.structs.replace(facts.inputs[0], onnx_axes=(1, 2, 0))
    facts = msgspec.structs.replace(facts, inputs=(imported,))
    error = refused(facts, data(x=(216,)))
    assert error.allowed == "(3, 8, 9), as the model has it, or (8, 9, 3)"
    assert "shape = [3, 8, 9] in [data]" in error.next_step and "x.reshape(-1, 3, 8, 9)" in error.next_step


def test_one_sample_alone_is_told_apart_from_samples_that_lack_an_axis():
    state = model(inputs=((2, 1, 128),))
    (files,) = data().splits.values()
    one = msgspec.structs.replace(files, inputs=(array("x_train_0", (2, 1, 128)),))
    alone = refused(state, msgspec.structs.replace(data(), splits={"train": one}))
    assert alone.received == "(1, 128)" and "x[None]" in alone.next_step
    halved = refused(state, data(x=(1, 128)))
    assert (halved.received, halved.allowed) == ("(1, 128)", "(2, 1, 128)") and "x[None]" not in halved.next_step


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint8"])
def test_fractions_for_an_input_of_whole_numbers(dtype):
    facts = model()
    whole = msgspec.structs.replace(facts, inputs=(msgspec.structs.replace(facts.inputs[0], dtype=dtype),))
    error = refused(whole, fractions(low=0.0, high=0.5))
    assert "takes whole numbers" in error.what and error.received == "0 to 0.5, float32" and dtype in error.allowed
    match(whole, fractions(low=0.0, high=99.0))
    match(facts, fractions(low=0.0, high=0.5))


def fractions(low, high):
    """Data in float32 from one number to another."""
    (files,) = data().splits.values()
    x = msgspec.structs.replace(files.inputs[0], low=low, high=high)
    return msgspec.structs.replace(data(), splits={"train": msgspec.structs.replace(files, inputs=(x,))})


def test_an_axis_too_many_and_a_batch_too_few():
    assert "x[..., 0]" in refused(model(inputs=((8, 8),)), data()).next_step
    assert "any" in refused(model(inputs=((None, 3),)), data(x=(5, 4))).allowed


def test_another_number_of_inputs_or_targets():
    error = refused(model(inputs=((8, 8, 1), (3,))), data())
    assert "another number of inputs" in error.what and (error.received, error.allowed) == (
        "1: x_train_0",
        "2: image0, image1",
    )
    assert "x_train_0" in error.next_step
    error = refused(model(), data(more_y=((),)))
    assert "another number of targets" in error.what and "y_train_0" in error.next_step
    assert error.received == "2: y_train_0, y_train_1" and "leave out those that are too many" in error.next_step


@pytest.mark.parametrize(
    ("facts", "dataset", "received", "allowed"),
    [
        (model(), data(high=10.0), "labels from 0 to 10", "0 to 9: output 'out0' has 10 items"),
        (model(), data(low=-1.0), "labels from -1 to 9", "0 to 9: output 'out0' has 10 items"),
        (model(outputs=((1,),), kind="sigmoid"), data(high=2.0), "labels from 0 to 2", "0 to 1: output 'out0' has 1 item"),
    ],
)  # fmt: skip
def test_labels_that_are_none_of_the_outputs(facts, dataset, received, allowed):
    error = refused(facts, dataset)
    assert error.what == "labels do not match the model's outputs" and error.where == "y_train_0"
    assert (error.received, error.allowed) == (received, allowed) and "floats" in error.next_step


def test_an_array_is_named_by_its_source_and_by_its_name_there():
    (files,) = data(x=(8, 8)).splits.values()
    named = tuple(msgspec.structs.replace(one, key="x_train_image") for one in files.inputs)
    splits = {"train": msgspec.structs.replace(files, inputs=named)}
    dataset = msgspec.structs.replace(data(), source="d.npz", splits=splits)
    assert refused(model(), dataset).where == "d.npz: x_train_image"
    assert refused(model(inputs=((8, 8), (3,))), dataset).where == "d.npz: train"


def test_a_class_without_training_samples():
    error = refused(model(), data(high=3.0))
    assert error.what == "an empty class" and "4, 5, 6, 7, 8, 9" in error.received and error.where == "y_train_0"
    match(model(), data(high=3.0), trains=False)


def test_whole_numbers_of_a_regression_are_no_class_numbers():
    for loss in ("mean_squared_error", None):
        ages = model(outputs=((1,),), kind="linear", loss=loss)
        match(ages, data(low=18.0, high=90.0))
        assert choose_losses(None, ages, data(low=18.0, high=90.0)) == ("mean_squared_error",)
    two = model(outputs=((2,),), kind="linear", loss="mean_absolute_error")
    match(two, data(y=(2,), low=-5.0, high=90.0))
    assert "labels do not match" in refused(model(outputs=((2,),), kind="linear"), data(low=-5.0, high=90.0)).what


@pytest.mark.parametrize(
    ("y", "dtype", "hint"),
    [((9,), "float32", "a target for each"), ((9,), "int64", "a target for each"), ((), "float32", "astype('int64')")],
)
def test_targets_of_another_shape_than_the_output(y, dtype, hint):
    error = refused(model(), data(y=y, dtype=dtype))
    assert "targets of train have another shape" in error.what and hint in error.next_step
    assert error.allowed == "(10,)"


def test_a_metric_of_ones_own_may_take_targets_of_any_shape():
    match(model(), data(y=(9,), dtype="float32"), own_metric=True)


def test_an_output_that_there_is_not():
    error = refused(model(), data(), output=1)
    assert error.what == "no such output" and error.allowed == "0 to 0"


@pytest.mark.parametrize(
    ("facts", "dataset", "said", "loss"),
    [
        (model(), data(), {}, "sparse_categorical_crossentropy"),
        (model(), data(y=(1,)), {}, "sparse_categorical_crossentropy"),
        (model(kind="linear"), data(), {}, "sparse_categorical_crossentropy_from_logits"),
        (model(kind="sigmoid"), data(), {}, "sparse_categorical_crossentropy"),
        (model(), data(y=(10,), dtype="float32"), ONE_HOT, "categorical_crossentropy"),
        (model(), data(y=(10,), dtype="float32"), {"rows": "distribution"}, "categorical_crossentropy"),
        (model(kind="linear"), data(y=(10,), dtype="float32"), ONE_HOT, "categorical_crossentropy_from_logits"),
        (model(kind="sigmoid"), data(y=(10,), dtype="float32"), LABELS, "binary_crossentropy"),
        (model(kind="sigmoid"), data(y=(10,), dtype="float32"), ONE_HOT, "binary_crossentropy"),
        (model(kind="linear"), data(y=(10,), dtype="float32"), LABELS, "binary_crossentropy_from_logits"),
        (model(outputs=((1,),), kind="sigmoid"), data(high=1.0), {}, "binary_crossentropy"),
        (model(outputs=((1,),), kind="linear"), data(high=1.0), {}, "binary_crossentropy_from_logits"),
        (model(kind="linear"), data(y=(10,), dtype="float32"), {}, "mean_squared_error"),
        (model(outputs=((1,),), kind="linear"), data(dtype="float32"), {}, "mean_squared_error"),
        (model(outputs=((None, 4),), kind="linear"), data(y=(7, 4), dtype="float32"), {}, "mean_squared_error"),
    ],
)
def test_the_loss_by_the_contract(facts, dataset, said, loss):
    assert choose_losses(None, facts, dataset, **said) == (loss,)


def test_the_projects_loss_comes_first_and_then_the_models():
    compiled, floats = model(kind="linear", loss="mean_absolute_error"), data(y=(10,), dtype="float32")
    assert choose_losses("huber", compiled, floats) == ("huber",)
    assert choose_losses(None, compiled, floats) == ("mean_absolute_error",)
    assert choose_losses(None, compiled, data()) == ("sparse_categorical_crossentropy_from_logits",), (
        "a distance of ten outputs from the number of a class teaches nothing"
    )


@pytest.mark.parametrize(
    ("compiled", "labels", "loss"),
    [
        (
            "sparse_categorical_crossentropy_from_logits",
            {"y": (10,), "dtype": "float32"},
            "categorical_crossentropy_from_logits",
        ),
        ("categorical_crossentropy", {}, "sparse_categorical_crossentropy"),
        ("categorical_crossentropy", {"y": (10,), "dtype": "float32"}, "categorical_crossentropy"),
        ("binary_crossentropy", {}, "binary_crossentropy"),
    ],
)
def test_a_compiled_cross_entropy_follows_the_form_of_the_labels(compiled, labels, loss):
    assert choose_losses(None, model(loss=compiled), data(**labels)) == (loss,)


@pytest.mark.parametrize("shape", [(16, 16), (16, 16, 1)])
def test_a_map_of_class_numbers_keeps_the_loss_for_class_numbers(shape):
    labels = data(y=shape, high=3.0)
    for compiled in (None, "sparse_categorical_crossentropy", "categorical_crossentropy"):
        facts = model(outputs=((16, 16, 4),), loss=compiled)
        assert choose_losses(None, facts, labels) == ("sparse_categorical_crossentropy",)
    assert choose_losses(None, model(outputs=((16, 16, 4),)), data(y=(16, 16, 4), high=1.0), **ONE_HOT) == (
        "categorical_crossentropy",
    )


def test_no_loss_follows():
    with pytest.raises(DataError, match="no loss follows") as caught:
        choose_losses(None, model(kind="linear"), data(y=(9,), dtype="float32"))
    assert caught.value.where == "training.loss" and "mean_squared_error" in caught.value.next_step


def test_an_array_too_many_for_a_model_with_a_held_input_says_which_to_leave_out():
    held = msgspec.structs.replace(model(), held={"sr": "16000"})
    with pytest.raises(DataError, match="another number of inputs") as caught:
        match(held, data(more_x=((),)))
    assert "leave out the array for 'sr', held at a value" in caught.value.next_step
    with pytest.raises(DataError) as caught:
        match(model(), data(more_x=((),)))
    assert "held" not in caught.value.next_step
