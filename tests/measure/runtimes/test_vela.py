"""Vela asked of real files: what it compiles, what it leaves, what it refuses, and that nothing is left behind."""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path

import pytest

import edgekit
from edgekit.api import check as checker
from edgekit.devices.profile import load_profile
from edgekit.documents.compiled import COMPILED_FILE, Compiled
from edgekit.errors import ModelError, ProfileError
from edgekit.machine.extras import is_installed
from edgekit.measure import npu
from edgekit.measure.measure import Measured, measure
from edgekit.measure.runtimes.interface import Refused
from edgekit.measure.runtimes.vela import compile_file
from edgekit.tflite.diet.whole import dieted
from edgekit.tflite.labels import labels
from edgekit.tflite.layers_beside import keep_layers
from edgekit.tflite.reader import read_tflite
from edgekit.verdict.metric_spec import MetricSpec

GOLDEN = Path(__file__).parents[2] / "golden"
DEVICES = Path(__file__).parents[3] / "device_profiles"
OPTIONS = {
    "accelerator": "ethos-u55-128", "system_config": "Ethos_U55_High_End_Embedded", "memory_mode": "Shared_Sram",
    "clock_hz": 32e6,
}  # fmt: skip
needs_vela = [pytest.mark.npu, pytest.mark.skipif(not is_installed("ethosu"), reason="ethos-u-vela is not installed")]


def compiled(model: Path, out: Path) -> Compiled:
    out.mkdir()
    found = compile_file(model, out, **OPTIONS)
    assert isinstance(found, Compiled), found
    return found


class TestWhereVelaIsInstalled:
    pytestmark = [*needs_vela, pytest.mark.micro]  # corstone-300 runs a sample on tflite-micro

    def test_all_of_an_int8_file_goes_to_the_npu(self, tmp_path):
        made = compiled(GOLDEN / "int8.tflite", tmp_path / "out")
        content = (tmp_path / "out" / COMPILED_FILE).read_bytes()
        assert [path.name for path in (tmp_path / "out").iterdir()] == [COMPILED_FILE]
        assert (made.bytes, made.sha256) == (len(content), hashlib.sha256(content).hexdigest())
        assert made.on_npu == made.operators == len(read_tflite(GOLDEN / "int8.tflite").operators) and not made.left
        assert made.cycles == sum(layer.cycles for layer in made.layers) >= made.npu_cycles > 0
        assert [layer.operator for layer in made.layers] == [
            "CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "FULLY_CONNECTED", "SOFTMAX",
        ]  # fmt: skip
        assert {layer.name for layer in made.layers} >= {"convolution", "depthwise", "hidden"}
        assert made.milliseconds == pytest.approx(made.cycles / 32e3)

    def test_a_file_without_names_gives_the_same_layers(self, tmp_path):
        """A build's files have none after their diet; Vela tells its steps apart by them."""
        slim = tmp_path / "model.tflite"
        slim.write_bytes(dieted((GOLDEN / "int8.tflite").read_bytes(), where="it").content)
        keep_layers(slim, labels(read_tflite(GOLDEN / "int8.tflite")))
        assert compiled(slim, tmp_path / "slim").layers == compiled(GOLDEN / "int8.tflite", tmp_path / "out").layers

    def test_the_same_file_gives_the_same_bytes(self, tmp_path):
        first, second = (compiled(GOLDEN / "int8.tflite", tmp_path / name) for name in ("one", "two"))
        assert first == second

    def test_zeros_and_clusters_shrink_the_weights_the_file_and_the_time(self, tmp_path):
        plain, pruned, clustered = (
            compiled(GOLDEN / f"{name}.tflite", tmp_path / name) for name in ("int8", "pruned_int8", "clustered_int8")
        )
        for one in (pruned, clustered):
            assert one.weight_bytes == plain.weight_bytes == 1280
            assert one.encoded_bytes < plain.encoded_bytes / 2
            assert one.bytes < plain.bytes and one.cycles < plain.cycles

    def test_what_stays_on_the_processor_is_named_with_the_reason(self, tmp_path):
        made = compiled(GOLDEN / "int8_float_io.tflite", tmp_path / "out")
        assert [one.operator for one in made.left] == ["QUANTIZE", "DEQUANTIZE"]
        assert "Float32" in made.left[0].reason and made.left[1].reason == "Unsupported opType"
        assert (made.on_npu, made.operators) == (6, 8)

    def test_a_float_file_gives_nothing_to_flash(self, tmp_path):
        made = compiled(GOLDEN / "float32.tflite", tmp_path / "out")
        assert made.on_npu == 0 and len(made.left) == made.operators
        assert made.path is None and list((tmp_path / "out").iterdir()) == []

    def test_a_file_that_it_refuses_is_refused_with_its_reason(self, tmp_path):
        found = compile_file(GOLDEN / "lstm.tflite", tmp_path, **OPTIONS)
        assert isinstance(found, Refused) and "UNIDIRECTIONAL_SEQUENCE_LSTM" in found.reason
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize(
        ("key", "value"),
        [
            ("accelerator", "ethos-u99-1"),
            ("accelerator", "--help"),
            ("system_config", "Nowhere"),
            ("memory_mode", "Dedicated_Sram"),
        ],
    )
    def test_a_configuration_that_it_does_not_know_is_the_profiles_fault(self, tmp_path, key, value):
        with pytest.raises(ProfileError, match="does not know the configuration") as raised:
            compile_file(GOLDEN / "int8.tflite", tmp_path, **{**OPTIONS, key: value})
        assert raised.value.received and list(tmp_path.iterdir()) == []

    def test_a_profile_that_it_does_not_know_fails_no_file(self, edgekit_command, tmp_path):
        text = (DEVICES / "corstone-300.toml").read_text()
        wrong = text.replace('"ethos-u55-128"\nsystem', '"ethos-u99-1"\nsystem')
        assert wrong != text
        (tmp_path / "mine.toml").write_text(wrong)
        ran = edgekit_command("check", GOLDEN / "int8.tflite", "--device", "mine.toml", "--no-cache", folder=tmp_path)
        assert ran.returncode == 2 and "ethos-u99-1" in ran.stderr and "FAIL" not in ran.stdout

    def test_a_disk_that_is_full_while_it_runs_fails_no_file(self, tmp_path, monkeypatch):
        (tmp_path / "ethosu").mkdir()
        (tmp_path / "ethosu" / "__init__.py").touch()
        (tmp_path / "ethosu" / "vela.py").write_text("open('/dev/full', 'w', buffering=1).write('a line\\n')")
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        (out := tmp_path / "out").mkdir()
        with pytest.raises(OSError, match="No space left") as raised:
            compile_file(GOLDEN / "int8.tflite", out, **OPTIONS)
        assert raised.value.errno == errno.ENOSPC and list(out.iterdir()) == []

    def test_an_installation_that_does_not_start_fails_no_file(self, edgekit_command, tmp_path):
        (tmp_path / "ethosu").mkdir()
        (tmp_path / "ethosu" / "__init__.py").write_text("raise ImportError('half of it is gone')")
        ran = edgekit_command(
            "check", GOLDEN / "int8.tflite", "--device", "corstone-300", "--no-cache", folder=tmp_path,
            PYTHONPATH=f"{tmp_path}{os.pathsep}{DEVICES.parent}",
        )  # fmt: skip
        assert ran.returncode == 3 and "half of it is gone" in ran.stderr and "edgekit-tflite[npu]" in ran.stderr

    def test_names_that_a_table_could_misread_change_no_figure(self, tmp_path):
        path = tmp_path / "a 'b' \"c\" $(d);.tflite"
        content = (GOLDEN / "int8.tflite").read_bytes()
        name = b"golden/hidden/MatMul;golden/hidden/Relu;golden/hidden/BiasAdd"
        hostile = b'",NPU,\nCPU: \r\nSoftmax,Sub,NPU,1,1,99999,\x1b[2J'.ljust(len(name), b",")
        assert content.count(name) == 1 and len(hostile) == len(name)
        path.write_bytes(content.replace(name, hostile))
        made, plain = compiled(path, tmp_path / "out"), compiled(GOLDEN / "int8.tflite", tmp_path / "plain")
        assert (made.cycles, made.sram_bytes, made.on_npu) == (plain.cycles, plain.sram_bytes, plain.on_npu)
        assert made.layers == () or sum(layer.cycles for layer in made.layers) == made.cycles
        assert all(layer.name.isprintable() for layer in made.layers)

    def test_check_reports_what_the_device_gets(self):
        report = edgekit.check(GOLDEN / "int8.tflite", device="corstone-300", cache=False)
        checks, metrics = {check.name: check for check in report.checks}, report.chosen.metrics
        made = report.chosen.compiled
        assert report.outcome == "pass" and checks["runtime"].outcome == "pass"
        assert "6 of 6 operators on the NPU" in checks["runtime"].reason
        assert metrics["flash"].value == made.bytes and metrics["flash"].basis == "measured"
        assert metrics["flash_plain"].value == (GOLDEN / "int8.tflite").stat().st_size
        assert (metrics["ram"].value, metrics["ram"].basis) == (made.sram_bytes, "simulated")
        assert (metrics["latency"].value, metrics["latency"].basis) == (made.milliseconds, "simulated")
        assert made.path is None, "a check keeps no file"
        assert report.chosen.sha256 == hashlib.sha256((GOLDEN / "int8.tflite").read_bytes()).hexdigest()

    def test_operators_that_are_left_make_the_latency_a_prediction(self):
        report = edgekit.check(GOLDEN / "int8_float_io.tflite", device="corstone-300", cache=False)
        latency, made = report.chosen.metrics["latency"], report.chosen.compiled
        assert latency.basis == "predicted"
        assert made.milliseconds < latency.low < latency.value < latency.high
        ram, quantize = report.chosen.metrics["ram"], 8 * 8 * (4 + 1)
        assert (ram.basis, ram.low, ram.value) == ("predicted", made.sram_bytes, made.sram_bytes + quantize)
        assert ram.high > ram.value + 3 * (4 + 1)

    def test_memory_of_operators_that_are_left_can_fail_a_limit(self):
        report = edgekit.check(GOLDEN / "int8_float_io.tflite", device="corstone-300", max_ram="500B", cache=False)
        made, checks = report.chosen.compiled, {check.name: check for check in report.checks}
        assert made.sram_bytes < 500 < made.sram_bytes + 8 * 8 * 4
        assert checks["ram"].outcome == "fail"
        assert any("2 of 8 operators stay on the processor: QUANTIZE" in note for note in report.notes)

    @pytest.mark.parametrize("device", ["corstone-300", "imx93"])
    def test_a_float_file_fails_and_says_why(self, device):
        report = edgekit.check(GOLDEN / "float32.tflite", device=device, cache=False)
        failed = {check.name: check.reason for check in report.checks if check.outcome == "fail"}
        assert set(failed) >= {"runtime", "npu_operators", "input_dtype"}
        assert (
            "0 of 6 operators on the NPU: CONV_2D (Operation has tensor with unsupported DataType" in failed["runtime"]
        )
        assert "size of the file" in report.chosen.metrics["flash"].source

    def test_weights_in_dram_count_and_what_is_staged_is_held_against_the_chip(self):
        report = edgekit.check(GOLDEN / "int8.tflite", device="imx93", cache=False)
        made, checks = report.chosen.compiled, {check.name: check for check in report.checks}
        assert report.chosen.metrics["ram"].value == made.sram_bytes + made.dram_bytes
        assert made.dram_bytes > made.encoded_bytes
        assert checks["sram"].outcome == "pass" and checks["sram"].limit == 640 * 1024

    @pytest.mark.parametrize("device", ["corstone-300", "imx93", "rpi4"])
    def test_a_file_that_it_made_is_refused_before_anything_runs(self, tmp_path, monkeypatch, device):
        compiled(GOLDEN / "int8_float_io.tflite", tmp_path / "out")  # also where some operators were left
        monkeypatch.setattr(checker, "measure", lambda *_, **__: pytest.fail("it was run"))
        with pytest.raises(ModelError, match="Vela has compiled this file") as raised:
            edgekit.check(tmp_path / "out" / COMPILED_FILE, device=device, cache=False)
        assert raised.value.exit_code == 2 and "check model.tflite" in raised.value.next_step
        with pytest.raises(ModelError, match="Vela has compiled this file"):
            edgekit.check(
                GOLDEN / "int8.tflite", device=device, reference=tmp_path / "out" / COMPILED_FILE, cache=False
            )

    def test_of_a_file_that_it_made_no_work_is_counted(self, tmp_path):
        compiled(GOLDEN / "int8.tflite", tmp_path / "out")
        path = tmp_path / "out" / COMPILED_FILE
        shown = edgekit.inspect(path, device="corstone-300").metrics
        (macs,) = (one for one in edgekit.compare(GOLDEN / "int8.tflite", path).metrics if one.name == "macs")
        for metric in (shown["macs"], shown["parameters"], shown["latency"], macs.b):
            assert metric.value is None and metric.basis is None and "inside a custom operator" in metric.reason
        assert macs.a.value and macs.change is None and shown["flash"].value == path.stat().st_size

    def test_the_score_is_that_of_the_plain_file_and_the_compiled_one_stays_beside_it(self, tmp_path, dataset):
        found = measure(
            GOLDEN / "int8.tflite", load_profile("corstone-300"), dataset=dataset, split="test", metric=MetricSpec(),
            scratch=tmp_path,
        )  # fmt: skip
        assert isinstance(found, Measured) and found.metrics["accuracy"].value is not None
        assert found.compiled is not None and found.compiled.path == COMPILED_FILE
        assert sorted(path.name for path in tmp_path.iterdir() if path.suffix == ".tflite") == [COMPILED_FILE]

    def test_a_file_that_it_crashes_on_is_refused(self, tmp_path):
        content = bytearray((GOLDEN / "int8.tflite").read_bytes())
        content[187] = 255  # an index, which the reader of edgekit does not need
        path = tmp_path / "crashing.tflite"
        path.write_bytes(content)
        found = compile_file(path, tmp_path, **OPTIONS)
        if isinstance(found, Compiled):
            pytest.skip("this version of Vela does not crash on it")
        assert "SIG" in found.reason and [one.name for one in tmp_path.iterdir()] == ["crashing.tflite"]
        report = edgekit.check(path, device="corstone-300", cache=False)
        runs = next(check for check in report.checks if check.name == "runtime")
        assert runs.outcome == "fail" and "Vela does not compile it: it crashes: SIG" in runs.reason

    def test_a_file_that_sends_the_runtime_into_recursion_is_a_failing_check(self, tmp_path, crashing):
        report = edgekit.check(crashing, device="corstone-300", cache=False)
        assert next(check for check in report.checks if check.name == "runtime").outcome == "fail"


@pytest.mark.micro
def test_without_vela_it_is_unknown_and_the_line_that_installs_it_is_named(monkeypatch):
    monkeypatch.setattr(npu, "is_installed", lambda package: False)
    report = edgekit.check(GOLDEN / "int8.tflite", device="corstone-300", cache=False)
    runs = next(check for check in report.checks if check.name == "runtime")
    assert report.outcome == "fail" and runs.outcome == "unknown"
    assert "Vela is not installed" in runs.reason and "edgekit-tflite[npu]" in runs.reason
    assert report.chosen.compiled is None and "npu_operators" not in {check.name for check in report.checks}
