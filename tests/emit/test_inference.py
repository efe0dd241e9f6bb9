"""The inference script runs in a process of its own and gives what the interpreter gives."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edgekit.emit.inference import describe, inference_script
from edgekit.report import Chosen, InputFacts

GOLDEN = Path(__file__).parent.parent / "golden"


def facts(details) -> tuple[InputFacts, ...]:
    return tuple(
        InputFacts(
            name=one["name"],
            shape=tuple(int(size) for size in one["shape"]),
            dtype=one["dtype"].__name__,
            scale=float(one["quantization"][0]) or None,
            zero_point=int(one["quantization"][1]),
        )
        for one in details
    )


def run(tmp_path, name, arrays, labels=()):
    """The script's output in a child process, and the interpreter's own stored outputs."""
    interpreter_module = pytest.importorskip("ai_edge_litert.interpreter")
    model = GOLDEN / f"{name}.tflite"
    interpreter = interpreter_module.Interpreter(model_path=str(model))
    interpreter.allocate_tensors()
    inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
    chosen = Chosen(
        candidate=name,
        steps=(),
        path="model.tflite",
        sha256="",
        metrics={},
        inputs=facts(inputs),
        outputs=facts(outputs),
    )
    (tmp_path / "model.tflite").write_bytes(model.read_bytes())
    (tmp_path / "inference.py").write_text(inference_script(chosen, device="rpi4", labels=len(labels)))
    (tmp_path / "labels.txt").write_text("".join(f"{label}\n" for label in labels))
    paths = []
    for index, array in enumerate(arrays):
        paths.append(str(tmp_path / f"{index}.npy"))
        np.save(paths[-1], array)
    script = [sys.executable, str(tmp_path / "inference.py"), *paths]
    done = subprocess.run(script, cwd="/", capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout, interpreter, inputs, outputs


@pytest.mark.parametrize("name", ["float32", "int8", "int16x8", "dynamic_range"])
def test_real_values_in_real_values_out(tmp_path, name):
    image = np.random.default_rng(0).random((8, 8, 1), dtype=np.float32)
    printed, interpreter, inputs, outputs = run(tmp_path, name, [image], labels=("a", "b", "c"))
    scale, zero = inputs[0]["quantization"]
    stored = image[None]
    if scale:
        limits = np.iinfo(inputs[0]["dtype"])
        stored = np.clip(np.round(stored / scale + zero), limits.min, limits.max).astype(inputs[0]["dtype"])
    interpreter.set_tensor(inputs[0]["index"], stored)
    interpreter.invoke()
    scale, zero = outputs[0]["quantization"]
    answer = interpreter.get_tensor(outputs[0]["index"]).astype(np.float32)
    answer = (answer - zero) * scale if scale else answer
    numbers, label = printed.split("]]")
    np.testing.assert_allclose(np.fromstring(numbers.strip("[ "), sep=" "), answer[0], atol=1e-4)
    assert label.strip() == "abc"[int(answer.argmax())]


def test_several_inputs_and_outputs(tmp_path):
    printed, _, inputs, outputs = run(
        tmp_path, "two_inputs", [np.ones((1, 3, 4), np.float32), np.ones((1, 4, 2), np.float32)]
    )
    assert len(inputs) == 2 and len(outputs) == 2
    assert printed.count("[[") >= 2


def test_the_script_has_ten_lines_or_so(tmp_path):
    one = InputFacts(name="x", shape=(1, 2), dtype="int8", scale=0.5, zero_point=-3)
    chosen = Chosen(candidate="c", steps=(), path="p", sha256="", metrics={}, inputs=(one,), outputs=(one,))
    lines = [line for line in inference_script(chosen, device="rpi4").splitlines() if not line.startswith("#")]
    assert len(lines) <= 11
    assert "0.5 + (-3)" in "\n".join(lines)


def test_a_port_in_one_line():
    port = InputFacts(name="x" * 99, shape=(1, 2), dtype="int8", low=0.0, high=1.0, scale=0.5, zero_point=-3)
    assert describe(port) == f"{'x' * 37}... int8 [1, 2], real values 0 to 1, real = (stored + 3) * 0.5"


def test_a_name_with_a_line_break_stays_in_its_comment():
    port = InputFacts(name="x\nimport os", shape=(1,), dtype="float32")
    chosen = Chosen(candidate="c\nd", steps=(), path="p", sha256="", metrics={}, inputs=(port,), outputs=())
    script = inference_script(chosen, device="rpi4")
    assert "\nimport os" not in script.replace("\nimport sys", "")
    compile(script, "inference.py", "exec")
