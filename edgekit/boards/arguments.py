"""The arguments of `edgekit bench`, checked against model and device before any connection is made.

An error names the wrong option; nothing is measured or sent here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from edgekit.boards.address import Address
from edgekit.devices.profile import DeviceProfile
from edgekit.errors import DataError, InputError, ModelError
from edgekit.tflite.model import TfliteModel
from edgekit.tflite.reader import read_tflite

if TYPE_CHECKING:
    import numpy as np

MOST_INPUT_BYTES = 256 * 2**20
HERE = "local"


def open_model(path: Path) -> tuple[Path, TfliteModel]:
    if not path.is_file():
        what = "a folder is no model" if path.is_dir() else "there is no such file"
        raise ModelError(what, where=str(path), next_step="give the path of a .tflite file")
    return path, read_tflite(path)


def require_system(profile: DeviceProfile, address: Address) -> None:
    if profile.runtime.kind == "tflite_micro":
        raise InputError(
            f"{profile.name} has no operating system that a program could be sent to",
            where="--device",
            received=profile.id,
            allowed="a device that runs Linux or Android",
            next_step=f"edgekit check MODEL.tflite --device {profile.id} runs its interpreter on this machine",
        )
    if address.kind == "adb" and profile.kind == "microcontroller":
        raise InputError("no device behind adb", where="--device", received=profile.id)


def input_files(given: Sequence[str | Path], model: TfliteModel) -> list[Path]:
    """The input files; each must hold one array, and there must be one for each input of the model."""
    paths = [Path(path) for path in given]
    if paths and len(paths) != len(model.input_tensors):
        raise DataError(
            "another number of inputs than the model has",
            where="--input",
            received=f"{len(paths)}",
            allowed=", ".join(f"{tensor.name}: {tensor.dtype}{list(tensor.shape)}" for tensor in model.input_tensors)[
                :500
            ],
        )
    for path, tensor in zip(paths, model.input_tensors, strict=False):
        array = _array(path)
        if str(array.dtype) != tensor.dtype:
            raise DataError(
                "an input of another type than the model takes",
                where=str(path),
                received=f"{array.dtype}{list(array.shape)}",
                allowed=f"{tensor.dtype}{list(tensor.shape)}",
                next_step="save it in the model's own type, quantized where the model is",
            )
        is_batched = len(tensor.shape) > 1 and tensor.shape_signature[:1] == (-1,)
        if array.size == 0 or (is_batched and array.shape[:1] != tensor.shape[:1]):
            raise DataError(
                "an input that is not one sample",
                where=str(path),
                received=f"{array.dtype}{list(array.shape)}",
                allowed=f"{tensor.dtype}{list(tensor.shape)}: the latency of a device is that of batch 1",
            )
    return paths


def _array(path: Path) -> np.ndarray:
    import numpy as np

    if not path.is_file():  # reading a pipe would wait for ever
        raise DataError("there is no such file", where=str(path), allowed="a .npy file")
    if path.stat().st_size > MOST_INPUT_BYTES:
        raise DataError("too large for an input", where=str(path), allowed=f"{MOST_INPUT_BYTES} bytes")
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as problem:  # numpy parses the header as a Python literal, which may raise anything
        raise DataError("not an array", where=str(path), received=str(problem)[:300], allowed="a .npy file") from None
    if not isinstance(array, np.ndarray):
        raise DataError("not one array", where=str(path), allowed="a .npy file")
    return array


def delegate_for(delegate: str | None, profile: DeviceProfile, address: Address) -> str:
    """The delegate that the runner is asked for. A delegate other than XNNPACK is a library file on the device."""
    if delegate is None:
        return profile.runtime.delegate if profile.runtime.delegate in ("xnnpack", "none") else "xnnpack"
    if delegate in ("xnnpack", "none"):
        return delegate
    if address.kind == HERE:
        return str(Path(delegate).resolve())
    if not delegate.startswith("/") or not delegate.isprintable():
        raise InputError(
            "not a delegate", where="--delegate", received=repr(delegate[:200]),
            allowed="xnnpack, none, or the whole path of a shared library on the device",
        )  # fmt: skip
    return delegate


def whole(name: str, value: int, most: int, *, least: int = 1) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise InputError(f"not a number of {name}", where=f"--{name}", received=value, allowed=f"{least} to {most}")
    return value


def within(name: str, value: float, low: float, high: float) -> float:
    if not math.isfinite(value) or not low <= value <= high:
        raise InputError(f"not a number for {name}", where=f"--{name}", received=value, allowed=f"{low:g} to {high:g}")
    return float(value)
