"""Writes what a search found: the model, the page's contents, the firmware's test vector, and last the manifest."""

from __future__ import annotations

from pathlib import Path

from edgekit.devices.profile import DeviceProfile
from edgekit.documents.candidate import Plan
from edgekit.documents.facts import port_names
from edgekit.documents.report import Report
from edgekit.emit import emit
from edgekit.emit.picture_decoding import declared_decoding
from edgekit.ingest.materials import Materials
from edgekit.measure.firmware import vector_of
from edgekit.measure.insides import insides
from edgekit.progress import Progress
from edgekit.search.loop import Search
from edgekit.search.provenance import provenance_of
from edgekit.tflite.reader import read_tflite


def write(
    folder: Path,
    materials: Materials,
    profile: DeviceProfile,
    *,
    report: Report,
    plan: Plan,
    found: Search,
    tflite: Path | None,
    compiled: Path | None,
    progress: Progress,
) -> Path | None:
    """Write a device's result into `folder`; `tflite` is the chosen file, `compiled` what an NPU's compiler made of it.

    Returns the path of `model.tflite`; None where no candidate gave a file. Raises `OutputError`.
    """
    with materials.semaphore.acquired():
        inputs = port_names(materials.model.facts.inputs)
        vector = vector_of(tflite, profile, materials.dataset, input_order=inputs, progress=progress)
    parsed = None if tflite is None else read_tflite(tflite)
    return emit(
        folder,
        report=report,
        plan=plan,
        provenance=provenance_of(materials, profile, found),
        profile=profile,
        artifact=tflite,
        parsed=parsed,
        inside=insides(report.chosen, parsed, profile),
        compiled=compiled,
        labels=materials.dataset.labels,
        vector=vector,
        decoding=declared_decoding(materials.project) if materials.dataset.labels else None,
    )
