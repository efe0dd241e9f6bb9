"""The C array compiles, is aligned and constant, and holds the model byte for byte."""

from __future__ import annotations

import shutil
import subprocess

import msgspec
import pytest

from edgekit.documents.report import Metric
from edgekit.emit.c_array import c_header, c_source

MAIN = """
#include <cstdint>
#include <cstdio>
#include "model_data.h"
int main() {
  if (reinterpret_cast<std::uintptr_t>(edgekit_model) % 16) return 3;
  if (EDGEKIT_MODEL_INPUT_0_ZERO_POINT != -128 || !(EDGEKIT_MODEL_INPUT_0_SCALE > 0)) return 4;
  if (EDGEKIT_MODEL_ARENA_BYTES != 5000) return 5;
  return std::fwrite(edgekit_model, 1, edgekit_model_len, stdout) == edgekit_model_len ? 0 : 6;
}
"""


@pytest.fixture
def chosen(sample_report):
    ram = Metric(value=5000, unit="B", basis="simulated", source="tflite_micro's arena,\nan upper bound\\")
    return msgspec.structs.replace(sample_report.chosen, metrics={**sample_report.chosen.metrics, "ram": ram})


def test_it_compiles_and_holds_the_model(tmp_path, int8_model, chosen):
    compiler = shutil.which("g++") or shutil.which("c++")
    if compiler is None:
        pytest.skip("no C++ compiler")
    model = int8_model.read_bytes()
    (tmp_path / "model_data.h").write_text(c_header(model, chosen, device="nucleo-l4r5zi"))
    (tmp_path / "model_data.cc").write_text(c_source(model))
    (tmp_path / "main.cc").write_text(MAIN)
    strict = ["-std=c++11", "-Wall", "-Wextra", "-Werror", "-pedantic"]
    subprocess.run([compiler, *strict, "main.cc", "model_data.cc", "-o", "show"], cwd=tmp_path, check=True)
    assert subprocess.run([tmp_path / "show"], capture_output=True, check=True).stdout == model
    symbols = subprocess.run(["nm", "-C", "show"], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert " R edgekit_model\n" in symbols  # read-only data: it stays in flash


def test_the_header_serves_c(tmp_path, int8_model, chosen):
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler")
    (tmp_path / "model_data.h").write_text(c_header(int8_model.read_bytes(), chosen, device="nucleo-l4r5zi"))
    (tmp_path / "use.c").write_text('#include "model_data.h"\nunsigned f(void) { return edgekit_model_len; }\n')
    subprocess.run([compiler, "-std=c99", "-Wall", "-Werror", "-c", "use.c"], cwd=tmp_path, check=True)


def test_no_arena_is_named_where_none_is_known(int8_model, sample_report):
    header = c_header(int8_model.read_bytes(), sample_report.chosen, device="nucleo-l4r5zi")
    assert "ARENA" not in header
    assert sample_report.chosen.sha256 in header
