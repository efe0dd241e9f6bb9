"""The terminal report: everything in it, 80 columns, no colour needed, nothing read as markup."""

from __future__ import annotations

import io

import msgspec
import pytest
from rich.console import Console

from edgekit.cli.render.console import make_console
from edgekit.cli.render.plan import print_plan
from edgekit.cli.render.report import print_report
from edgekit.documents.compiled import Compiled, LayerCycles, LeftOperator
from edgekit.documents.report import Check


def shown(show, *values, width=80, **options) -> str:
    stream = io.StringIO()
    show(*values, console=Console(file=stream, width=width, markup=False, highlight=False, emoji=False), **options)
    return stream.getvalue()


def words(text: str) -> str:
    return " ".join(text.split())


def test_it_shows_every_part(sample_report):
    text = words(shown(print_report, sample_report))
    assert "rpi4 PASS" in text
    assert "Baseline and result (int8)" in text
    for part in (
        "97.78%",
        "97.50%",
        "-0.28 points",
        "91.0 KiB",
        "measured",
        "predicted",
        "205 µs to 1.23 ms",
        "95.50 to 98.50%",
        "0.2 to 2.6 points",
    ):
        assert part in text
    assert "flash" in text and "smaller" in text
    assert "ram not known: tflite_micro is not installed" in text
    assert "loses 1.4 points where 1 may be lost" in text
    assert "the process ended with signal SIGSEGV" in text and "3 min 37 s" in text
    assert "nothing decodes a [table] on rpi4" in text  # not swallowed as markup
    assert "Keras's own score" in text
    assert "int8 PASS chosen" in text
    assert "made by int8 (io int8)" in text
    assert "roofline of the profile" in text


def test_it_fits_80_columns_without_colour(sample_report, sample_plan):
    for text in (shown(print_report, sample_report), shown(print_plan, sample_plan)):
        assert max(map(len, text.splitlines())) <= 80
        assert "\x1b" not in text


def test_outcomes_are_words_and_not_only_colours(sample_report):
    lines = shown(print_report, sample_report).splitlines()
    assert "unknown" in next(line for line in lines if line.strip().startswith("ram") and "64.0 KiB" in line)
    assert "FAIL" in next(line for line in lines if line.strip().startswith("max_drop") and "points" in line)
    assert "not asked operators: no [table] was given" in words("\n".join(lines))


def test_brief_is_one_line(sample_report, sample_plan, tmp_path):
    assert shown(print_report, sample_report, brief=True, folder=tmp_path) == f"PASS  rpi4  int8  {tmp_path}\n"
    failed = msgspec.structs.replace(sample_report, outcome="fail", summary="misses the flash budget by 12%")
    assert shown(print_report, failed, brief=True) == "FAIL  rpi4  int8  misses the flash budget by 12%\n"
    assert shown(print_plan, sample_plan, brief=True).count("\n") == 1


def test_a_plan_says_what_passes_did(sample_plan):
    text = shown(print_plan, msgspec.structs.replace(sample_plan, notes=("model: attention opened: encoder",)))
    assert "Notes" in text and "attention opened: encoder" in text


def test_a_wide_terminal_shows_latency_of_every_trial_too(sample_report):
    def head(width: int) -> str:
        lines = shown(print_report, sample_report, width=width).splitlines()
        return lines[lines.index("Tried (3)") + 1]

    assert "latency" in head(110) and "latency" not in head(80)


def test_a_report_without_a_result(sample_report):
    empty = msgspec.structs.replace(sample_report, outcome="fail", chosen=None, checks=(), candidates=())
    text = shown(print_report, empty)
    assert "FAIL" in text and "Baseline" in text and "result" not in text.split("Declined")[0].split("Baseline")[1]


def test_a_path_is_never_broken(sample_report, tmp_path):
    folder = tmp_path / ("long" * 40)
    assert f"Written to {folder}" in shown(print_report, sample_report, folder=folder)


def test_a_plan_says_what_and_why(sample_plan):
    text = words(shown(print_plan, sample_plan))
    for part in (
        "POSSIBLE",
        "23.4 KiB",
        "21.5 to 25.4 KiB",
        "clustering raw flash",
        "100 ms",
    ):
        assert part in text


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_any_encoding_will_do(sample_report, encoding):
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)
    print_report(sample_report, console=make_console(stream))
    stream.flush()
    assert b"rpi4" in raw.getvalue()


def test_the_keras_models_own_score_is_a_line_and_no_row(sample_report):
    metrics = sample_report.baseline.metrics
    own = msgspec.structs.replace(metrics["accuracy"], value=0.98, basis="measured")
    baseline = msgspec.structs.replace(sample_report.baseline, metrics={**metrics, "keras_accuracy": own})
    text = shown(print_report, msgspec.structs.replace(sample_report, baseline=baseline), width=110)
    assert "Keras itself  accuracy 98.00% (95.78 to 98.78%), measured, before any conversion" in text
    assert not any(line.strip().startswith("keras_accuracy  ") and "–" in line for line in text.splitlines())


def test_a_reason_that_several_share_is_said_once(sample_report):
    (first,) = sample_report.declined
    second = msgspec.structs.replace(first, technique="pruning")
    text = shown(print_report, msgspec.structs.replace(sample_report, declined=(first, second)))
    assert text.count("raw flash counts here") == 1
    assert "clustering, pruning" in text


@pytest.mark.parametrize("width", [80, 110])
def test_names_in_tables_break_only_between_steps(sample_report, sample_plan, width):
    name = "quantization_aware+int8_float_fallback"
    long = msgspec.structs.replace(sample_plan.candidates[1], name=name)
    plan = msgspec.structs.replace(sample_plan, candidates=(long,))
    tried = msgspec.structs.replace(sample_report.candidates[0], candidate=name)
    report = msgspec.structs.replace(sample_report, candidates=(tried,))
    for text in (shown(print_plan, plan, width=width), shown(print_report, report, width=width)):
        starts = [line.split()[0] for line in text.splitlines() if line.strip()]
        assert name in starts if width == 110 else {"quantization_aware+", "int8_float_fallback"} <= set(starts)


def test_a_narrow_plan_says_what_it_leaves_out(sample_plan):
    assert "A wider terminal shows download too." in words(shown(print_plan, sample_plan))
    limited = msgspec.structs.replace(sample_plan, limits={"download": 1000.0})
    assert "A wider terminal shows flash too." in words(shown(print_plan, limited))
    assert "A wider terminal" not in shown(print_plan, sample_plan, width=110)


def test_what_an_npus_compiler_made_is_a_table(sample_report):
    made = Compiled(
        compiler="Vela 5.2.0", accelerator="ethos-u55-128", system_config="A", memory_mode="B", clock_hz=32e6, bytes=7312,
        sha256="0" * 64, operators=7, on_npu=6, cycles=64_000, npu_cycles=32_000, sram_bytes=416, dram_bytes=0, flash_bytes=0,
        weight_bytes=2048, encoded_bytes=1024, path="model_vela.tflite",
        left=(LeftOperator(operator="COS", layer="[bold]cosine[/]", reason="Unsupported opType"),),
        layers=tuple(LayerCycles(name=f"layer_{one}", operator="CONV_2D", cycles=1280, npu_cycles=1280) for one in range(50)),
    )  # fmt: skip
    report = msgspec.structs.replace(sample_report, chosen=msgspec.structs.replace(sample_report.chosen, compiled=made))
    shown_text = shown(print_report, report)
    text = words(shown_text)
    for part in (
        "On the NPU, by its compiler's estimate",
        "layer_0 CONV_2D 1,280 2.0%",
        "and 10 more layers",
        "6 of 7 on the NPU",
        "64,000, of which the NPU computes in 32,000 (50%)",
        "2 ms at 32 MHz, 500 inferences a second",
        "2.0 KiB, coded in 1.0 KiB",
        "COS [bold]cosine[/]: Unsupported opType",
    ):
        assert part in text
    assert "layer_40" not in text and max(map(len, shown_text.splitlines())) <= 80
    assert "On the NPU" not in shown(print_report, sample_report)


def test_a_loss_that_rounds_to_its_limit_shows_the_digits_that_decide(sample_report):
    hair = Check(name="accuracy_drop", outcome="fail", limit=0.0, value=0.003, unit="points", basis="simulated",
                 reason="0.003 over the limit")  # fmt: skip
    text = words(shown(print_report, msgspec.structs.replace(sample_report, outcome="fail", checks=(hair,))))
    assert "accuracy_drop 0 points 0.003 points FAIL" in text
