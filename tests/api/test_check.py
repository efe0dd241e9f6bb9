"""`check`: any `.tflite` against a device, with data and without, and files that do not run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edgekit.api.check import check
from edgekit.documents.report import Report
from edgekit.errors import DataError, ModelError, ProfileError
from edgekit.jobs.worker import Failed
from edgekit.machine.extras import is_installed
from edgekit.values import from_json, to_json

pytest.importorskip("ai_edge_litert")
GOLDEN = Path(__file__).parents[1] / "golden"
INT8 = GOLDEN / "int8.tflite"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("EDGEKIT_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """200 images whose labels are what the float model says of them, so that its accuracy is 1."""
    from ai_edge_litert.interpreter import Interpreter

    images = np.random.default_rng(0).random((200, 8, 8, 1), dtype=np.float32)
    interpreter = Interpreter(str(GOLDEN / "float32.tflite"))
    interpreter.allocate_tensors()
    labels = []
    for image in images:
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], image[None])
        interpreter.invoke()
        labels.append(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]).argmax())
    path = tmp_path / "data.npz"
    np.savez(path, x_test=images, y_test=np.array(labels))
    return path


def recursing(target: Path) -> Path:
    """A well-formed `.tflite` that sends LiteRT into endless recursion: a loop whose body is the main subgraph."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf((GOLDEN / "loop.tflite").read_bytes(), 0)
    for operator in model.subgraphs[0].operators:
        operator.builtinOptions.bodySubgraphIndex = 0
    builder = flatbuffers.Builder(4096)
    builder.Finish(model.Pack(builder), b"TFL3")
    target.write_bytes(bytes(builder.Output()))
    return target


def by_name(report: Report) -> dict[str, str]:
    return {found.name: found.outcome for found in report.checks}


def test_without_data_accuracy_is_not_asked_and_decides_nothing():
    report = check(INT8, device="rpi4", max_drop=1.0)
    assert report.outcome == "pass" and report.device == "rpi4"
    assert by_name(report)["accuracy_drop"] == "not asked"
    assert by_name(report)["ram"] == by_name(report)["latency"] == by_name(report)["runtime"] == "pass"
    assert report.chosen.candidate == "int8" and report.chosen.metrics["flash"].value == INT8.stat().st_size
    assert from_json(to_json(report), Report) == report


def test_a_limit_of_ones_own_takes_the_place_of_the_profiles():
    report = check(INT8, device="rpi4", max_flash="1KiB", max_latency="20s")
    flash = next(found for found in report.checks if found.name == "flash")
    assert (flash.outcome, flash.limit, report.outcome) == ("fail", 1024.0, "fail")
    assert "flash" in report.summary
    assert next(found for found in report.checks if found.name == "latency").limit == 20_000.0
    assert by_name(check(INT8, device="rpi4", max_flash=10**6))["flash"] == "pass"


def test_with_data_the_accuracy_has_its_interval(data):
    report = check(INT8, device="rpi4", data=data)
    metric = report.chosen.metrics["accuracy"]
    assert metric.low < metric.value <= metric.high and metric.split == "test"
    assert by_name(report)["accuracy_drop"] == "not asked"
    assert report.data["sha256"]


def test_a_drop_needs_its_reference(data):
    report = check(INT8, device="rpi4", data=data, max_drop=50)
    found = next(one for one in report.checks if one.name == "accuracy_drop")
    assert found.outcome == "unknown" and report.outcome == "fail"
    report = check(INT8, device="rpi4", data=data, max_drop=50, reference=GOLDEN / "float32.tflite")
    found = next(one for one in report.checks if one.name == "accuracy_drop")
    assert found.outcome == "pass" and found.low <= found.value <= found.high
    assert report.baseline.metrics["accuracy"].value == 1.0
    assert found.value == pytest.approx(100 * (1.0 - report.chosen.metrics["accuracy"].value))
    decided = report.decisions
    assert decided.samples == 200 and (decided.lost, decided.gained) == (round(2 * found.value), 0)
    assert all(one.before == 1.0 for one in decided.classes) and check(INT8, device="rpi4").decisions is None


def test_a_file_that_crashes_its_runtime_is_a_result(tmp_path):
    crashing = recursing(tmp_path / "crashing.tflite")
    report = check(crashing, device="rpi4", max_drop=1.0, max_flash="1MiB")
    assert by_name(report)["flash"] == "pass"
    assert report.outcome == "fail" and by_name(report)["runtime"] == "fail"
    runtime = next(found for found in report.checks if found.name == "runtime")
    assert "SIGSEGV" in runtime.reason and report.chosen.metrics["flash"].value == crashing.stat().st_size
    assert by_name(report)["ram"] == "unknown"


def test_a_reference_that_does_not_run_is_an_error(tmp_path, data):
    with pytest.raises(ModelError, match="reference does not run") as caught:
        check(INT8, device="rpi4", data=data, max_drop=1.0, reference=recursing(tmp_path / "crashing.tflite"))
    assert "SIGSEGV" in caught.value.received


def test_a_drop_that_cannot_be_had_is_unknown_though_its_reference_was_given(data, monkeypatch):
    killed = Failed(reason="the process ended with signal SIGKILL")
    monkeypatch.setitem(check.__wrapped__.__globals__, "measure", lambda *_, **__: killed)
    report = check(INT8, device="rpi4", data=data, reference=GOLDEN / "float32.tflite")
    assert by_name(report)["runtime"] == "fail" and report.chosen.metrics["flash"].value > 0
    drop = next(found for found in report.checks if found.name == "accuracy_drop")
    assert drop.outcome == "not asked" and "limit" in drop.reason, "a reference was given, no limit was"


@pytest.mark.parametrize("content", [b"", b"TFL3", b"\x1c\x00\x00\x00TFL3" + bytes(50), b"PK\x03\x04 a zip file"])
def test_a_file_that_is_no_tflite_is_an_error(content, tmp_path):
    path = tmp_path / "model.tflite"
    path.write_bytes(content)
    with pytest.raises(ModelError) as caught:
        check(path, device="rpi4")
    assert caught.value.exit_code == 2


def test_bad_input_is_an_error_before_anything_runs(tmp_path):
    with pytest.raises(ModelError, match="no such file"):
        check(tmp_path / "nothing.tflite", device="rpi4")
    with pytest.raises(ProfileError, match="rpi44"):
        check(INT8, device="rpi44")
    with pytest.raises(DataError):
        check(INT8, device="rpi4", data=tmp_path / "nothing.npz")


def test_a_check_imports_no_tensorflow():
    code = (
        "import sys; from edgekit.api.check import check; "
        f"check({str(INT8)!r}, device='rpi4'); sys.exit('tensorflow' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_folder_is_told_from_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ModelError, match="a folder is no model"):
        check(tmp_path, device="rpi4")


def reasons(report: Report) -> dict[str, str]:
    return {found.name: found.reason for found in report.checks}


@pytest.mark.parametrize("device", ["nucleo-l4r5zi", "esp32-s3"])
def test_float_ends_of_a_file_that_exists_are_no_failure_where_the_board_computes_with_floats(device):
    pytest.importorskip("tflite_micro")
    report = check(GOLDEN / "int8_float_io.tflite", device=device)
    assert report.outcome == "pass"
    assert by_name(report)["input_dtype"] == by_name(report)["output_dtype"] == "warn"
    assert "'image' is float32" in reasons(report)["input_dtype"] and "computes with" in reasons(report)["input_dtype"]


def test_float_ends_fail_where_the_device_has_no_float_arithmetic():
    pytest.importorskip("tflite_micro")
    pytest.importorskip("ethosu")
    assert by_name(check(GOLDEN / "int8_float_io.tflite", device="corstone-300"))["input_dtype"] == "fail"


def one_operator(name: str, dtypes: tuple[str, ...], target: Path) -> Path:
    """A file of one operator, as tools/probe_dtypes.py makes them."""
    import importlib.util

    spec = importlib.util.spec_from_file_location("probe_dtypes", GOLDEN.parent.parent / "tools" / "probe_dtypes.py")
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    return tool.written(target, name, dtypes)


@pytest.mark.parametrize(
    ("name", "dtypes"),
    [
        ("CAST", ("uint8", "float32")),
        ("QUANTIZE", ("float32", "uint8")),
        ("ADD", ("int32", "int32", "int32")),
        ("LOGISTIC", ("uint8", "uint8")),
        ("FULLY_CONNECTED", ("float32", "int8", "float32", "float32")),
    ],
)
def test_table_and_runtime_name_the_operator_whose_dtypes_stop_a_file(name, dtypes, tmp_path):
    pytest.importorskip("tflite_micro")
    report = check(one_operator(name, dtypes, tmp_path / "one.tflite"), device="nucleo-l4r5zi")
    assert by_name(report)["operators"] == by_name(report)["runtime"] == "fail"
    assert f"{name}, operator 0 of 1" in reasons(report)["operators"] and dtypes[0] in reasons(report)["operators"]
    assert f"{name}, operator 0 of 1" in reasons(report)["runtime"]
    assert f"{name}, operator 0 of 1" in report.chosen.metrics["ram"].reason


def compiled_for(code: str, target: Path) -> Path:
    """The int8 file with its first operator in the place of what a compiler of an NPU made."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(INT8.read_bytes(), 0)
    first = model.operatorCodes[0]
    first.builtinCode = first.deprecatedBuiltinCode = 32
    first.customCode = code
    builder = flatbuffers.Builder(4096)
    builder.Finish(model.Pack(builder), b"TFL3")
    target.write_bytes(bytes(builder.Output()))
    return target


@pytest.mark.parametrize("device", ["coral-dev-board", "imx93", "rpi4", "nucleo-l4r5zi"])
@pytest.mark.parametrize(
    ("code", "compiler", "never"),
    [
        ("edgetpu-custom-op", "edgetpu_compiler", "vela"),
        ("ethos-u", "vela", "edgetpu"),
        ("NeutronGraph", "neutron", "vela"),
        ("DISPATCH_OP", "litert's compiler", "vela"),
    ],
)
def test_a_compiled_file_is_refused_by_its_own_compiler_and_told_of_no_other(code, compiler, never, device, tmp_path):
    with pytest.raises(ModelError) as caught:
        check(compiled_for(code, tmp_path / "detector.tflite"), device=device)
    said = str(caught.value).lower()
    assert compiler in said and never not in said and "before its compilation" in said


def with_archive(source: Path, target: Path, files: dict[str, str]) -> Path:
    """A `.tflite` with files appended in a zip archive, as metadata writers do."""
    import zipfile

    target.write_bytes(source.read_bytes())
    with zipfile.ZipFile(target, "a") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return target


@pytest.mark.parametrize("device", ["rpi4", "nucleo-l4r5zi", "coral-dev-board", "corstone-300"])
def test_a_file_with_an_appended_archive_is_judged_as_without_it(device, tmp_path):
    pytest.importorskip("tflite_micro")
    pytest.importorskip("ethosu")
    path = with_archive(INT8, tmp_path / "labelled.tflite", {"labels.txt": "a\nb\nc", "more/vocab.txt": "x" * 5000})
    plain, labelled = check(INT8, device=device), check(path, device=device)
    assert by_name(labelled) == by_name(plain) and labelled.outcome == plain.outcome
    assert any("labels.txt" in note and "more/vocab.txt" in note for note in labelled.notes)
    if device != "corstone-300":  # whose flash is that of what Vela made of it
        assert labelled.chosen.metrics["flash"].value == path.stat().st_size


def converted(function, specs: list, target: Path) -> Path:
    from edgekit.make.workshop.door import door

    tf = door().tf
    module = tf.Module()
    module.function = function
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [tf.function(function).get_concrete_function(*specs)], module
    )
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS, tf.lite.OpsSet.SELECT_TF_OPS]
    target.write_bytes(converter.convert())
    return target


@pytest.mark.tf
@pytest.mark.parametrize("device", ["rpi4", "nucleo-l4r5zi"])
def test_tensorflow_s_own_operators_are_refused_by_the_reason(device, tmp_path):
    pytest.importorskip("tflite_micro")
    if not is_installed("tensorflow"):
        pytest.skip("TensorFlow is not installed (the `build` extra)")
    from edgekit.make.workshop.door import door

    tf = door().tf  # first: what imports TensorFlow before it spoils it for every later test of the process
    path = converted(tf.strings.lower, [tf.TensorSpec((1,), tf.string, "text")], tmp_path / "flex.tflite")
    report = check(path, device=device)
    assert by_name(report)["operators"] == "fail" and report.outcome == "fail"
    said = reasons(report)["operators"]
    assert (
        "FlexStringLower, operator 0 of 1" in said
        and "TensorFlow's own StringLower" in said
        and "SELECT_TF_OPS" in said
    )


def test_strict_says_that_it_had_nothing_to_look_at():
    told = {check.name: check for check in check(INT8, device="rpi4", strict=True).checks}
    assert told["sanity"].outcome == "not asked" and "no data was given" in told["sanity"].reason


def test_a_score_on_few_samples_is_no_pass_without_a_word(data, tmp_path):
    few = tmp_path / "few.npz"
    arrays = np.load(data)
    np.savez(few, x_test=arrays["x_test"][:3], y_test=arrays["y_test"][:3])
    report = check(INT8, device="rpi4", data=few)
    assert "too_few_samples" in [finding.name for finding in report.findings]


def test_arrays_bear_the_files_names_and_those_for_a_held_input_of_the_projects_model_are_left_out(tmp_path):
    """The data are those of a build whose model had one input more."""
    random = np.random.default_rng(0)
    arrays = {"x_test_right": random.random((40, 4, 2)), "x_test_left": random.random((40, 3, 4)), "x_test_sr": np.full(40, 16000)}  # fmt: skip
    targets = {"y_test_total": random.random((40, 1)), "y_test_product": random.random((40, 3, 2))}
    np.savez(tmp_path / "data.npz", **{name: array.astype("float32") for name, array in {**arrays, **targets}.items()})
    (tmp_path / "edgekit.toml").write_text('data = "data.npz"\n[model]\nsource = "net.onnx"\nheld = { sr = 16000 }')
    report = check(GOLDEN / "two_inputs.tflite", device="rpi4", data=tmp_path / "data.npz", project=tmp_path)
    assert report.data["samples"] == {"test": 40} and "mae" in report.chosen.metrics
    assert "data: what it has for 'sr' is not used: that input is held at a value" in report.notes
