"""The keyword spotter on emulated boards: how many of its outputs equal this machine's, on real samples.

python tools/compare_emulator.py --data DIR [--samples 1000] [--device rpi4 --device ...]

DIR has `kws01.npz` and `mlperf_tiny/kws_ref_model.tflite` with its float32 twin (docs/benchmarks.md says where from).
It prints a Markdown table.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from edgekit.devices.profile import load_profile
from edgekit.jobs.cache import Cache
from edgekit.measure.emulator_check import emulated
from edgekit.measure.runtimes.interface import Port
from edgekit.measure.runtimes.samples import to_model
from edgekit.tflite.reader import read_tflite

FILES = ("mlperf_tiny/kws_ref_model.tflite", "mlperf_tiny/kws_ref_model_float32.tflite")
DEVICES = ("rpi4", "rpi3", "rpi5", "stm32mp157")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--device", action="append", dest="devices")
    options = parser.parse_args()
    samples = np.load(options.data / "kws01.npz")["x_test"][: options.samples]
    print("| file | device | outcome | outputs | what was found | seconds |")
    print("| --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as temporary, Cache(Path(temporary) / "cache") as cache:
        for name in FILES:
            path = options.data / name
            rows = Path(temporary) / f"{path.stem}.npy"
            np.save(rows, rows_for(path, samples))
            for device in options.devices or DEVICES:
                began = time.monotonic()
                found = emulated(path, load_profile(device), cache, inputs=[rows])
                seconds = time.monotonic() - began
                print(f"| {path.name} | {device} | {found.outcome} | {found.value} | {found.reason} | {seconds:.0f} |", flush=True)  # fmt: skip


def rows_for(path: Path, samples: np.ndarray) -> np.ndarray:
    """The samples as the file takes them, one inference a row: quantized where its input is."""
    tensor = read_tflite(path).input_tensors[0]
    port = Port(
        index=tensor.index, name=tensor.name, shape=tensor.shape, dtype=tensor.dtype, scale=tensor.scale,
        zero_point=tensor.zero_point,
    )  # fmt: skip
    return to_model(samples, port).reshape(len(samples), *tensor.shape)


if __name__ == "__main__":
    main()
