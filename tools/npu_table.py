"""Vela's figures for an int8 `.tflite`, layer by layer, and what zeros and clusters in its weights change: Markdown.

    python tools/npu_table.py MODEL.tflite [--device corstone-300]

The zeros and clusters of the second table are put into the weights of the file as it is, so its accuracy is gone: it
shows what the NPU's code of the weights does, and nothing of a model that was trained to have them.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from edgekit.devices.profile import DeviceProfile, load_profile  # noqa: E402
from edgekit.documents.compiled import Compiled  # noqa: E402 - this checkout's, installed or not
from edgekit.measure.runtimes.interface import Refused  # noqa: E402
from edgekit.measure.runtimes.vela import compile_file  # noqa: E402
from edgekit.tflite.model import TfliteModel  # noqa: E402
from edgekit.tflite.reader import read_tflite  # noqa: E402
from edgekit.tflite.weights import kernels  # noqa: E402

Change = Callable[[np.ndarray], np.ndarray]


def pruned(share: float) -> Change:
    """The smallest weights of each kernel become zero."""

    def change(values: np.ndarray) -> np.ndarray:
        found = values.copy()
        found[np.argsort(np.abs(values), kind="stable")[: round(share * values.size)]] = 0
        return found

    return change


def clustered(count: int) -> Change:
    """Each kernel keeps so many values, the quantiles of its own."""

    def change(values: np.ndarray) -> np.ndarray:
        centres = np.unique(np.quantile(values, (np.arange(count) + 0.5) / count).round())
        nearest: np.ndarray = centres[np.abs(values[:, None] - centres[None]).argmin(1)]
        return nearest

    return change


def both(share: float, count: int) -> Change:
    """The zeros of the one, and the values of the other for what is left."""

    def change(values: np.ndarray) -> np.ndarray:
        found = pruned(share)(values)
        left = found != 0
        if left.any():
            found[left] = clustered(count - 1)(found[left])
        return found

    return change


CHANGES: dict[str, Change] = {
    "as it is": lambda values: values,
    "50% zeros": pruned(0.5),
    "75% zeros": pruned(0.75),
    "90% zeros": pruned(0.9),
    "32 clusters": clustered(32),
    "16 clusters": clustered(16),
    "50% zeros, 16 clusters": both(0.5, 16),
    "75% zeros, 16 clusters": both(0.75, 16),
}


def with_weights(model: TfliteModel, change: Change) -> bytes:
    """The file with the values of its int8 kernels changed."""
    content = bytearray(model.content)
    for kernel in kernels(model):
        span = model.tensors[kernel.index].span
        if kernel.dtype == "int8" and span is not None:
            values = change(kernel.array.reshape(-1).astype(np.int64))
            content[span[0] : sum(span)] = values.astype(np.int8).tobytes()
    return bytes(content)


def compiled(content: bytes, profile: DeviceProfile) -> Compiled:
    """What Vela makes of a file on a device; ends the program where it refuses it."""
    npu = profile.npu
    if npu is None or not profile.is_compiled_here:
        raise SystemExit(f"Vela compiles nothing for {profile.id}")
    assert npu.accelerator and npu.system_config and npu.memory_mode and npu.clock and npu.clock.value
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "given.tflite"
        path.write_bytes(content)
        found = compile_file(
            path,
            Path(folder),
            accelerator=npu.accelerator,
            system_config=npu.system_config,
            memory_mode=npu.memory_mode,
            clock_hz=npu.clock.value,
        )
    if isinstance(found, Refused):
        raise SystemExit(f"Vela refuses it: {found.reason}")
    return found


def layers_table(made: Compiled) -> str:
    """Cycles by layer, and what each would take alone on arithmetic, SRAM, and flash or DRAM."""
    lines = [
        "| layer | operator | cycles | share | NPU | SRAM | flash, DRAM |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for one in made.layers:
        share = one.cycles / made.cycles
        lines.append(
            f"| {one.name} | {one.operator} | {one.cycles:,} | {share:.1%} | {one.npu_cycles:,} | {one.sram_cycles:,} "
            f"| {one.memory_cycles:,} |"
        )
    return "\n".join(lines)


def weights_table(model: TfliteModel, profile: DeviceProfile) -> str:
    """What zeros and clusters change."""
    lines = [
        "| weights | coded, B | bits a weight | file, B | SRAM, B | cycles | ms |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, change in CHANGES.items():
        made = compiled(with_weights(model, change), profile)
        bits = 8 * made.encoded_bytes / made.weight_bytes
        lines.append(
            f"| {name} | {made.encoded_bytes:,} | {bits:.2f} | {made.bytes:,} | {made.sram_bytes:,} | {made.cycles:,} "
            f"| {made.milliseconds:.3f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="an int8 .tflite file")
    parser.add_argument("--device", default="corstone-300", help="a device with an Ethos-U (default: corstone-300)")
    given = parser.parse_args()
    model, profile = read_tflite(given.model), load_profile(given.device)
    made = compiled(model.content, profile)
    if not made.on_npu:
        parser.error(f"nothing of {given.model} goes to the NPU: {made.left[0].operator} ({made.left[0].reason})")
    print(
        f"{made.compiler}, {made.accelerator}, {made.system_config}, {made.memory_mode}, {made.clock_hz / 1e6:g} MHz:"
    )
    print(
        f"{made.on_npu} of {made.operators} operators on the NPU, SRAM {made.sram_bytes:,} B, DRAM {made.dram_bytes:,} B, "
        f"file {model.size_bytes:,} B, compiled {made.bytes:,} B, {made.cycles:,} cycles, {made.milliseconds:.3f} ms, "
        f"{1e3 / made.milliseconds:.1f} inferences a second\n"
    )
    print(layers_table(made), end="\n\n")
    print(weights_table(model, profile))


if __name__ == "__main__":
    main()
