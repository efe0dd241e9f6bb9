"""The result on disk: which files `<out>/<device>/` holds; they are written completely or not at all.

It is given the results and decides nothing; the manifest, written last, shows that the rest is complete.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from edgekit.devices.profile import DeviceProfile
from edgekit.documents.candidate import Plan
from edgekit.documents.compiled import COMPILED_FILE
from edgekit.documents.insides import Insides
from edgekit.documents.report import Report
from edgekit.emit.html import html_report
from edgekit.emit.inference import inference_script
from edgekit.emit.manifest import MANIFEST_FILE, Manifest, Provenance, record
from edgekit.emit.micro import TestVector, firmware_files
from edgekit.emit.picture_decoding import Decoding
from edgekit.emit.schema import schema_text
from edgekit.files import prepare, replace_files
from edgekit.tflite.layers_beside import REPORT_FILE
from edgekit.tflite.model import TfliteModel
from edgekit.values import to_json

MODEL_FILE = "model.tflite"
PLAN_FILE = "plan.json"
PAGE_FILE = "report.html"
LABELS_FILE = "labels.txt"

__all__ = [
    "MANIFEST_FILE",
    "MODEL_FILE",
    "PAGE_FILE",
    "PLAN_FILE",
    "REPORT_FILE",
    "Manifest",
    "Provenance",
    "emit",
    "prepare",
]


def emit(
    folder: Path,
    *,
    report: Report,
    plan: Plan,
    provenance: Provenance,
    profile: DeviceProfile,
    artifact: Path | None,
    parsed: TfliteModel | None = None,
    inside: Insides | None = None,
    compiled: Path | None = None,
    labels: tuple[str, ...] = (),
    vector: TestVector | None = None,
    decoding: Decoding | None = None,
) -> Path | None:
    """Write all files of a build's result into `folder`, replacing those of an earlier build.

    `artifact` is the chosen `.tflite`, None where no candidate gave one, `parsed` what its bytes say and `inside` what the page
    shows of them (both are given wherever there is an artifact), `compiled` what an NPU's compiler made of it,
    `vector` what a microcontroller's firmware is tried with, `decoding` how pictures became the model's input. Each file appears under its name only when it is whole, and `manifest.json` last.
    Returns the path of `model.tflite`. Raises `OutputError` where the folder cannot be written, with nothing of
    the new result left behind.
    """
    model = None if artifact is None else artifact.read_bytes()
    content = {
        REPORT_FILE: to_json(report).encode(),
        "report.schema.json": schema_text("report.schema.json").encode(),
        PLAN_FILE: to_json(plan).encode(),
    }
    if model is not None:
        content |= _model_files(model, parsed, report, profile.kind, labels, vector, decoding)
        if compiled is not None:
            content |= _compiled_file(compiled.read_bytes(), report)
    page = html_report(report, inside=inside, profile=profile, provenance=provenance, files=(*content, MANIFEST_FILE))
    content[PAGE_FILE] = page.encode()
    manifest = Manifest(
        schema_version=1,
        edgekit_version=report.edgekit_version,
        device=report.device,
        outcome=report.outcome,
        candidate=report.chosen.candidate if report.chosen else None,
        files={name: record(data) for name, data in sorted(content.items())},
        provenance=provenance,
    )
    replace_files(folder, content, last=(MANIFEST_FILE, to_json(manifest).encode()))
    return None if artifact is None else folder / MODEL_FILE


def _model_files(
    model: bytes,
    parsed: TfliteModel | None,
    report: Report,
    kind: str,
    labels: tuple[str, ...],
    vector: TestVector | None,
    decoding: Decoding | None,
) -> dict[str, bytes]:
    """The model, and the files that go with it on a device of this kind."""
    chosen = report.chosen
    if chosen is None or chosen.sha256 != hashlib.sha256(model).hexdigest():
        raise ValueError("the report is not of this artifact")
    files = {MODEL_FILE: model}
    if labels:
        files[LABELS_FILE] = "".join(f"{' '.join(label.split())}\n" for label in labels).encode()
    if kind in ("linux", "android"):
        script = inference_script(chosen, device=report.device, labels=len(labels), decoding=decoding)
        return {**files, "inference.py": script.encode()}
    if kind == "microcontroller":
        if parsed is None:
            raise ValueError("a firmware registers the operators of its model, which nobody read")
        firmware = firmware_files(model, parsed, chosen, device=report.device, vector=vector)
        return files | {name: text.encode() for name, text in firmware.items()}
    return files


def _compiled_file(content: bytes, report: Report) -> dict[str, bytes]:
    """The file that the NPU runs, beside the one it was compiled from."""
    found = report.chosen.compiled if report.chosen else None
    if found is None or found.sha256 != hashlib.sha256(content).hexdigest():
        raise ValueError("the report is not of this compiled file")
    return {COMPILED_FILE: content}
