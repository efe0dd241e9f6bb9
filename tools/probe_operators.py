"""Make the operator tables of edgekit/tflite/operators by asking the runtimes themselves.

For every builtin operator code a file with that code alone is given to the runtime, with a version raised until it
refuses; for custom operators, a file with that one operator. Each answer comes from a child process, because a
runtime may crash on such a file. What LiteRT's package says of the schema (the names of the codes) is not asked:
only what its interpreter and the others answer.

    python tools/probe_operators.py [TABLE ...]

It needs ai-edge-litert and tflite-micro. The table of tflite-runtime is asked in an environment of its own, which
this tool makes and removes; the package has wheels up to CPython 3.11 only, so run the tool with 3.10 or 3.11, or
name such an interpreter with `--python`.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
import probe_dtypes

FOLDER = Path(__file__).resolve().parent.parent / "edgekit" / "tflite" / "operators"
HIGHEST_VERSION = 40
CHILD_LIMIT_S = 60
CUSTOM_CODE = 32
CUSTOM_OPERATORS = (
    "AudioSpectrogram", "CIRCULAR_BUFFER", "Mfcc", "NumericVerify", "SignalDelay", "SignalEnergy",
    "SignalFftAutoScale", "SignalFilterBank", "SignalFilterBankLog", "SignalFilterBankSpectralSubtraction",
    "SignalFilterBankSquareRoot", "SignalFramer", "SignalIrfft", "SignalOverlapAdd", "SignalPCAN", "SignalRfft",
    "SignalStacker", "SignalWindow", "TFLM_DECODE", "TFLite_Detection_PostProcess", "aeq.hadamard_rotation", "ethos-u",
    "odml.cache_update", "odml.group_norm", "odml.rms_norm", "odml.rope", "odml.scaled_dot_product_attention",
)  # fmt: skip
"""Custom operators that are asked for: those that the public sources of the runtimes name."""

REFUSALS = (
    "Didn't find op for builtin opcode",
    "Op builtin_code out of range",
    "unresolved custom op",
    "Failed to get registration from op code",
)

# --- the child: only the standard library and one runtime -------------------------------------------------------


def ask_litert(content: bytes) -> None:
    """Open a file with LiteRT."""
    from ai_edge_litert.interpreter import Interpreter

    Interpreter(model_content=content).allocate_tensors()


def ask_tflite_runtime(content: bytes) -> None:
    """Open a file with tflite-runtime."""
    from tflite_runtime.interpreter import Interpreter

    Interpreter(model_content=content).allocate_tensors()


def ask_tflite_micro(content: bytes) -> None:
    """Open a file with the TFLM interpreter, which says on standard error what it lacks."""
    from tflite_micro import runtime

    runtime.Interpreter.from_bytes(content, arena_size=100_000)


ASK: dict[str, Callable[[bytes], None]] = {
    "litert": ask_litert,
    "tflite-runtime": ask_tflite_runtime,
    "tflite-micro": ask_tflite_micro,
}


def child(runtime: str, files: Iterable[str]) -> None:
    """Say for each file whether the runtime knows its operator; an answer that is neither ends the child."""
    for file in files:
        try:
            ASK[runtime](Path(file).read_bytes())
        except (RuntimeError, ValueError) as problem:
            if any(refusal in str(problem) for refusal in REFUSALS):
                print("refused", flush=True)
                continue
            raise
        print("known", flush=True)


# --- the parent ---------------------------------------------------------------------------------------------------


def model_with(code: int, version: int, custom: str | None, *, used: bool) -> bytes:
    """A file with one operator code, and with one operator that uses it where `used`."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    operator_code = schema.OperatorCodeT()
    operator_code.builtinCode, operator_code.deprecatedBuiltinCode = code, min(code, 127)
    operator_code.version, operator_code.customCode = version, custom
    subgraph = schema.SubGraphT()
    subgraph.tensors = [tensor(schema, name) for name in ("in", "out")]
    subgraph.inputs, subgraph.outputs, subgraph.operators = [0], [1], []
    if used:
        operator = schema.OperatorT()
        operator.opcodeIndex, operator.inputs, operator.outputs = 0, [0], [1]
        subgraph.operators = [operator]
    model = schema.ModelT()
    model.version, model.operatorCodes, model.subgraphs, model.buffers = (
        3,
        [operator_code],
        [subgraph],
        [schema.BufferT()],
    )
    builder = flatbuffers.Builder(512)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def tensor(schema: Any, name: str) -> Any:
    """A float32 tensor of one element."""
    made = schema.TensorT()
    made.shape, made.name = [1], name
    return made


def versions_of_code(python: str, runtime: str, folder: Path, code: int) -> list[int]:
    """The versions of a builtin operator that a runtime takes."""
    if runtime == "tflite-micro":  # it looks an operator up only where it is used, and then asks for more of it
        return [1] if knows_used(python, runtime, folder, code) else []
    versions = range(1, HIGHEST_VERSION + 1)
    files = [write(folder, code, version) for version in versions]
    done = ask(python, runtime, files)
    answers = done.stdout.split()
    if len(answers) != len(files):
        raise SystemExit(f"{runtime}, operator {code}: {done.stderr[-2000:]}")
    return [version for version, answer in zip(versions, answers, strict=True) if answer == "known"]


def knows_used(python: str, runtime: str, folder: Path, code: int, version: int = 1, custom: str | None = None) -> bool:
    """Whether a runtime finds an operator that a file uses; a complaint or a crash comes only after it is found."""
    done = ask(python, runtime, [write(folder, code, version, custom, used=True)])
    if "ModuleNotFoundError" in done.stderr:
        raise SystemExit(done.stderr[-2000:])
    return not any(refusal in done.stdout + done.stderr for refusal in (*REFUSALS, "refused"))


def write(folder: Path, code: int, version: int, custom: str | None = None, *, used: bool = False) -> str:
    """The path of a file with one operator code."""
    file = folder / f"{custom or code}-{version}.tflite"
    file.write_bytes(model_with(code, version, custom, used=used))
    return str(file)


def ask(python: str, runtime: str, files: list[str]) -> subprocess.CompletedProcess[str]:
    """What a child says of files."""
    command = [python, str(Path(__file__).resolve()), "--child", runtime, *files]
    return subprocess.run(command, capture_output=True, text=True, timeout=CHILD_LIMIT_S, check=False)


def installed(python: str, distribution: str) -> str:
    """The version of a distribution in an interpreter's environment."""
    code = f"import importlib.metadata; print(importlib.metadata.version({distribution!r}))"
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def table(python: str, runtime: str, distribution: str) -> str:
    """The TOML of a runtime's table."""
    from ai_edge_litert import schema_py_generated as schema

    codes = {name: code for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)}
    builtin = {name: code for name, code in codes.items() if name not in ("CUSTOM", "PLACEHOLDER_FOR_GREATER_OP_CODES")}
    with tempfile.TemporaryDirectory() as place, ThreadPoolExecutor(2) as pool:
        folder = Path(place)
        answers = pool.map(lambda code: versions_of_code(python, runtime, folder, code), builtin.values())
        versions = {name: found for name, found in zip(builtin, answers, strict=True) if found}
        known = pool.map(lambda name: knows_used(python, runtime, folder, CUSTOM_CODE, custom=name), CUSTOM_OPERATORS)
        custom = [name for name, found in zip(CUSTOM_OPERATORS, known, strict=True) if found]
        checked = not knows_used(python, runtime, folder, builtin["ADD"], version=9999)
    for name, found in versions.items():
        if found != list(range(found[0], found[-1] + 1)) or found[-1] == HIGHEST_VERSION:
            raise SystemExit(f"{name}: versions {found} are no closed range")
    lines = [
        "# Which operators a runtime knows, with the highest version it takes. Made by tools/probe_operators.py, which",
        "# asks the runtime itself; make it again rather than editing it.",
        f"runtime = {json.dumps(distribution)}",
        f"version = {json.dumps(installed(python, distribution))}",
        'basis = "measured"',
        f'source = "each operator code given to {distribution} itself on {platform.system()} {platform.machine()}"',
        f"versions_checked = {json.dumps(checked)}  # where not, a version of 0 stands for any",
        f"custom = {json.dumps(custom)}",
        "",
        "[operators]",
        *(f"{name} = {found[-1] if checked else 0}" for name, found in sorted(versions.items())),
        "",
        "[oldest]  # where it is not 1",
        *(f"{name} = {found[0]}" for name, found in sorted(versions.items()) if checked and found[0] > 1),
        *(probe_dtypes.table_lines(probe_dtypes.answers(python)) if runtime == "tflite-micro" else ()),
    ]
    return "\n".join(lines) + "\n"


def make_tflite_runtime(base: str) -> str:
    """The table of tflite-runtime, from a fresh environment that is removed afterwards."""
    with tempfile.TemporaryDirectory() as place:
        if base == sys.executable:
            venv.create(place, with_pip=True)
        else:
            subprocess.run([base, "-m", "venv", place], check=True)
        python = str(Path(place) / "bin" / "python")
        subprocess.run([python, "-m", "pip", "install", "-q", "tflite-runtime==2.14.0", "numpy<2"], check=True)
        return table(python, "tflite-runtime", "tflite-runtime")


def main() -> None:
    """Make the tables named, or all of them."""
    parser = argparse.ArgumentParser(description="Ask the runtimes which operators they know.")
    parser.add_argument("tables", nargs="*", help="litert-2.3, tflite-micro-2026-10, tflite-runtime-2.14; default all")
    parser.add_argument("--python", default=sys.executable, help="an interpreter that tflite-runtime has a wheel for")
    parser.add_argument("--child", metavar="RUNTIME", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        child(given.child, given.tables)
        return
    makers: dict[str, Callable[[], str]] = {
        "litert-2.3": lambda: table(sys.executable, "litert", "ai-edge-litert"),
        "tflite-micro-2026-10": lambda: table(sys.executable, "tflite-micro", "tflite_micro"),
        "tflite-runtime-2.14": lambda: make_tflite_runtime(given.python),
    }
    for name, make in makers.items():
        if not given.tables or name in given.tables:
            text = make()
            (FOLDER / f"{name}.toml").write_text(text)
            print(f"{name}: {sum(line[:1].isupper() for line in text.splitlines())} lines")


if __name__ == "__main__":
    main()
