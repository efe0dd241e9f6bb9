"""The test vector of a microcontroller's firmware: samples of the test split, and the answers of the board's interpreter here.

It joins the data, the runtimes and what is emitted. A file that does not run there has no vector, which is no error: its
report says why it does not run.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from edgekit.devices.profile import DeviceProfile
from edgekit.documents.test_vector import TestVector, read_vector
from edgekit.ingest.dataset import Dataset
from edgekit.jobs.worker import Failed
from edgekit.measure.children import Children
from edgekit.measure.runtimes.unpacked import stand_in
from edgekit.progress import Progress, no_progress
from edgekit.tflite.reader import read_tflite


def vector_of(
    tflite: Path | None,
    profile: DeviceProfile,
    dataset: Dataset,
    *,
    input_order: Sequence[int | str] | None = None,
    progress: Progress = no_progress,
) -> TestVector | None:
    """Two samples with different answers, or one; None for another kind of device, without a file, or if it does not run."""
    if tflite is None or profile.kind != "microcontroller" or profile.runtime.kind != "tflite_micro":
        return None
    with (
        tempfile.TemporaryDirectory(prefix="edgekit-vector-") as folder,
        stand_in(read_tflite(tflite), profile) as expanded,
    ):
        children = Children(tflite, profile, dataset, "test", progress, None, expanded)
        try:
            answer = children.vectors(Path(folder), input_order)
        finally:
            children.close()
        if isinstance(answer, Failed):
            return None
        source = f"stored values, as {answer.runtime} answers samples of the test split on this machine"
        return read_vector(source, answer.inputs, answer.outputs)
