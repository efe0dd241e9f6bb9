"""Outputs of one file from two machines, compared: which values are equal, and how far apart the others are.

The files come from a board, so they are read as data only and checked against its document.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from edgekit.documents.bench_document import Output
from edgekit.documents.bench_result import OutputAgreement
from edgekit.documents.report import Check
from edgekit.errors import DeviceError

if TYPE_CHECKING:
    import numpy as np

APART = 0.05
"""Differences above this share of an output's range are more than different rounding."""


def output_arrays(outputs: Sequence[Output], files: Mapping[str, Path], *, where: str) -> list[np.ndarray]:
    """The outputs that a document names; raises `DeviceError` if a file is missing, or does not match the document."""
    return [_array(output, files.get(output.file or ""), where) for output in outputs]


def _array(output: Output, path: Path | None, where: str) -> np.ndarray:
    import numpy as np

    if path is None:
        raise DeviceError("an output did not come back", where=where, received=output.name)
    try:
        array = np.load(path, allow_pickle=False)
    except Exception as problem:  # numpy parses the header as a Python literal, which may raise anything
        raise DeviceError("an output cannot be read", where=where, received=f"{output.name}: {problem}"[:300]) from None
    if not isinstance(array, np.ndarray) or (str(array.dtype), array.shape) != (output.dtype, output.shape):
        raise DeviceError("an output is not what the document says", where=where, received=output.name)
    if hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest() != output.sha256:
        raise DeviceError("an output was damaged on its way", where=where, received=output.name)
    return array


def compare_outputs(
    names: Sequence[str], here: Sequence[np.ndarray], there: Sequence[np.ndarray], *, quantized: Sequence[bool]
) -> tuple[OutputAgreement, ...]:
    """Each output of the device compared with this machine's; raises `DeviceError` if shapes differ."""
    if [(a.shape, a.dtype) for a in here] != [(b.shape, b.dtype) for b in there]:
        raise DeviceError(
            "the board's outputs have other shapes than those of the same file here",
            received=", ".join(f"{a.dtype}{list(a.shape)}" for a in there),
            allowed=", ".join(f"{a.dtype}{list(a.shape)}" for a in here),
        )
    return tuple(_agreement(*each) for each in zip(names, here, there, quantized, strict=True))


def _agreement(name: str, here: np.ndarray, there: np.ndarray, is_quantized: bool) -> OutputAgreement:
    import numpy as np

    as_bytes = f"V{here.dtype.itemsize}"
    same = np.ascontiguousarray(here).view(as_bytes) == np.ascontiguousarray(there).view(as_bytes)
    difference: float | None = 0.0
    if not same.all() and here.dtype.kind in "fiub":
        gap = np.abs(here.astype(np.float64) - there.astype(np.float64))[~same.reshape(here.shape)]
        difference = float(gap.max()) if np.isfinite(gap).all() else None
    elif not same.all():
        difference = None
    return OutputAgreement(
        name=name,
        values=int(here.size),
        equal=int(same.sum()),
        largest_difference=difference,
        in_steps=is_quantized and here.dtype.kind in "iu",
    )


def agreement_check(found: Sequence[OutputAgreement], here: Sequence[np.ndarray], host: str) -> Check:
    """Passes if all values are equal or differ only by rounding, and says which; fails otherwise."""
    equal, values = sum(one.equal for one in found), sum(one.values for one in found)
    if equal == values:
        return Check(name="agreement", outcome="pass", basis="measured", reason=f"bit for bit the outputs of {host}")
    said = f"{equal} of {values} values are equal to those of {host}"
    for one, array in zip(found, here, strict=True):
        gap = one.largest_difference
        if gap is None or gap > max(1.0 if one.in_steps else 0.0, APART * _range(array, is_stored=one.in_steps)):
            apart = "has values that are no finite numbers" if gap is None else f"differs by up to {_gap(one)}"
            return Check(
                name="agreement", outcome="fail", basis="measured", reason=f"output {one.name!r} {apart}; {said}"
            )
    worst = max(found, key=lambda one: one.largest_difference or 0.0)
    return Check(
        name="agreement", outcome="pass", basis="measured", reason=f"{said}; the others differ by at most {_gap(worst)}"
    )


def _gap(one: OutputAgreement) -> str:
    gap = one.largest_difference or 0.0
    return f"{gap:.0f} step{'' if gap == 1 else 's'}" if one.in_steps else f"{gap:.3g}"


def _range(array: np.ndarray, *, is_stored: bool) -> float:
    """The range that a difference is a share of: all steps of a quantized output, the largest magnitude of any other."""
    import numpy as np

    if is_stored:
        limits = np.iinfo(array.dtype)
        return float(limits.max) - float(limits.min)
    magnitude = np.abs(array[np.isfinite(array)].astype(np.float64)) if array.dtype.kind in "fiub" else np.zeros(0)
    return float(magnitude.max()) if magnitude.size else 0.0
