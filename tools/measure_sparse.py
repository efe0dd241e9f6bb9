"""What the sparse encoding of TFLite does to size, memory and time where LiteRT expands it: the table of docs/techniques.md.

    python tools/measure_sparse.py [--zeros 0.5 0.8 0.9]

Two networks with random weights, of which the smallest of each kernel of 256 weights or more are set to zero: one of convolutions, one
of dense layers. Each is converted to float32, float16 and int8; each file is compared with itself in edgekit's encoding
and in the converter's own (`EXPERIMENTAL_SPARSITY`), after the diet. Nothing about accuracy can be told from it. Times are medians of paired turns
on one machine.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from edgekit.make.workshop.door import door
from edgekit.techniques.sites import MINIMUM_WEIGHTS
from edgekit.tflite.densify import with_sparse_kernels
from edgekit.tflite.diet.whole import dieted

FORMS = ("float32", "float16", "int8")
TURNS, RUNS, INPUTS = 7, 20, 20
MEMORY = """
import sys
from pathlib import Path
from edgekit.measure.runtimes.litert import LiteRt
from edgekit.measure.runtimes.memory import added
print(f"{added(LiteRt(), Path(sys.argv[1]), threads=1).added_bytes / 1e6:.2f}")
"""


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--zeros", type=float, nargs="+", default=[0.5, 0.8, 0.9])
    options = parser.parse_args()
    tools = door()
    head = ("network", "zeros", "form", "encoding", "bytes", "share", "RAM, MB", "first run, ms", "time, us", "without XNNPACK, us", "difference, with and without XNNPACK")  # fmt: skip
    sys.stdout.write(f"| {' | '.join(head)} |\n|{'---|' * len(head)}\n")
    for name, make in (("convolutions", _convolutions), ("dense", _dense)):
        for zeros in options.zeros:
            for form in FORMS:
                for row in _rows(tools, make, zeros, form):
                    sys.stdout.write(f"| {name} | {zeros:.0%} | {form} | {' | '.join(row)} |\n")
                    sys.stdout.flush()


def _convolutions(tools: Any) -> Any:
    layers, keras = tools.keras3.layers, tools.keras3
    given = x = keras.Input((32, 32, 3))
    for width, stride in ((16, 1), (32, 2), (64, 2), (64, 1)):
        x = layers.Conv2D(width, 3, strides=stride, padding="same", activation="relu")(x)
    x = layers.Conv2D(128, 1, activation="relu")(x)
    return keras.Model(given, layers.Dense(10)(layers.GlobalAveragePooling2D()(x)))


def _dense(tools: Any) -> Any:
    layers, keras = tools.keras3.layers, tools.keras3
    given = x = keras.Input((640,))
    for width in (128, 128, 128, 8, 128, 128, 128):
        x = layers.Dense(width, activation="relu")(x)
    return keras.Model(given, layers.Dense(640)(x))


def _rows(tools: Any, make: Any, zeros: float, form: str) -> Iterator[list[str]]:
    tools.fresh(0)
    model = make(tools)
    for weight in model.weights:
        kernel = np.asarray(weight)
        if kernel.ndim == 1:
            weight.assign(0.01 * np.random.default_rng(0).normal(size=kernel.shape))
        if kernel.ndim > 1 and kernel.size >= MINIMUM_WEIGHTS:
            cut = np.sort(abs(kernel), axis=None)[round(zeros * kernel.size) - 1]
            weight.assign(np.where(abs(kernel) > cut, kernel, 0))
    plain = _converted(tools, model, form, sparse=False)
    files = {
        "plain": plain,
        "edgekit's": with_sparse_kernels(plain, where="the converted model") or plain,
        "converter's": _converted(tools, model, form, sparse=True),
    }
    files = {name: dieted(content, where=name).content for name, content in files.items()}
    with tempfile.TemporaryDirectory() as folder:
        paths = {name: Path(folder) / f"{number}.tflite" for number, name in enumerate(files)}
        for name, path in paths.items():
            path.write_bytes(files[name])
        fast, slow = (_tried(list(paths.values()), xnnpack=xnnpack) for xnnpack in (True, False))
        for number, (name, path) in enumerate(paths.items()):
            size, one, other = len(files[name]), fast[number], slow[number]
            memory = subprocess.run([sys.executable, "-c", MEMORY, path], capture_output=True, text=True, check=False)
            yield [
                name, f"{size:,}", f"{size / len(files['plain']):.0%}", memory.stdout.strip() or "refused",
                "-" if one.refused else f"{one.first * 1e3:.2f}", _shown(one), _shown(other),
                f"{_difference(fast[0], one)}, {_difference(slow[0], other)}",
            ]  # fmt: skip


def _converted(tools: Any, model: Any, form: str, *, sparse: bool) -> bytes:
    tf = tools.tf
    shape = [1, *model.inputs[0].shape[1:]]
    function = tf.function(lambda x: model(x)).get_concrete_function(tf.TensorSpec(shape, tf.float32))
    holder = tf.Module()
    holder.variables_of_the_function = function.variables
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], holder)
    converter.experimental_enable_resource_variables = True
    wanted = [tf.lite.Optimize.DEFAULT] if form != "float32" else []
    converter.optimizations = [*wanted, *([tf.lite.Optimize.EXPERIMENTAL_SPARSITY] if sparse else [])]
    if form == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if form == "int8":
        generator = np.random.default_rng(0)
        converter.representative_dataset = lambda: ([generator.normal(size=shape).astype("f4")] for _ in range(20))
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    content: bytes = converter.convert()
    return content


def _interpreter(path: Path, *, xnnpack: bool) -> Any:
    from ai_edge_litert import interpreter as litert

    kinds = litert.OpResolverType
    kind = kinds.AUTO if xnnpack else kinds.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    found = litert.Interpreter(model_path=str(path), experimental_op_resolver_type=kind, num_threads=1)
    found.allocate_tensors()
    return found


def _inputs(interpreter: Any) -> list[np.ndarray]:
    generator = np.random.default_rng(1)
    shape = interpreter.get_input_details()[0]["shape"]
    return [generator.normal(size=shape).astype("f4") for _ in range(INPUTS)]


class _Tried:
    """A file that an interpreter has opened and run: the seconds until the first answer, all answers, the seconds of each later run.

    `refused` is the interpreter's message where it does not take the file.
    """

    def __init__(self, path: Path, *, xnnpack: bool) -> None:
        self.refused, self.times = "", list[float]()
        began = time.perf_counter()
        try:
            self.interpreter = _interpreter(path, xnnpack=xnnpack)
            (port,), (made,) = self.interpreter.get_input_details(), self.interpreter.get_output_details()
            answers = []
            for array in _inputs(self.interpreter):
                self.interpreter.set_tensor(port["index"], array)
                self.interpreter.invoke()
                self.first = time.perf_counter() - began if not answers else self.first
                answers.append(self.interpreter.get_tensor(made["index"]))
            self.answers = np.stack(answers)
        except RuntimeError as problem:
            self.refused = " ".join(str(problem).split())

    def run(self) -> None:
        """Some more runs."""
        for _ in range(0 if self.refused else RUNS):
            began = time.perf_counter()
            self.interpreter.invoke()
            self.times.append(time.perf_counter() - began)


def _tried(paths: list[Path], *, xnnpack: bool) -> list[_Tried]:
    found = [_Tried(path, xnnpack=xnnpack) for path in paths]
    for _ in range(TURNS):
        for one in found:
            one.run()
    return found


def _shown(one: _Tried) -> str:
    return one.refused or f"{statistics.median(one.times) * 1e6:,.0f}"


def _difference(plain: _Tried, other: _Tried) -> str:
    """The largest difference of an output, relative to the largest output."""
    if plain.refused or other.refused:
        return "-"
    return f"{float(abs(plain.answers - other.answers).max() / abs(plain.answers).max()):.1g}"


if __name__ == "__main__":
    main()
