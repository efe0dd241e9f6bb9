"""The converter's errors by their cause: in its own log, the compiler's first error, and of which layer."""

from __future__ import annotations

import pytest

from edgekit.verdict.converter_said import compiler_error

ERROR = "'tfl.concatenation' op quantization parameters violate the same scale constraint: !quant.uniform<i8:f32, 0.0078:-1>"
PLACES = {
    'loc("net/both/concat")': " of net/both/concat",
    'loc("net/both/concat@__inference_serve_9")': " of net/both/concat",
    'loc(fused["ConcatV2:", "net/both/concat@__inference_serve_9"])': " of net/both/concat",
    'loc(callsite("net/both/concat"("model.py":3:0) at fused["PartitionedCall:", "net/call"]))': " of net/both/concat",
    "loc(unknown)": "",
    "<unknown>:0": "",
    "model.mlir:12:3": "",
    "<frozen runpy>:198:1": "",
}


@pytest.mark.parametrize(("place", "told"), PLACES.items())
def test_the_layer_and_the_cause(place: str, told: str) -> None:
    log = f"W0000 00:00:17.6 9 converter.cc:19] Ignored output_format.\n{place}: error: {ERROR}\n{place}: note: see current operation: %9\n"
    assert compiler_error(log) == f"the compiler says{told}: {ERROR}"


@pytest.mark.parametrize(
    "line",
    [
        "E0000 00:00:1796055077.912389 8526 cuda_platform.cc:52] failed call to cuInit: error: 303",
        "2026-11-30 16:10:22.5: E tensorflow/core/platform.cc:52] error: no device",
        'loc("net/both/concat"): warning: skipped',
        "Fully quantize: 0, inference_type: 6",
        "",
    ],
)
def test_a_line_of_the_log_is_no_error_of_the_compiler(line: str) -> None:
    assert compiler_error(line) == ""


def test_the_first_of_several_errors() -> None:
    assert compiler_error('loc("a"): error: one\nloc("b"): error: two') == "the compiler says of a: one"
