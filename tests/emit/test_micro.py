"""What goes into a firmware compiles for the host and for Cortex-M without a warning, and tells a right answer from a wrong one.

The sources of tflite-micro are in no package that tests can install: `tflm/` declares the part of its interface that is used.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import msgspec
import numpy as np
import pytest

from edgekit.documents.report import Metric
from edgekit.documents.test_vector import read_vector
from edgekit.emit.micro import TestVector, firmware_files
from edgekit.emit.micro.operators import method_of, operators_header
from edgekit.emit.micro.test_vector import vector_header, vector_source
from edgekit.tflite.operators import load_table
from edgekit.tflite.reader import read_tflite

TFLM = Path(__file__).parent / "tflm"
GOLDEN = Path(__file__).parent.parent / "golden"
STRICT = ["-std=c++17", "-Wall", "-Wextra", "-Werror", "-pedantic", f"-I{TFLM}"]
CROSS = "arm-none-eabi-g++"
NO_CROSS = shutil.which(CROSS) is None
needs_host = pytest.mark.skipif(shutil.which("g++") is None, reason="no g++")


@pytest.fixture
def vector() -> TestVector:
    rng = np.random.default_rng(0)
    images = rng.integers(-128, 128, (2, 64)).astype(np.int8)
    return TestVector(
        source="stored values,\nas a test gives them\\",
        inputs=(images,),
        outputs=(np.array([[-128, 7, 127], [1, 2, 3]], np.int8),),
    )


@pytest.fixture
def chosen(sample_report):
    ram = Metric(value=5000, unit="B", basis="simulated", source="tflite_micro's arena")
    margin = Metric(value=640, unit="B", basis="predicted", source="what kernels ask for", low=0, high=640)
    metrics = {**sample_report.chosen.metrics, "ram": ram, "ram_margin": margin}
    return msgspec.structs.replace(sample_report.chosen, metrics=metrics)


@pytest.fixture
def firmware(tmp_path, int8_model, chosen, vector) -> Path:
    folder = tmp_path / "it's a firmware"
    folder.mkdir()
    for name, text in firmware_files(
        int8_model.read_bytes(), read_tflite(int8_model), chosen, device="nucleo-l4r5zi", vector=vector
    ).items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def compiled(folder: Path, *options: str, compiler: str = "g++") -> Path:
    sources = ["model_main.cc", "model_data.cc", "model_test.cc", str(TFLM / "answers.cc")]
    command = [compiler, *STRICT, "-I.", *options, *sources, "-o", "firmware"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return folder / "firmware"


@needs_host
@pytest.mark.parametrize("namespace", [[], ["-DTFLM_IN_MICRO"]], ids=["tflite", "tflite::micro"])
@pytest.mark.parametrize(("wrong_by", "code", "said"), [(0, 0, "PASS"), (1, 0, "PASS"), (2, 1, "FAIL")])
def test_the_example_tells_right_from_wrong(firmware, namespace, wrong_by, code, said):
    """A step apart is a rounding of other kernels, two are not."""
    program = compiled(firmware, *namespace, f"-DWRONG_BY={wrong_by}")
    done = subprocess.run([program], capture_output=True, text=True, check=False)
    assert done.returncode == code and done.stdout.splitlines()[-1] == said
    assert ("output 0: 1 of 3 values differ" in done.stdout) is (code == 1)
    assert code or "arena: 42 of 5640 bytes used" in done.stdout, "arena and margin"


@needs_host
def test_a_model_that_is_not_the_vectors_fails(firmware):
    header = (firmware / "model_data.cc").read_text().replace("0x54, 0x46, 0x4c, 0x33", "0x00, 0x46, 0x4c, 0x33", 1)
    (firmware / "model_data.cc").write_text(header)
    done = subprocess.run([compiled(firmware)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "FAIL\n")


def cross_compiled(folder: Path, cpu: str) -> Path:
    return compiled(
        folder, f"-mcpu={cpu}", "-mthumb", "-Os", "-fno-exceptions", "-fno-rtti", "-DTFLM_IN_MICRO", "--specs=nosys.specs",
        compiler=CROSS,
    )  # fmt: skip


@pytest.mark.skipif(NO_CROSS, reason=f"no {CROSS} (Debian: gcc-arm-none-eabi, libstdc++-arm-none-eabi-newlib)")
@pytest.mark.parametrize(
    "cpu",
    ["cortex-m4", *(pytest.param(cpu, marks=pytest.mark.slow) for cpu in ("cortex-m0plus", "cortex-m33", "cortex-m7"))],
)
def test_it_links_for_a_cortex_m_with_the_model_in_read_only_memory(firmware, int8_model, cpu):
    program = cross_compiled(firmware, cpu)

    def tool(name: str, *options: str) -> str:
        command = [f"arm-none-eabi-{name}", *options, str(program)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    (address,) = re.findall(r"^(\w+) R edgekit_model$", tool("nm"), re.MULTILINE)
    assert int(address, 16) % 16 == 0
    (start,) = re.findall(r"\.rodata\s+\w+\s+(\w+)", tool("objdump", "-h"))
    tool(
        "objcopy",
        "-O",
        "binary",
        "-j",
        ".rodata",
        "--only-section=.rodata",
        "--set-section-flags",
        ".rodata=alloc,load",
    )
    content = program.read_bytes()  # objcopy without a second name writes in place
    offset = int(address, 16) - int(start, 16)
    assert content[offset : offset + int8_model.stat().st_size] == int8_model.read_bytes()


@pytest.mark.slow
@pytest.mark.skipif(
    NO_CROSS or shutil.which("qemu-arm") is None, reason=f"no {CROSS}, or no qemu-arm (Debian: qemu-user)"
)
def test_it_runs_on_an_emulated_32_bit_arm(firmware):
    """QEMU's user mode runs no Cortex-M binary: the same sources as Arm code, with semihosting."""
    program = compiled(
        firmware, "-mcpu=cortex-a7", "-marm", "--specs=rdimon.specs", "-Wl,-Ttext-segment=0x10000", compiler=CROSS
    )
    done = subprocess.run(["qemu-arm", program], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "arena: 42 of 5640 bytes used\nPASS\n")


def test_every_operator_of_the_runtime_has_its_method():
    """The methods were written down from tflite-micro's own header, the names follow from a rule."""
    methods = set(re.findall(r"TFLM_ADD\((\w+)\)", (TFLM / "tensorflow/lite/micro/methods.inc").read_text()))
    table = load_table("tflite-micro-2026-10")
    made = {name: method_of(name, custom=name in table.custom) for name in (*table.operators, *table.custom)}
    assert {name for name, method in made.items() if str(method).removeprefix("Add") not in methods} == set()
    assert len(set(made.values())) == len(made)
    assert methods - {method.removeprefix("Add") for method in made.values()} == {"EthosU"}


def test_each_operator_is_registered_once_and_no_other():
    model = read_tflite(GOLDEN / "lookup_tables_int8.tflite")
    header = operators_header(model)
    assert re.findall(r"resolver\.(\w+)\(\)", header) == [
        "AddConv2D", "AddDepthwiseConv2D", "AddReshape", "AddDecode", "AddFullyConnected", "AddSoftmax",
    ]  # fmt: skip
    assert "MicroMutableOpResolver<6>" in header


def test_a_custom_operator_with_the_name_of_a_built_in_one_is_not_that_one():
    """The interpreter looks for it by name among the custom ones, and would find none when it is flashed."""
    model = read_tflite(GOLDEN / "int8.tflite")
    named = msgspec.structs.replace(model.operators[0], name="CONV_2D", custom=True)
    header = operators_header(msgspec.structs.replace(model, operators=(named, model.operators[0])))
    assert header.count("AddConv2D") == 1 and '#error "TensorFlow Lite Micro has no operator CONV_2D"' in header


@needs_host
def test_an_operator_that_the_runtime_lacks_stops_the_compiler(tmp_path):
    model = read_tflite(GOLDEN / "int8.tflite")
    hostile = msgspec.structs.replace(model.operators[0], name='X"\n#include </etc/passwd> */\\', custom=True)
    (tmp_path / "use.cc").write_text(operators_header(msgspec.structs.replace(model, operators=(hostile,))))
    done = subprocess.run(
        ["g++", "-std=c++17", f"-I{TFLM}", "-fsyntax-only", "use.cc"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    errors = [line for line in done.stderr.splitlines() if "error:" in line]
    assert len(errors) == 1 and "TensorFlow Lite Micro has no operator X" in errors[0]


VALUES = {
    "int8": [-128, 0, 127], "uint8": [0, 255], "int16": [-32768, 32767], "int32": [-(2**31), 2**31 - 1],
    "int64": [-(2**63), 2**63 - 1], "float32": [0.1, -3.4e38, 1e-45, float("inf"), float("-inf"), -0.0], "bool": [True, False],
}  # fmt: skip


@needs_host
def test_every_dtype_is_written_to_the_last_bit(tmp_path):
    arrays = tuple(np.array([values], dtype) for dtype, values in VALUES.items())
    vector = TestVector(source="a test", inputs=arrays, outputs=arrays[:1])
    (tmp_path / "model_test.h").write_text(vector_header(vector))
    (tmp_path / "model_test.cc").write_text(vector_source(vector))
    writes = "".join(
        f"fwrite(edgekit_test_input_{n}, 1, sizeof(edgekit_test_input_{n}), stdout);" for n in range(len(arrays))
    )
    (tmp_path / "main.cc").write_text(f'#include <cstdio>\n#include "model_test.h"\nint main() {{ {writes} }}\n')
    subprocess.run(["g++", *STRICT, "main.cc", "model_test.cc", "-o", "show"], cwd=tmp_path, check=True)
    said = subprocess.run([tmp_path / "show"], capture_output=True, check=True).stdout
    assert said == b"".join(array.tobytes() for array in arrays)


@needs_host
def test_an_output_is_close_by_what_its_dtype_means(firmware):
    """A step of an integer, a little of a float, none of a truth value; infinite and no number are themselves."""
    text = (firmware / "model_main.cc").read_text()
    start, end = (
        text.index("template <typename T>\nbool IsClose"),
        text.index("template <typename T, size_t N>\nbool Feed"),
    )
    (firmware / "close.cc").write_text(
        "#include <cmath>\n#include <cstdint>\n#include <type_traits>\n#include <limits>\n"
        + text[start:end]
        + """
int main() {
  using F = std::numeric_limits<float>;
  const bool right = IsClose<int8_t>(3, 4) && !IsClose<int8_t>(3, 5) && IsClose<uint8_t>(0, 1) && !IsClose<uint8_t>(0, 255)
    && IsClose(0.5f, 0.50001f) && !IsClose(0.5f, 0.51f) && IsClose(true, true) && !IsClose(true, false)
    && IsClose(F::infinity(), F::infinity()) && !IsClose(F::infinity(), -F::infinity()) && !IsClose(1.0f, F::infinity())
    && IsClose(F::quiet_NaN(), F::quiet_NaN()) && !IsClose(F::quiet_NaN(), 1.0f) && !IsClose(1.0f, F::quiet_NaN());
  return right ? 0 : 1;
}
"""
    )
    subprocess.run(["g++", *STRICT, "close.cc", "-o", "close"], cwd=firmware, check=True)
    assert subprocess.run([firmware / "close"], check=False).returncode == 0


def test_without_a_vector_there_is_no_example(int8_model, chosen):
    files = firmware_files(int8_model.read_bytes(), read_tflite(int8_model), chosen, device="rpi-pico", vector=None)
    assert set(files) == {"model_data.h", "model_data.cc", "model_operators.h"}


def test_a_vector_of_half_floats_is_left_out(tmp_path):
    np.save(tmp_path / "in.npy", np.zeros((1, 3), np.float16))
    path = str(tmp_path / "in.npy")
    assert read_vector("a test", [path], [path]) is None


def test_the_header_has_the_margin_and_where_it_is_from(int8_model, chosen):
    header = firmware_files(int8_model.read_bytes(), read_tflite(int8_model), chosen, device="rpi-pico", vector=None)[
        "model_data.h"
    ]
    assert (
        "#define EDGEKIT_MODEL_ARENA_MARGIN_BYTES 640\n" in header and "// predicted: what kernels ask for\n" in header
    )
