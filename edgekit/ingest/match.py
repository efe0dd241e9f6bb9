"""Whether data and model go together: counts, shapes, labels; and the loss that follows from both.

Pure decisions on facts of the model, of the data set's arrays, and on the task of each output; nothing is read.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence

from edgekit.documents.facts import ModelFacts, TensorFacts
from edgekit.errors import DataError
from edgekit.ingest.dataset import ArrayFile, Dataset, Split
from edgekit.ingest.printable import listed
from edgekit.verdict.losses import is_distance
from edgekit.verdict.targets import TargetFacts
from edgekit.verdict.task import Kind, OutputTask, same

SPARSE, CATEGORICAL, BINARY = "sparse_categorical_crossentropy", "categorical_crossentropy", "binary_crossentropy"


def match(
    facts: ModelFacts,
    dataset: Dataset,
    tasks: Sequence[OutputTask],
    targets: Mapping[Split, Sequence[TargetFacts]],
    *,
    output: int = 0,
    own_metric: bool = False,
    trains: bool = True,
) -> None:
    """Raise `DataError` if the data's inputs, targets or labels do not fit the model or the metric.

    `tasks` has one for each output, `targets` the facts of each target by split, `output` is the one that the metric
    is computed on. A user's metric (`own_metric`) takes targets of any shape. If nothing `trains`, a class may have no
    training samples.
    """
    match_inputs(facts, dataset)
    for split, files in dataset.splits.items():
        names = [tensor.name for tensor in facts.outputs]
        _count("targets", [array.name for array in files.targets], names, split, dataset.place(split))
        for array, tensor, task in zip(files.targets, facts.outputs, tasks, strict=True):
            _labels(array, tensor, task.kind, dataset.place(array))
            if not own_metric:
                _target_shape(array, tensor, split, task.kind, dataset.place(array))
    each = zip(facts.outputs, tasks, targets.get("train", ()), dataset.splits["train"].targets, strict=False)
    for tensor, task, found, array in each:
        if trains and task.kind == "classification":
            _empty_class(found, tensor, dataset.place(array))
    if output >= len(facts.outputs):
        raise DataError(
            "no such output", where="goal.output", received=output, allowed=f"0 to {len(facts.outputs) - 1}"
        )


def match_inputs(facts: ModelFacts, dataset: Dataset) -> None:
    """Raise `DataError` if the data have another number of inputs than the model, or samples of another shape."""
    for split, files in dataset.splits.items():
        names = [tensor.name for tensor in facts.inputs]
        _count("inputs", [array.name for array in files.inputs], names, split, dataset.place(split), facts.held)
        for array, tensor in zip(files.inputs, facts.inputs, strict=True):
            _shape(array, tensor, split, dataset.place(array))
            _whole(array, tensor, dataset.place(array))


def _count(
    what: str, arrays: Sequence[str], ports: Sequence[str], split: str, where: str, held: Collection[str] = ()
) -> None:
    received, wanted = len(arrays), len(ports)
    if received != wanted:
        kind = "x" if what == "inputs" else "y"
        without = f"leave out the array for {', '.join(map(repr, held))}, held at a value, and " if held else ""
        raise DataError(
            f"the data has another number of {what} than the model",
            where=where,
            received=f"{received}: {listed(arrays)}",
            allowed=f"{wanted}: {listed(ports)}",
            next_step=f"{without}{'leave out those that are too many, and ' if received > wanted else ''}name them {kind}_{split}_0, ..._1 in the model's order",
        )


def _shape(array: ArrayFile, tensor: TensorFacts, split: str, where: str) -> None:
    sample = array.shape[1:]
    if same(sample, tensor.shape):
        return
    raise DataError(
        f"samples of {split} have another shape than the model's input {tensor.name!r}",
        where=where,
        received=sample,
        allowed=_allowed(tensor),
        next_step=_shape_hint(array.shape, tensor.shape, tensor.onnx_shape),
    )


def _whole(array: ArrayFile, tensor: TensorFacts, where: str) -> None:
    """Raise for fractions where the model takes whole numbers, as indices are: each would be cut to the number below it without a word."""
    ends = (array.low, array.high)
    if tensor.dtype.startswith(("int", "uint")) and not all(end.is_integer() for end in ends):
        raise DataError(
            f"fractions for the model's input {tensor.name!r}, which takes whole numbers", where=where, received=f"{array.low:g} to {array.high:g}, {array.dtype}",
            allowed=f"whole numbers: it is of {tensor.dtype}", next_step="give the numbers as they were before they were scaled, such as the indices of words",
        )  # fmt: skip


def _allowed(tensor: TensorFacts) -> str:
    """The shapes that a sample may have: as the device feeds them, and, of an imported model, as its file has them."""
    fed, given = (
        str(tuple("any" if size is None else size for size in shape)).replace("'", "")
        for shape in (tensor.shape, tensor.onnx_shape)
    )
    return fed if fed == given else f"{given}, as the model has it, or {fed}"


def _shape_hint(array: tuple[int, ...], wanted: tuple[int | None, ...], given: tuple[int | None, ...]) -> str:
    """What would help an array of samples; rows are reshaped to the order of axes that an imported model was `given` in, for so they were flattened."""
    sample = array[1:]
    if (*sample, 1) == wanted:
        return "add a channel axis to the data: x[..., None]"
    if sample[:-1] == wanted and sample[-1] == 1:
        return "remove the last axis of the data: x[..., 0]"
    if len(sample) == 3 and (*sample[1:], sample[0]) == wanted:
        return "the channels come first: bring them to the end, x.transpose(0, 2, 3, 1)"
    if (
        math.prod(sample) == math.prod(size or 1 for size in wanted)
        and None not in wanted
        and len(sample) < len(wanted)
    ):
        return f"reshape the samples: for a table, shape = {list(given)} in [data]; for arrays x.reshape(-1, {str(given)[1:-1]})"
    if len(sample) == 3 and len(wanted) == 3 and sample[2] == wanted[2]:
        return f"set image_size = [{wanted[0]}, {wanted[1]}] in [data], for a folder of images"
    if same(array, wanted):
        return "the array is one sample: its first axis counts samples, x[None]"
    return "give the arrays as the model takes them, with an axis before that counts samples"


def _labels(array: ArrayFile, tensor: TensorFacts, kind: Kind | None, where: str) -> None:
    """Integer targets are class numbers if the model's output has an item a class, except for a regression."""
    classes = tensor.shape[-1] if tensor.shape else None
    if kind not in (None, "classification") or not _is_class_numbers(array, tensor) or classes is None:
        return
    top = classes - 1 if classes > 1 else 1
    if array.high > top or array.low < 0:
        raise DataError(
            "labels do not match the model's outputs",
            where=where,
            received=f"labels from {array.low:g} to {array.high:g}",
            allowed=f"0 to {top}: output {tensor.name!r} has {classes} {'items' if classes > 1 else 'item'}",
            next_step="number the classes from 0, or give an output a class; where the targets are no classes, save them as floats",
        )


def _empty_class(found: TargetFacts, tensor: TensorFacts, where: str) -> None:
    """Raises for a class without training samples: fine-tuning would forget it. Not for maps, where a class may well be rare."""
    classes, counts = tensor.shape[-1] if tensor.shape else None, found.columns or found.counts
    if classes is None or len(tensor.shape) != 1 or not counts:
        return
    absent = [index for index in range(classes) if index >= len(counts) or counts[index] == 0]
    if absent:
        more = f" and {len(absent) - 10} more" if len(absent) > 10 else ""
        raise DataError(
            "an empty class",
            where=where,
            received=f"no training sample with label {', '.join(map(str, absent[:10]))}{more}",
            allowed=f"every label from 0 to {classes - 1}: output {tensor.name!r} has {classes} items",
            next_step="add samples of the class (a share is held out for validation and as the test where the data have none, so one may not be "
            "enough): a fine-tune without them would make the model forget it; or set epochs = 0 in [training]",
        )


def _target_shape(array: ArrayFile, tensor: TensorFacts, split: str, kind: Kind | None, where: str) -> None:
    """Targets are class numbers, or have the output's shape; those of a map of class numbers lack only its last axis."""
    sample, wanted = array.shape[1:], tensor.shape
    shapes = [wanted, wanted[:-1], (*wanted[:-1], 1), *([(1,)] if wanted == () else [])]
    numbers = not array.dtype.startswith("float") and kind != "regression"
    if any(same(sample, shape) for shape in (shapes if numbers or wanted in ((), (1,)) else shapes[:1])):
        return
    flat = len(sample) == 0 or sample == (1,)
    raise DataError(
        f"targets of {split} have another shape than the model's output {tensor.name!r}",
        where=where,
        received=f"{sample} of {array.dtype}",
        allowed=str(tuple("any" if size is None else size for size in wanted)).replace("'", ""),
        next_step="save class numbers as integers: y.astype('int64')" if flat else "give a target for each output",
    )


def _is_class_numbers(array: ArrayFile, tensor: TensorFacts) -> bool:
    integers = not array.dtype.startswith("float")
    flat = len(array.shape) == 1 or (len(array.shape) == 2 and array.shape[1] == 1)
    return integers and flat and len(tensor.shape) == 1


def _is_map_of_classes(array: ArrayFile, tensor: TensorFacts) -> bool:
    """A class number at each place of an output with several places, as in segmentation."""
    places = tensor.shape[:-1]
    fits = any(same(array.shape[1:], shape) for shape in (places, (*places, 1)))
    return fits and bool(places) and not array.dtype.startswith("float")


def _as_the_labels_are(loss: str, *, sparse: bool) -> str:
    """The cross-entropy a model was compiled with, in its form for class numbers or for one-hot labels, as the data needs."""
    wanted, other = (SPARSE, CATEGORICAL) if sparse else (CATEGORICAL, SPARSE)
    name = loss.split(" ")[0].removesuffix("_from_logits")
    return wanted + loss.removeprefix(other) if name == other else loss


def choose_losses(
    declared: str | tuple[str, ...] | None, facts: ModelFacts, dataset: Dataset, tasks: Sequence[OutputTask]
) -> tuple[str, ...]:
    """The loss of each output for fine-tuning: the project's, else the one the model was compiled with, else by its task.

    Raises `DataError` if none of them is known, or if the project names another number of losses than there are outputs.
    """
    count = len(facts.outputs)
    named = (declared,) * count if isinstance(declared, str) else declared or (None,) * count
    if len(named) != count:
        raise DataError(
            "another number of losses than outputs", where="training.loss", received=len(named), allowed=str(count)
        )
    compiled = facts.losses or (None,) * count
    targets = dataset.splits["train"].targets
    each = zip(named, compiled, facts.output_kinds, targets, facts.outputs, tasks, strict=True)
    return tuple(_choose(*one) for one in each)


def _choose(
    declared: str | None, compiled: str | None, ends_in: str, array: ArrayFile, tensor: TensorFacts, task: OutputTask
) -> str:
    if declared:
        return declared
    numbers = _is_class_numbers(array, tensor) or _is_map_of_classes(array, tensor)
    sparse = numbers and tensor.shape[-1] != 1
    logits = "_from_logits" if ends_in == "linear" else ""
    if compiled and not (sparse and is_distance(compiled)):  # the distance from a class number means nothing
        return _as_the_labels_are(compiled, sparse=numbers)
    if task.kind == "classification" and (sparse or ends_in != "sigmoid"):
        return f"{SPARSE if sparse else CATEGORICAL}{logits}"
    if task.kind in ("classification", "binary", "multilabel"):
        return f"{BINARY}{logits}"
    if task.kind == "regression":
        return "mean_squared_error"
    raise DataError(
        "no loss follows from the model and the data",
        where="training.loss",
        received=f"a {ends_in} output of shape {tensor.shape} and {array.dtype} targets of shape {array.shape[1:]}",
        next_step='set loss in [training], as in loss = "mean_squared_error"',
    )
