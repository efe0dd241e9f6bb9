"""Vela, Arm's compiler for the Ethos-U NPUs: run as its own command on a copy of the file, and its output read.

Its Python interface is internal and its code native, so it runs in a process and a folder of its own, with file names
chosen here; of its output only the compiled file is kept. What its figures mean for a device is not
known here. Options and output: https://gitlab.arm.com/artificial-intelligence/ethos-u/ethos-u-vela, OPTIONS.md and
PERFORMANCE.md.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec

from edgekit.documents.compiled import COMPILED_FILE, Compiled, LeftOperator
from edgekit.errors import MissingExtraError, ProfileError
from edgekit.machine.extras import pip_line, require
from edgekit.machine.installed import version_of
from edgekit.measure.npu_figures import is_on_npu
from edgekit.measure.runtimes.interface import Refused
from edgekit.measure.runtimes.vela_output import Summary, layer_cycles, read_summary, reasons
from edgekit.tflite.content import read_content
from edgekit.tflite.labels import labels
from edgekit.tflite.model import TfliteModel
from edgekit.tflite.named import named
from edgekit.tflite.reader import read_tflite

PACKAGE, DISTRIBUTION = "ethosu", "ethos-u-vela"
CONFIG = "Arm/vela.ini"
"""The configurations that the wheel includes."""
STEM = "model"
LONGEST_TEXT = 4 * 2**20
SAID = 300
WRONG_OPTION = ("Incorrect argument to CLI option", "Invalid configuration of")
"""How its CliOptionError and ConfigOptionError begin (ethosu/vela/errors.py)."""
WRONG_USAGE = 2  # argparse's exit code
FULL_DISK = (errno.ENOSPC, errno.EDQUOT)
OUT_OF_MEMORY = ("MemoryError", "bad_alloc", "Cannot allocate memory")


def compile_file(
    model: Path, out: Path, *, accelerator: str, system_config: str, memory_mode: str, clock_hz: float
) -> Compiled | Refused:
    """Compile a file; the result is `out / COMPILED_FILE`, in an existing folder, and nothing else is left there.

    There is no compiled file if nothing goes to the NPU.

    `Refused` if Vela refuses the file or crashes on it. Other causes are raised: `MissingExtraError` if it is not installed
    or does not start, `ProfileError` if it does not know the configuration, `OSError` if the disk is full, and
    `MemoryError` if it ran out of memory.
    """
    require("npu", PACKAGE, purpose="compiling for an Ethos-U")
    work = out / "vela-work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    try:
        (work / f"{STEM}.tflite").write_bytes(named(read_content(model), where=str(model)))
        options = ["--accelerator-config", accelerator, "--system-config", system_config, "--memory-mode", memory_mode]
        problem = _run(work, options)
        if problem is not None:
            return Refused(reason=problem)
        made = work / f"{STEM}_vela.tflite"
        found = _read(work, made, model)
        if isinstance(found, Refused):
            return found
        summary, layers, left, plain = found
        content, on_npu = made.read_bytes(), max(len(plain.operators) - len(left), 0) if found[0].cycles else 0
        if on_npu:
            made.replace(out / COMPILED_FILE)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return Compiled(
        compiler=f"Vela {version_of(DISTRIBUTION) or ''}".strip(),
        accelerator=accelerator,
        system_config=system_config,
        memory_mode=memory_mode,
        clock_hz=clock_hz,
        path=COMPILED_FILE if on_npu else None,
        bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        operators=len(plain.operators),
        on_npu=on_npu,
        left=left,
        layers=layers,
        cycles=summary.cycles,
        npu_cycles=summary.npu_cycles,
        sram_bytes=summary.sram_bytes,
        dram_bytes=summary.dram_bytes,
        flash_bytes=summary.flash_bytes,
        weight_bytes=summary.weight_bytes,
        encoded_bytes=summary.encoded_bytes,
    )


def _run(work: Path, options: list[str]) -> str | None:
    """Run the command; returns why it gave no file, or None if it gave one."""
    command = [sys.executable, "-m", "ethosu.vela", f"{STEM}.tflite", "--output-dir", ".", "--config", CONFIG, *options]
    command += ["--verbose-performance"]  # writes the table of layers
    with (work / "out.txt").open(
        "wb"
    ) as out:  # errors go through a pipe, so that they are not lost if the disk is full
        done = subprocess.run(
            command, cwd=work, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.PIPE, check=False
        )
    if done.returncode == 0 and (work / f"{STEM}_vela.tflite").is_file():
        return None
    said = done.stderr[-LONGEST_TEXT:].decode("utf-8", "replace") or _text(work / "out.txt")
    if done.returncode == -signal.SIGKILL or any(word in said for word in OUT_OF_MEMORY):
        raise MemoryError("Vela ran out of memory, or was killed")
    if any(os.strerror(number) in said for number in FULL_DISK):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(work))
    if done.returncode < 0:
        return f"it crashes: {_signal(-done.returncode)}"
    lines = [line.strip() for line in said.splitlines() if line.strip()] or ["it says nothing"]
    telling = next((line for line in lines if "Error: " in line), lines[-1])
    told = telling.rpartition("Error: ")[2]
    if done.returncode == WRONG_USAGE or told.startswith(WRONG_OPTION):
        raise ProfileError(
            "Vela does not know the configuration of the NPU",
            where="npu of the device's profile",
            received=told[:SAID],
            next_step="`vela --help` lists accelerators, `vela --list-configs Arm/vela.ini` the other names",
        )
    if not _starts(work):
        raise MissingExtraError(
            f"Vela is installed and does not start: {told[:SAID]}", next_step=f"{pip_line('npu')} --force-reinstall"
        )
    return told[:SAID]


def _starts(work: Path) -> bool:
    """Whether the command runs at all, without any file; tried after it failed on a file."""
    command = [sys.executable, "-m", "ethosu.vela", "--version"]
    with (work / "version.txt").open("wb") as out:
        done = subprocess.run(command, cwd=work, stdin=subprocess.DEVNULL, stdout=out, stderr=out, check=False)
    return done.returncode == 0


def _read(
    work: Path, made: Path, model: Path
) -> tuple[Summary, tuple[Any, ...], tuple[LeftOperator, ...], TfliteModel] | Refused:
    """What Vela wrote beside the file, and which operators it left unchanged."""
    tables = list(work.glob(f"{STEM}_summary_*.csv"))
    summary = read_summary(_text(tables[0])) if tables else None
    if summary is None:
        return Refused(reason="its summary is not the table that edgekit knows (made for versions 5 and later)")
    plain, compiled = read_tflite(work / f"{STEM}.tflite"), read_tflite(made)
    plain = msgspec.structs.replace(plain, layers=labels(read_tflite(model)))
    of = {
        plain.tensors[index].name: layer
        for one, layer in zip(plain.operators, plain.layers, strict=True)
        for index in one.outputs
    }
    why = reasons(_text(work / "out.txt"))
    left = []
    for operator, label in zip(compiled.operators, labels(compiled), strict=True):
        if is_on_npu(operator):
            continue
        output = compiled.tensors[operator.outputs[0]].name if operator.outputs else ""
        left.append(LeftOperator(operator=operator.name, layer=of.get(output, label), reason=why.get(output, "")))
    layers = layer_cycles(_text(work / f"{STEM}_per-layer.csv"), plain)
    if sum(layer.cycles for layer in layers) != summary.cycles:
        layers = ()  # a table that does not add up is ignored
    return summary, layers, tuple(left), plain


def _text(path: Path) -> str:
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        return file.read(LONGEST_TEXT).decode("utf-8", "replace")


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
