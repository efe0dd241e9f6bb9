"""The job `convert`: a model on disk, of Keras or a finished file, becomes a `.tflite` file with a batch of one, by a conversion technique."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from edgekit.ingest.dataset import Dataset
from edgekit.ingest.split import calibration_rows
from edgekit.make.workshop.answers import answers, input_types
from edgekit.make.workshop.converter_reason import StandardError, first_reason
from edgekit.make.workshop.door import Door, door
from edgekit.make.workshop.feed import calibration_note, representative
from edgekit.make.workshop.file_converter import file_converter
from edgekit.make.workshop.file_model import FileModel
from edgekit.make.workshop.int8.calibrating import kept_inputs
from edgekit.make.workshop.int8.mended_scales import mended_scales
from edgekit.make.workshop.int8.plain_activations import plain_activations
from edgekit.make.workshop.int8.quantizing import may_equalize, quantizing
from edgekit.make.workshop.layer_scopes import layer_scopes
from edgekit.make.workshop.lean_saving import lean_saving
from edgekit.make.workshop.plain_layers import plain_layers
from edgekit.make.workshop.plain_operators import plain_operators
from edgekit.make.workshop.real_inputs import real_inputs
from edgekit.make.workshop.recurrent import recurrent_layers
from edgekit.make.workshop.silent_augmentation import silent_augmentation
from edgekit.make.workshop.store import open_model, steps_of
from edgekit.make.workshop.unequal_strides import unequal_strides_kept
from edgekit.make.workshop.unrolling import unrolling
from edgekit.progress import Progress
from edgekit.techniques.steps import TypedStep, conversion_of, training_of
from edgekit.tflite.diet.whole import dieted
from edgekit.tflite.float_ends import with_float_ends
from edgekit.tflite.free_batch import free_batch
from edgekit.tflite.labels import labels
from edgekit.tflite.layers_beside import keep_layers
from edgekit.tflite.model import TfliteModel
from edgekit.tflite.patched import patched
from edgekit.tflite.port_order import order_ports
from edgekit.tflite.reader import parse_tflite, read_tflite
from edgekit.tflite.weights import kernels
from edgekit.values import to_builtins
from edgekit.verdict.converter_said import NO_LOOPS

FILE, BEFORE = "model.tflite", "before_diet.tflite"


def convert(job: dict[str, Any], progress: Progress) -> Any:
    """Convert the model in `job["model"]` by the last of `job["steps"]`; writes `job["target"]/model.tflite`.

    The evidence is taken before the file's diet; where that drops anything, the file before it is `before_diet.tflite`. Returns the evidence of every
    step in the bytes, a note on the calibration, notes on the `quantization`, how many loops are in the file, the `diet` (`_put_on_diet`) and the seconds. The job also holds
    `dataset` (None where nothing is calibrated), `samples`, `seed`, `root`, `imports`, the names that the file
    gives its `inputs` and `outputs`, the `sizes` of a sample of each input where the model leaves some free (else None), and
    whether the loops of recurrent layers are `unrolled` (by default they are not) and the names of inner tensors kept (`keep_names`).
    """
    tools, started = door(), time.monotonic()
    tools.fresh(job["seed"])
    progress("converting", 0, 1)
    steps = steps_of(job)
    last = steps[-1]
    model = open_model(tools, Path(job["model"]), steps[:-1], job)
    for step in steps[:-1]:
        model = training_of(step).converted_as(tools, model, step.settings, conversion_of(last))
    ready = _of_file if isinstance(model, FileModel) else _traced
    note, samples, converter, steps_unrolled = ready(tools, model, job, last, progress)
    conversion_of(last).configure(tools, converter, last.settings, samples)
    errors = StandardError()
    try:
        float_share, equalizes = conversion_of(last).float_share(last.settings), may_equalize(steps)
        with (
            errors,
            kept_inputs(),
            lean_saving(tools),
            quantizing(samples, float_share=float_share, equalizes=equalizes) as notes,
        ):
            content = converter.convert()
        if not conversion_of(last).takes_quantized:  # such a file stays as it was given
            content = order_ports(free_batch(content), job["inputs"], job["outputs"])
            content = with_float_ends(mended_scales(content))
    except Exception as problem:
        raise RuntimeError(first_reason(problem, errors.text)) from problem
    content, mended = _mended(tools, content, model, steps)
    content = conversion_of(last).finish(tools, content, last.settings)
    path = Path(job["target"]) / FILE
    path.write_bytes(content)
    tflite = read_tflite(path)
    kept = [
        training_of(step).ensures_kept(tools, model, tflite, step.settings, conversion_of(last)) for step in steps[:-1]
    ]
    evidence = to_builtins([*kept, conversion_of(last).ensures(tflite, last.settings)])
    for one in evidence:
        one["detail"] += mended.get(one["technique"], "")
    diet = _put_on_diet(path, tflite, keep_names=job.get("keep_names", False))
    progress("converting", 1, 1)
    return {
        "evidence": evidence,
        "calibration": note if converter.representative_dataset is not None else "",
        "quantization": notes,
        "seconds": time.monotonic() - started,
        "steps_unrolled": steps_unrolled,
        "diet": diet,
        "loops": sum(operator.name == "WHILE" for operator in tflite.operators),
    }


class _Ready(NamedTuple):
    """A converter before its options are set, a note on the calibration samples, the samples, and how many steps of loops were unrolled for it."""

    note: str
    samples: Callable[[], Any]
    converter: Any
    steps_unrolled: int


def _traced(tools: Door, model: Any, job: dict[str, Any], last: TypedStep, progress: Progress) -> _Ready:
    """Of a Keras model, traced in operators and names that the file and the evidence need."""
    with contextlib.ExitStack() as while_traced:
        note, samples, dtypes = _calibration(tools, model, job, last, progress, while_traced)
        while_traced.enter_context(layer_scopes(tools, model))
        while_traced.enter_context(silent_augmentation(model))
        integer, lacking = conversion_of(last).calibrated, conversion_of(last).lacks
        while_traced.enter_context(plain_operators(tools, model, integer=integer, lacking=lacking))
        while_traced.enter_context(plain_activations(tools, model, integer=integer))
        while_traced.enter_context(plain_layers(tools, model, lacking=lacking))
        while_traced.enter_context(unequal_strides_kept())
        while_traced.enter_context(recurrent_layers(tools, model, fused=not job.get("unrolled")))
        converter, steps_unrolled = _opened(tools, model, job, dtypes)
    return _Ready(note, samples, converter, steps_unrolled)


def _of_file(tools: Door, model: FileModel, job: dict[str, Any], last: TypedStep, progress: Progress) -> _Ready:
    """Of a `.tflite`, whose loops stay as they are."""
    if job.get("unrolled"):
        raise RuntimeError(NO_LOOPS)
    with contextlib.ExitStack() as nothing_changed:
        note, samples, _ = _calibration(tools, model, job, last, progress, nothing_changed)
    return _Ready(note, samples, file_converter(tools, model, job["inputs"]), 0)


def _put_on_diet(path: Path, tflite: TfliteModel, *, keep_names: bool) -> dict[str, Any]:
    """Replace a file by the one after its diet; returns the name of the file before it (None where nothing could go, with the reason)."""
    slim, layers = dieted(tflite.content, where="the converted model", keep_names=keep_names), labels(tflite)
    if slim.reason is None:
        path.rename(path.with_name(BEFORE))
        path.write_bytes(slim.content)
        keep_layers(path, layers)
    before = BEFORE if slim.reason is None else None
    return {"before": before, "labels": layers, "savings": to_builtins(slim.savings), "reason": slim.reason}


def _calibration(
    tools: Door,
    model: Any,
    job: dict[str, Any],
    last: TypedStep,
    progress: Progress,
    while_traced: contextlib.ExitStack,
) -> tuple[str, Callable[[], Any], list[Any]]:
    """A note on the samples, the samples, and the dtypes that the model is traced with: its own, unless `real_inputs` changes them."""
    own = input_types(tools, model)
    if job["dataset"] is None:
        return "", _no_samples, own
    dataset = Dataset.open(Path(job["dataset"]))
    rows = calibration_rows(dataset, count=job["samples"], seed=job["seed"])
    dtypes = own
    if conversion_of(last).port_dtype(last.settings) != "float32" and not isinstance(model, FileModel):
        first = [array[rows[:1]] for array in dataset.inputs("train")]
        dtypes = while_traced.enter_context(real_inputs(tools, model, first))
    samples = representative(
        dataset, rows, job["inputs"], dtypes, lambda done, total: progress("calibrating", done, total)
    )
    return calibration_note(dataset, rows), samples, dtypes


def _mended(tools: Door, content: bytes, made_of: Any, steps: Sequence[TypedStep]) -> tuple[bytes, dict[str, str]]:
    """The file with its kernels repaired where rounding broke a technique's form, and by technique what was changed."""
    told = {}
    for step in steps[:-1]:
        model = parse_tflite(content, where="the converted model")
        shown = training_of(step).ensures_kept(tools, made_of, model, step.settings, conversion_of(steps[-1]))
        if shown.holds:
            continue
        before = {kernel.index: kernel.array for kernel in kernels(model)}
        after = training_of(step).mend_file(model, step.settings)
        moved = sum(int((array != before[index]).sum()) for index, array in after.items())
        if moved:
            content = patched(content, model, after)
            told[step.technique.name] = f"; {moved} weights were moved to the nearest of them"
    return content, told


def _opened(tools: Door, model: Any, job: dict[str, Any], dtypes: list[Any]) -> tuple[Any, int]:
    """The converter, and how many steps of loops were unrolled for it."""
    if not job.get("unrolled"):
        return _converter(tools, model, job["inputs"], job["outputs"], dtypes, job.get("sizes")), 0
    with unrolling(tools, model) as done:
        try:
            converter = _converter(tools, model, job["inputs"], job["outputs"], dtypes, job.get("sizes"))
        except Exception as problem:  # TensorFlow wraps what is raised in a trace of its own
            raise RuntimeError(done.reason or first_reason(problem)) from problem
    done.require()
    return converter, done.steps


def _converter(
    tools: Door, model: Any, inputs: list[str], outputs: list[str], dtypes: list[Any], sizes: Any = None
) -> Any:
    """A converter for one sample at a time, as a device runs it, without the operators that compute a free batch.

    The converter may reorder inputs and outputs. The names in the file's signature serve to restore their order. The
    function is passed with a bare module that holds its variables: with the Keras model, the converter would first save
    and trace every layer, which gives the same bytes in four times the processor time.
    """
    tf, shapes = tools.tf, sizes or [None] * len(inputs)
    signature = [
        tf.TensorSpec((1, *(shape or tensor.shape[1:])), dtype, name=name)
        for tensor, shape, dtype, name in zip(model.inputs, shapes, dtypes, inputs, strict=True)
    ]

    @tf.function(input_signature=signature)  # type: ignore[untyped-decorator]
    def serve(*tensors: Any) -> Any:
        return dict(zip(outputs, answers(model, tensors), strict=True))

    function, holder = serve.get_concrete_function(), tf.Module()
    holder.variables_of_the_function = function.variables
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], holder)
    converter.experimental_enable_resource_variables = True
    # a step of a loop is written where it belongs, and not by cutting and joining all steps anew
    converter._experimental_enable_dynamic_update_slice = True
    return converter


def _no_samples() -> Any:
    return iter(())
