"""The file that is run instead of one with coded weights, on an interpreter that cannot decode them.

LiteRT evaluates for a microcontroller, a hundred times faster than the board's interpreter, but lacks TFLM_DECODE. The
same file with its weights written out computes the same; whether the board's interpreter decodes them to exactly these
weights is a check of its own (`micro`).
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from edgekit.devices.profile import DeviceProfile
from edgekit.errors import ModelError
from edgekit.tflite.expanded import expanded, has_coded
from edgekit.tflite.model import TfliteModel


@contextlib.contextmanager
def stand_in(model: TfliteModel, profile: DeviceProfile) -> Iterator[Path | None]:
    """A temporary file with the coded weights of `model` written out; None if the file itself is to be run.

    That is so if it has none, if the device's runtime is not the one that decodes them, or if they cannot be expanded:
    LiteRT then says why it does not run the file.
    """
    content = None
    if profile.kind == "microcontroller" and profile.runtime.kind == "tflite_micro" and has_coded(model):
        with contextlib.suppress(ModelError):
            content = expanded(model)
    if content is None:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="edgekit-expanded-") as folder:
        path = Path(folder) / "model.tflite"
        path.write_bytes(content)
        yield path
