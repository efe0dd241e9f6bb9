"""Depthwise convolutions whose strides differ by axis: what a model computes as it runs, the one operator of its files, and what is counted of it."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.ingest.spool import spool_result
from edgekit.progress import no_progress
from edgekit.project.project_file import DataTable
from edgekit.tflite.flat.tree import Table, table
from edgekit.tflite.model import TfliteModel
from edgekit.tflite.reader import read_tflite
from edgekit.tflite.rewriting import Rewriting
from edgekit.values import to_builtins

pytestmark = pytest.mark.tf
SHAPE = (11, 14, 4)
ROWS = tuple(
    (kernel, strides, padding, 1 + number % 2)
    for number, (kernel, strides, padding) in enumerate(
        itertools.product([(3, 3), (2, 5), (1, 4)], [(2, 1), (1, 2), (4, 2)], ["same", "valid"])
    )
)
"""Kernel, strides, padding, filters a channel."""
SAME, VALID = 0, 1


def around(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """The zeros of TensorFlow's "same"."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def written_out(x: np.ndarray, kernel: np.ndarray, strides: tuple[int, int], padding: str) -> np.ndarray:
    """The sums by the definition; `kernel` is [height, width, channels, filters a channel]."""
    if padding == "same":
        pads = [around(*one) for one in zip(x.shape[1:3], kernel.shape[:2], strides, strict=True)]
        x = np.pad(x, [(0, 0), *pads, (0, 0)])
    windows = np.lib.stride_tricks.sliding_window_view(x, kernel.shape[:2], axis=(1, 2))
    made = np.einsum("bhwcij,ijcm->bhwcm", windows[:, :: strides[0], :: strides[1]], kernel)
    return made.reshape(*made.shape[:3], -1)


@pytest.mark.parametrize("free", [False, True], ids=["fixed sizes", "free sizes"])
def test_either_keras_computes_them_with_slopes(tools: Any, free: bool) -> None:
    x = np.random.default_rng(0).standard_normal((2, *SHAPE)).astype("float32")
    for keras, (kernel, strides, padding, filters) in itertools.product([tools.keras3, tools.keras], ROWS):
        layer = keras.layers.DepthwiseConv2D(kernel, strides, padding, depth_multiplier=filters, use_bias=False)
        entry = keras.Input((None, None, 4) if free else SHAPE)
        model = keras.Model(entry, layer(entry))
        weights = layer.get_weights()[0]
        with tools.tf.GradientTape() as tape:
            made = model(x)
            total = tools.tf.reduce_sum(made)
        wanted = written_out(x, weights, strides, padding)
        np.testing.assert_allclose(made, wanted, rtol=1e-4, atol=1e-5)
        assert layer.compute_output_shape((2, *SHAPE)) == wanted.shape
        (slope,) = tape.gradient(total, model.trainable_variables)
        step = np.zeros_like(weights)
        step[0, 0, 1, 0] = 1  # the sum is linear in each weight
        np.testing.assert_allclose(
            slope[0, 0, 1, 0], written_out(x, step, strides, padding).sum(), rtol=1e-3, atol=1e-3
        )


def test_no_kernel_is_asked_for_strides_that_it_may_not_have(tools: Any) -> None:
    from edgekit.make.workshop.unequal_strides import unequal_strides_kept

    layer = tools.keras3.layers.DepthwiseConv2D(3, (4, 2), "same")
    layer.build((None, *SHAPE))

    def strides() -> list[list[int]]:
        graph = tools.tf.function(layer.call).get_concrete_function(tools.tf.TensorSpec((1, *SHAPE))).graph
        found = [one for one in graph.get_operations() if one.type == "DepthwiseConv2dNative"]
        return [list(one.get_attr("strides")) for one in found]

    assert strides() == [[1, 2, 2, 1]]
    with pytest.raises(KeyError), unequal_strides_kept(), unequal_strides_kept():
        assert strides() == [[1, 4, 2, 1]]
        raise KeyError
    assert strides() == [[1, 2, 2, 1]]


def model_of_rows(tools: Any, channels: int = 4) -> Any:
    """A branch a row, each with what a converter makes part of the convolution before it."""
    layers, entry = tools.keras3.layers, tools.keras3.Input((*SHAPE[:2], channels))
    made = []
    for number, (kernel, strides, padding, filters) in enumerate(ROWS):
        y = layers.DepthwiseConv2D(kernel, strides, padding, depth_multiplier=filters, bias_initializer="normal")(entry)
        made.append(layers.ReLU()(y * 0.5 + 0.25 if number % 2 else layers.BatchNormalization()(y)))
    return tools.keras3.Model(entry, made)


def converted(tools: Any, model: Any, folder: Path, technique: str) -> TfliteModel:
    from edgekit.make.workshop.convert import convert
    from edgekit.make.workshop.store import save_model

    (folder / "data").mkdir(parents=True)
    save_model(model, folder)
    rows = np.random.default_rng(1).standard_normal((8, *model.input_shape[1:])).astype("float32")
    data = {f"x_{split}": rows for split in ("train", "val", "test")}
    data |= {f"y_{split}": np.arange(8) % 2 for split in ("train", "val", "test")}
    options = to_builtins(DataTable(source="data"))
    dataset = spool_result(data, folder / "data", names=("in_0",), options=options, seed=0, progress=no_progress)
    job = {
        "imports": [], "root": str(folder), "model": str(folder), "target": str(folder), "seed": 0, "dataset": str(dataset.root), "samples": 8,
        "inputs": ["in_0"], "outputs": [f"out_{number}" for number in range(len(model.outputs))],
        "steps": [{"technique": technique, "settings": {}}],
    }  # fmt: skip
    assert all(one["holds"] for one in convert(job, no_progress)["evidence"])
    return read_tflite(folder / "model.tflite")


def at_stride_one(content: bytes) -> bytes:
    """The file with each such operator written out: zeros around its input, stride 1, and a slice with steps."""
    file = Rewriting(content, "a file")
    codes = {name: file.code(name, 1) for name in ("PAD", "STRIDED_SLICE")}

    def change(graph: Table) -> Table:
        tensors, found = [*graph.tables("tensors")], []

        def constant(*numbers: int, shape: tuple[int, ...]) -> int:
            data = file.buffer(np.array(numbers, "<i4").tobytes())
            tensors.append(table("Tensor", shape=shape, type=2, buffer=data, name="c"))
            return len(tensors) - 1

        def like(index: int, high: int, wide: int) -> int:
            first, *_, last = tensors[index].numbers("shape")
            tensors.append(tensors[index].with_fields(shape=(first, high, wide, last), shape_signature=None))
            return len(tensors) - 1

        for operator in graph.tables("operators"):
            if file.name_of(operator) != "DEPTHWISE_CONV_2D":
                found.append(operator)
                continue
            options, (given, kernel, bias) = operator.fields["builtin_options"], operator.numbers("inputs")
            sizes, window = tensors[given].numbers("shape")[1:3], tensors[kernel].numbers("shape")[1:3]
            strides = options.number("stride_h"), options.number("stride_w")
            assert strides[0] != strides[1]
            if options.number("padding") == SAME:
                pads = [around(*one) for one in zip(sizes, window, strides, strict=True)]
                sizes = tuple(size + sum(pad) for size, pad in zip(sizes, pads, strict=True))
                places = constant(0, 0, *pads[0], *pads[1], 0, 0, shape=(4, 2))
                before, given = given, like(given, *sizes)
                found.append(table("Operator", opcode_index=codes["PAD"], inputs=(before, places), outputs=(given,)))
            (made,) = operator.numbers("outputs")
            dense = like(made, *(size - one + 1 for size, one in zip(sizes, window, strict=True)))
            plain = options.with_fields(stride_h=1, stride_w=1, padding=VALID)
            found.append(operator.with_fields(builtin_options=plain, inputs=(given, kernel, bias), outputs=(dense,)))
            ends = constant(*tensors[dense].numbers("shape"), shape=(4,))
            cut = (dense, constant(0, 0, 0, 0, shape=(4,)), ends, constant(1, *strides, 1, shape=(4,)))
            found.append(table("Operator", opcode_index=codes["STRIDED_SLICE"], inputs=cut, outputs=(made,),
                               builtin_options_type=32, builtin_options=table("StridedSliceOptions")))  # fmt: skip
        return graph.with_fields(tensors=tuple(tensors), operators=tuple(found))

    return file.content(change)


def litert_answers(content: bytes, kind: str, x: np.ndarray) -> list[np.ndarray]:
    litert = pytest.importorskip("ai_edge_litert.interpreter")
    resolver = litert.OpResolverType[kind]
    interpreter = litert.Interpreter(model_content=content, experimental_op_resolver_type=resolver)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], x)
    interpreter.invoke()
    return [interpreter.get_tensor(port["index"]) for port in interpreter.get_output_details()]


def micro_answers(content: bytes, x: np.ndarray, outputs: int) -> list[np.ndarray]:
    from tflite_micro.python.tflite_micro import runtime

    interpreter = runtime.Interpreter.from_bytes(content, arena_size=1_000_000)
    interpreter.set_input(x, 0)
    interpreter.invoke()
    return [interpreter.get_output(number) for number in range(outputs)]


def require_the_bits_of_stride_1(file: TfliteModel) -> None:
    """No operator beside the convolutions, and the same bits as with a slice behind stride 1, on every kernel there is here."""
    names = {one.name for one in file.operators}
    assert names - {"QUANTIZE", "DEQUANTIZE"} == {"DEPTHWISE_CONV_2D"}
    shape, long = file.input_tensors[0].shape, at_stride_one(file.content)
    for kind in ("AUTO", "BUILTIN_WITHOUT_DEFAULT_DELEGATES", "BUILTIN_REF"):
        x = np.random.default_rng(2).standard_normal(shape).astype("float32")
        pairs = zip(litert_answers(file.content, kind, x), litert_answers(long, kind, x), strict=True)
        assert all(one.any() and one.tobytes() == other.tobytes() for one, other in pairs), kind


def test_a_float_file_has_one_operator_for_each_and_the_facts_count_its_products(tools: Any, tmp_path: Path) -> None:
    from edgekit.make.workshop.model_facts import layers_of
    from edgekit.make.workshop.traced_macs import traced_macs

    model = model_of_rows(tools)
    file = converted(tools, model, tmp_path, "float32")
    require_the_bits_of_stride_1(file)
    assert sum(layer.macs for layer in layers_of(tools, model)) == file.macs > 0
    layers = [layer for layer in model.layers if "depthwise" in layer.name]
    assert sum(traced_macs(tools, layer, (layer.input,), {}) for layer in layers) == file.macs
    x = np.random.default_rng(3).standard_normal((1, *SHAPE)).astype("float32")
    found = {one.shape: float(one.sum()) for one in litert_answers(file.content, "AUTO", x)}
    assert found == pytest.approx({tuple(one.shape): float(np.sum(one)) for one in model(x)}, rel=1e-4)


def test_an_int8_file_has_one_operator_for_each_on_tflite_micro_too(tools: Any, tmp_path: Path) -> None:
    pytest.importorskip("tflite_micro", reason="needs the `micro` extra")
    file = converted(tools, model_of_rows(tools), tmp_path, "int8")
    require_the_bits_of_stride_1(file)
    x = np.random.default_rng(2).standard_normal((1, *SHAPE)).astype("float32")
    long = at_stride_one(file.content)
    found, others = (micro_answers(content, x, len(file.outputs)) for content in (file.content, long))
    assert all(one.any() and one.tobytes() == other.tobytes() for one, other in zip(found, others, strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("technique", ["float16", "dynamic_range", "int16x8", "int8_per_tensor"])
def test_other_widths_have_one_operator_for_each(tools: Any, tmp_path: Path, technique: str) -> None:
    """A kernel of 1,024 weights and more is in int8 in a file of dynamic range."""
    file = converted(tools, model_of_rows(tools, channels=256), tmp_path, technique)
    kernels = {file.tensors[one.inputs[1]].dtype for one in file.operators if one.name == "DEPTHWISE_CONV_2D"}
    assert kernels == {"float32" if technique == "float16" else "int8"}
    require_the_bits_of_stride_1(file)
