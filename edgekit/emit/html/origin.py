"""The page's part on what a result was made of: the file's inputs and outputs, versions, hashes, the sizes of the splits."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import quote

from edgekit.documents.report import Chosen, InputFacts, Report
from edgekit.emit.inference import shifted
from edgekit.emit.manifest import Provenance
from edgekit.values import Value
from edgekit.verdict.phrases import steps_text


class Port(Value):
    """An input or output of the file."""

    role: str
    name: str
    dtype: str
    shape: str
    span: str
    quantization: str


class Fact(Value):
    """A name and a text about it; `code` if the text is for copying rather than reading."""

    name: str
    text: str
    code: bool = False


class Link(Value):
    """A file of the result, and the link to it from the page."""

    name: str
    way: str


FIRST = ("model.tflite", "model_vela.tflite", "inference.py", "labels.txt", "report.json", "plan.json", "manifest.json")
_PLAIN = re.compile(r"\w[\w.-]{0,80}")


def links(files: Sequence[str], folder: str) -> tuple[Link, ...]:
    """The files of a result, the most wanted first; names that are not plain file names are left out."""
    known = [name for name in dict.fromkeys(files) if _PLAIN.fullmatch(name)]
    order = sorted(known, key=lambda name: (FIRST.index(name) if name in FIRST else len(FIRST), name))
    return tuple(Link(name=name, way=quote(f"{folder}{name}")) for name in order)


def ports(chosen: Chosen | None) -> tuple[Port, ...]:
    """What the device feeds the file, and what it gets back."""
    if chosen is None:
        return ()
    sides = (("input", chosen.inputs), ("output", chosen.outputs))
    return tuple(_port(f"{side} {index}", facts) for side, found in sides for index, facts in enumerate(found))


def _port(role: str, facts: InputFacts) -> Port:
    span = f"{facts.low:g} to {facts.high:g}" if facts.low is not None and facts.high is not None else ""
    return Port(
        role=role,
        name=facts.name,
        dtype=facts.dtype,
        shape="×".join(map(str, facts.shape)) or "scalar",
        span=span,
        quantization=f"real = {shifted(facts.zero_point or 0)} × {facts.scale:.6g}" if facts.scale else "none",
    )


def made_by(chosen: Chosen | None) -> str:
    """The steps that made the file."""
    return steps_text(chosen.steps) if chosen else ""


def data_facts(report: Report) -> tuple[Fact, ...]:
    """The sizes of the splits and the settings of the training, as far as the report has them."""
    facts = []
    samples = report.data.get("samples")
    if isinstance(samples, dict):
        facts.append(Fact(name="samples", text=", ".join(f"{number} {split}" for split, number in samples.items())))
    for key, words in (
        ("selection", "chosen on"),
        ("verdict", "judged on"),
        ("metric", "metric"),
        ("direction", "better is"),
        ("currency", "made small"),
        ("loss", "loss"),
        ("keras_rebuilt_error", "error of the rebuilt model"),
    ):
        value = report.data.get(key)
        if isinstance(value, str | int | float) and value != "":
            facts.append(Fact(name=words, text=f"{value:g}" if isinstance(value, float) else str(value)))
    return tuple(facts)


def hashes(report: Report, provenance: Provenance | None) -> tuple[Fact, ...]:
    """SHA-256 of the files and of what they were made of."""
    found = [("model.tflite", report.chosen.sha256)] if report.chosen else []
    found += [("baseline", report.baseline.sha256)] if report.baseline and report.baseline.sha256 else []
    found += list(provenance.inputs.items()) if provenance else []
    return tuple(Fact(name=name, text=text, code=True) for name, text in found if text)


def provenance_facts(report: Report, provenance: Provenance | None) -> tuple[Fact, ...]:
    """Versions, seed and processor; without provenance only the version that wrote the report."""
    facts = [Fact(name="edgekit", text=report.edgekit_version)] if report.edgekit_version else []
    if provenance is None:
        return tuple(facts)
    source = provenance.versions.get("edgekit", "")
    facts = [Fact(name="edgekit", text=", source ".join(part for part in (report.edgekit_version, source) if part))]
    facts += [Fact(name=name, text=text) for name, text in provenance.versions.items() if name != "edgekit"]
    facts.append(Fact(name="seed", text=str(provenance.seed)))
    facts.append(Fact(name="processor", text=provenance.processor))
    cut = f"yes; not tried: {', '.join(provenance.not_tried) or 'nothing'}" if provenance.time_cut_search else "no"
    facts.append(Fact(name="cut short by time", text=cut))
    return tuple(facts)
