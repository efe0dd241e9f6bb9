"""The table of imported models: its own networks are sound, its samples are those that the makers' outputs belong to, its page counts what it shows."""

from __future__ import annotations

import numpy as np
import pytest
from coverage_table.bench import settings_of
from coverage_table.cells import WORKS, Cell, RowResult, declined
from import_table.filled import SPREAD
from import_table.page import page
from import_table.row import COLUMNS, CONVOLUTIONS, MACS, SPATIAL_MACS, TRANSPOSES, declared_counts
from import_table.samples import apart, samples
from import_table.sources import SIZES, given, light, own

from edgekit.documents.facts import TensorFacts

PICTURE = TensorFacts(name="x", shape=(2, 4, 3), dtype="float32", onnx_axes=(1, 2, 0))


def result(path: str, *, transposes: int = 0, macs: tuple[int, int] = (100, 50), **cells: Cell) -> RowResult:
    found = {column: cells.get(column.replace("-", "_").replace(" ", "_"), WORKS) for column in COLUMNS}
    return RowResult(
        path=path,
        cells=found,
        seconds=30.0,
        counts={TRANSPOSES: transposes, CONVOLUTIONS: 2, MACS: macs[0], SPATIAL_MACS: macs[1]},
    )


def refused(path: str) -> RowResult:
    found = {column: Cell(word="not run") for column in COLUMNS} | {"imports": declined("no If")}
    return RowResult(path=path, cells=found, seconds=30.0, counts={CONVOLUTIONS: 4})


def test_the_networks_are_ten_and_as_onnx_has_them(tmp_path):
    onnx = pytest.importorskip("onnx", reason="needs the `onnx` extra")
    found = own()
    assert len(found) == 10
    for source in found:
        model = onnx.load(source.put(tmp_path))
        onnx.checker.check_model(model, full_check=True)
        sizes = [one.dim_value for output in model.graph.output for one in output.type.tensor_type.shape.dim[1:]]
        assert sizes and all(sizes), source.name


def test_files_of_others_have_the_sizes_that_stand_beside_them(tmp_path):
    for name in ("b.onnx", "a.pt2", "readme.md", "ch_ppocr_mobile_v2.0_cls_infer.onnx"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / SIZES).write_text('{"b.onnx": [[3, 48, 192], [4]]}', encoding="utf-8")
    assert [(one.path, one.sizes) for one in given(tmp_path)] == [
        ("given/a.pt2", None),
        ("given/b.onnx", ((3, 48, 192), (4,))),
        ("given/ch_ppocr_mobile_v2.0_cls_infer.onnx", ((3, 48, 192),)),
    ]


def test_inputs_of_a_file_are_held_at_the_values_that_stand_beside_it(tmp_path):
    for name in ("b.onnx", "silero_vad.onnx"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / SIZES).write_text('{"b.onnx": {"held": {"on": true}}}', encoding="utf-8")
    found = {one.name: (one.sizes, one.held) for one in given(tmp_path)}
    assert found == {"b.onnx": (None, {"on": True}), "silero_vad.onnx": (((576,), (2, 1, 128)), {"sr": 16000})}
    made = settings_of(tmp_path / "b.onnx", held={"on": True})
    assert made.model is not None and made.model.held == {"on": True}


def test_the_first_sample_counts_in_the_order_of_the_file():
    (array,) = samples([PICTURE], first=True)
    assert array.shape == (8, 2, 4, 3)
    np.testing.assert_array_equal(array[0].transpose(2, 0, 1).reshape(-1) * 24, np.arange(24))
    assert samples([PICTURE], first=False)[0][0].min() < 0


def test_outputs_of_the_makers_are_compared_in_the_models_order(tmp_path):
    onnx = pytest.importorskip("onnx", reason="needs the `onnx` extra")
    given = np.arange(1, 25, dtype=np.float32).reshape(1, 3, 2, 4)
    (tmp_path / "y.pb").write_bytes(onnx.numpy_helper.from_array(given).SerializeToString())
    answers = np.repeat(given.transpose(0, 2, 3, 1), 8, axis=0)
    assert apart([answers], [PICTURE], [tmp_path / "y.pb"]) == 0
    assert apart([answers + 2.4], [PICTURE], [tmp_path / "y.pb"]) == pytest.approx(0.1, rel=1e-3)


def test_the_page_counts_what_it_shows():
    rows = [
        result("own/first", agrees=Cell(word="works", note="4e-07")),
        result("own/second", transposes=3, macs=(100, 49), pruning=declined("no kernel")),
        refused("light/third"),
    ]
    text = page(rows)
    assert "| first | works | 4e-07 | 0 | works | works | works | works | 30 |" in text
    assert "| second | works | works | 3 | works | works | declined [1] | works | 30 |" in text
    assert "1. no kernel" in text and "## Files of others" not in text
    assert (
        "2 of 3 models are imported. Every technique works on 1 of the 3 with convolutions (33%; the aim is 90%), "
        "on 50% of the 2 with most of their multiplications in these,\n" in text
    )
    assert (
        "and on 50% of the 2 of these that are imported: int8 on 2, quantization-aware on 2, pruning on 1, structured pruning on 2. "
        "1 of the 2 have no transpose left. The run took 2 minutes.\nWhy cells fail" in text
    )
    assert "Without a result" not in text
    assert "Without a result yet: own/fourth, light/fifth." in page(rows, ["own/fourth", "light/fifth"])


def test_a_refused_file_counts_as_convolutional_too(tmp_path):
    pytest.importorskip("onnx", reason="needs the `onnx` extra")
    mask = next(one for one in own() if one.name.startswith("mask"))
    assert declared_counts(mask.put(tmp_path)) == {CONVOLUTIONS: 7}
    assert declared_counts(tmp_path / "program.pt2") == {}


def test_constants_of_one_value_become_weights_by_what_takes_them(tmp_path):
    onnx = pytest.importorskip("onnx", reason="needs the `onnx` extra")
    pytest.importorskip("onnxruntime", reason="needs the `onnx` extra")
    source = next(one for one in light() if one.name == "squeezenet")
    model = onnx.load(source.judged(tmp_path))
    onnx.checker.check_model(model, full_check=True)
    assert [one.name for one in model.graph.input] == ["data_0"] and not any(
        node.op_type == "ConstantOfShape" for node in model.graph.node
    )
    weights = {one.name: onnx.numpy_helper.to_array(one) for one in model.graph.initializer}
    kernels = [weights[node.input[1]] for node in model.graph.node if node.op_type == "Conv"]
    assert len(kernels) == 26 and all(kernel.std() > 0 for kernel in kernels)
    first = kernels[0]
    assert first.std() * np.sqrt(np.prod(first.shape[1:]) / 2) == pytest.approx(1, rel=0.05)


def test_batch_normalizations_of_a_filled_network_are_settled_on_noise(tmp_path):
    onnx = pytest.importorskip("onnx", reason="needs the `onnx` extra")
    runtime = pytest.importorskip("onnxruntime", reason="needs the `onnx` extra")
    model = onnx.load(next(one for one in light() if one.name == "shufflenet").judged(tmp_path))
    last = [node for node in model.graph.node if node.op_type == "BatchNormalization"][-1]
    softmax = next(node for node in model.graph.node if node.op_type == "Softmax")
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in (last.output[0], softmax.input[0]))
    session = runtime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    noise = np.random.default_rng(0).uniform(-1, 1, session.get_inputs()[0].shape).astype(np.float32)
    _, normal, logits = session.run(None, {session.get_inputs()[0].name: noise})
    weights = {one.name: onnx.numpy_helper.to_array(one) for one in model.graph.initializer}
    factor, offset = (weights[name].reshape(-1, 1, 1) for name in last.input[1:3])
    spread = ((normal[0] - offset) / factor).std(axis=(1, 2))
    assert np.median(spread) == pytest.approx(1, rel=0.3) and logits.std() == pytest.approx(SPREAD, rel=0.2)
