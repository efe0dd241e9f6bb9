"""Make edgekit/cost/kernels_tflm.toml: how much code each operator of tflite-micro takes, by its own object code.

The package tflite-micro has the reference kernels and the interpreter in one shared library with its symbols. An
operator's code is all that can be reached from where it is registered and where its options are parsed, by calls and by
addresses taken, but for what the interpreter reaches too: what a linker that drops unused sections would link in for it. What at
least `SHARED` operators reach is counted once, as `shared`.

    python tools/measure_kernels.py

It needs tflite-micro, and objdump and nm of binutils, on x86-64 Linux.
"""

from __future__ import annotations

import bisect
import importlib.metadata
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

from edgekit.tflite.operators import load_table

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "edgekit" / "cost" / "kernels_tflm.toml"
TABLE = "tflite-micro-2026-10"
SHARED = 20
# Registered under another name than their own.
REGISTERED = {"TFLM_DECODE": "DECODE", "TFLite_Detection_PostProcess": "DETECTION_POSTPROCESS"}
SPECIAL = {"TFLM_DECODE": ("DecodeStateLut::",)}
"""Symbols that are only reached by a virtual call, whose address is in no instruction."""
INTERPRETER = ("MicroInterpreter::", "MicroAllocator::", "GreedyMemoryPlanner::", "SingleArenaBufferAllocator::",
               "MicroInterpreterGraph::", "MicroInterpreterContext::", "MicroContext::")  # fmt: skip
LEFT_OUT = ("pybind11", "DecompressionState", "compression::", "Compress")
"""What a firmware has not: Python's side, and the older compression that a build has only with USE_TFLM_COMPRESSION."""
_SYMBOL = re.compile(r"^([0-9a-f]+) ([0-9a-f]+) [tTwWi] (.+)$")
_TARGET = re.compile(r"(?:call|jmp|j[a-z]+)\s+([0-9a-f]+) <|# ([0-9a-f]+) <")


def main() -> None:
    """Measure, and write the table."""
    library = _library()
    symbols = _symbols(library)
    reached = _references(library, symbols)
    framework = _closure(
        [at for at, (_, name) in symbols.items() if any(part in name for part in INTERPRETER)], reached
    )
    table = load_table(TABLE)
    code = {name: _closure(_roots(name, symbols), reached) - framework for name in (*table.operators, *table.custom)}
    users = Counter(at for found in code.values() for at in found)
    shared = {at for at, count in users.items() if count >= SHARED}
    size = {at: length for at, (length, _) in symbols.items()}

    def total(found: set[int]) -> int:
        return sum(size[at] for at in found)

    version = importlib.metadata.version("tflite_micro")
    lines = [
        "# Bytes of x86-64 code that each operator of tflite-micro links in. Made by tools/measure_kernels.py from the",
        "# package's own object code; make it again rather than editing it.",
        f'version = "{version}"',
        'basis = "measured"',
        f'source = "symbols of tflite_micro {version} on Linux x86_64, reachable from where an operator is registered and parsed"',
        f"framework = {total(framework)}  # the interpreter, its allocator and planner",
        f"shared = {total(shared)}  # what {SHARED} operators or more reach",
        "",
        "[operators]",
        *(f"{name} = {total(found - shared)}" for name, found in sorted(code.items())),
    ]
    OUT.write_text("\n".join(lines) + "\n", encoding="utf-8")
    empty = [name for name, found in code.items() if not found]
    print(f"{len(code)} operators, {total(framework)} B framework, {total(shared)} B shared; without code: {empty}")


def _library() -> Path:
    import tflite_micro

    (found,) = Path(tflite_micro.__file__).parent.rglob("_runtime.so")
    return found


def _symbols(library: Path) -> dict[int, tuple[int, str]]:
    """The functions of tflite-micro by address: length and name."""
    text = subprocess.run(["nm", "-SC", str(library)], capture_output=True, text=True, check=True).stdout
    found = {}
    for line in text.splitlines():
        match = _SYMBOL.match(line)
        if match and not any(part in match[3] for part in LEFT_OUT) and "Py" not in match[3].split("(")[0]:
            found[int(match[1], 16)] = (int(match[2], 16), match[3])
    return found


def _references(library: Path, symbols: dict[int, tuple[int, str]]) -> dict[int, set[int]]:
    """For each function those that it calls, jumps to or takes the address of."""
    starts = sorted(symbols)
    stubs = _stubs(library, symbols)
    command = ["objdump", "-d", "--no-show-raw-insn", "-j", ".text", str(library)]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found: dict[int, set[int]] = {at: set() for at in symbols}
    for line in text.splitlines():
        place, _, instruction = line.partition(":\t")
        match = _TARGET.search(instruction)
        if not match or not place.strip():
            continue
        inside = starts[max(0, bisect.bisect_right(starts, int(place, 16)) - 1)]
        if int(place, 16) >= inside + symbols[inside][0]:
            continue  # code that is left out
        target = int(match[1] or match[2], 16)
        target = stubs.get(target, target)
        if target in symbols and target != inside:
            found[inside].add(target)
    return found


def _stubs(library: Path, symbols: dict[int, tuple[int, str]]) -> dict[int, int]:
    """Where the linkage table's entries lead, and the table of addresses: a shared library calls itself through them."""
    mangled = subprocess.run(["nm", str(library)], capture_output=True, text=True, check=True).stdout
    at = {parts[2]: int(parts[0], 16) for line in mangled.splitlines() if len(parts := line.split()) == 3}
    found = {}
    text = subprocess.run(["objdump", "-d", "-j", ".plt", "-j", ".plt.sec", "-j", ".plt.got", str(library)],
                          capture_output=True, text=True, check=False).stdout  # fmt: skip
    for match in re.finditer(r"^([0-9a-f]+) <(.+)@plt>:", text, re.MULTILINE):
        if match[2] in at:
            found[int(match[1], 16)] = at[match[2]]
    relocations = subprocess.run(["readelf", "-rW", str(library)], capture_output=True, text=True, check=True).stdout
    for line in relocations.splitlines():
        parts = line.split()
        if len(parts) >= 4 and parts[2] == "R_X86_64_RELATIVE" and int(parts[3], 16) in symbols:
            found[int(parts[0], 16)] = int(parts[3], 16)
        elif len(parts) >= 5 and parts[2] in ("R_X86_64_GLOB_DAT", "R_X86_64_64") and parts[4] in at:
            found[int(parts[0], 16)] = at[parts[4]]
    return found


def _closure(roots: list[int], reached: dict[int, set[int]]) -> set[int]:
    found: set[int] = set()
    left = list(roots)
    while left:
        at = left.pop()
        if at not in found:
            found.add(at)
            left += reached.get(at, ())
    return found


def _roots(name: str, symbols: dict[int, tuple[int, str]]) -> list[int]:
    """Where an operator is registered, where its options are parsed, and what is only reached virtually."""
    upper = REGISTERED.get(name, name).removeprefix("Signal")
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", upper).upper() if name.startswith("Signal") else upper
    register = f"Register_{words}()"
    parse = f"parse{upper.replace('_', '').lower()}("
    special = SPECIAL.get(name, ())
    return [
        at
        for at, (_, called) in symbols.items()
        if called.endswith(f"::{register}") or f"::{parse}" in called.lower() or any(part in called for part in special)
    ]


if __name__ == "__main__":
    sys.exit(main())
