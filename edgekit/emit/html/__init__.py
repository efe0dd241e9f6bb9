"""The report as a page: one self-contained file, to be read on any screen or printed."""

from __future__ import annotations

from collections.abc import Sequence

from edgekit.devices.profile import DeviceProfile
from edgekit.documents.insides import NO_CANDIDATE, NO_FILE, Insides
from edgekit.documents.report import Chosen, Report
from edgekit.emit.html.accuracy_size import pictures
from edgekit.emit.html.caption import caption, key
from edgekit.emit.html.compiled import CompiledView, compiled
from edgekit.emit.html.decisions import decided
from edgekit.emit.html.figures import BASES
from edgekit.emit.html.judged import checks, comparison, declined, not_asked, sources
from edgekit.emit.html.layers import layers, skyline
from edgekit.emit.html.origin import data_facts, hashes, links, made_by, ports, provenance_facts
from edgekit.emit.html.page import render
from edgekit.emit.html.tried import tried
from edgekit.emit.manifest import Provenance

__all__ = ["html_report"]

WIDE, NARROW = 720.0, 328.0
"""The widths of a picture in CSS pixels: for a page, and for a phone, where a scaled-down picture would be unreadable."""


def html_report(
    report: Report,
    *,
    inside: Insides | None = None,
    profile: DeviceProfile | None = None,
    provenance: Provenance | None = None,
    files: Sequence[str] = (),
    folder: str = "",
) -> str:
    """The page of a report, the same text for the same arguments.

    `inside` is what the chosen `.tflite` consists of (`edgekit.measure.insides`). `profile` is the device's: it gives
    the name and says which limits are the board's. `provenance` is the manifest's. Where one of these is not given, the
    page says that it is not known. `files` are the names of the files in the result's folder, to which the page links.
    `folder` is the path from the page to that folder (empty: the page is in it).
    """
    inside = inside or Insides(reason=NO_CANDIDATE if report.chosen is None else NO_FILE)
    candidates = tried(report)
    return render(
        {
            "report": report,
            "device": profile.name if profile else report.device,
            "bases": BASES,
            "comparison": comparison(report),
            "sources": sources(report),
            "checks": checks(report, profile),
            "not_asked": not_asked(report),
            "tried": candidates,
            "key": key(candidates),
            "caption": caption(report, candidates) if candidates.points else "",
            "pictures": pictures(report, candidates, (WIDE, NARROW)),
            "inside": inside,
            "layers": layers(inside),
            "skylines": [] if inside.is_compiled else _skylines(inside),
            "decided": decided(report, (WIDE, NARROW)),
            "links": links(files, folder),
            "declined": declined(report),
            "compiled": _compiled(report.chosen),
            "ports": ports(report.chosen),
            "made_by": made_by(report.chosen),
            "data_facts": data_facts(report),
            "hashes": hashes(report, provenance),
            "provenance": provenance_facts(report, provenance),
            "is_known": provenance is not None,
        }
    )


def _compiled(chosen: Chosen | None) -> CompiledView | None:
    return None if chosen is None else compiled(chosen.compiled, chosen.metrics.get("latency"))


def _skylines(inside: Insides) -> list[object]:
    if inside.parts is None:
        return []
    held, peak = [row.memory_bytes for row in inside.parts.operators], inside.parts.peak_operator
    found = [skyline(held, peak, width=width, height=height) for width, height in ((WIDE, 200.0), (NARROW, 170.0))]
    return [each for each in found if each is not None]
