"""Findings sent to the caller's progress at once, and the check that `--strict` makes of them."""

from __future__ import annotations

from collections.abc import Sequence

from edgekit.documents.report import Check, Finding
from edgekit.progress import Progress
from edgekit.verdict.wording import FOUND, sentence


def tell(findings: Sequence[Finding], progress: Progress) -> None:
    """Send each finding as a phase that ends at once."""
    for finding in findings:
        progress(f"{FOUND}{finding.name}: {finding.what}. {sentence(finding.advice)}", 1, 1)


def sanity_check(findings: Sequence[Finding] | None) -> Check:
    """The check that `--strict` adds: it passes if nothing was found; None means that there were no data to look at."""
    if findings is None:
        return Check(name="sanity", outcome="not asked", reason="no data was given, so --strict has nothing to look at")
    names = ", ".join(dict.fromkeys(finding.name for finding in findings))
    return Check(
        name="sanity",
        outcome="fail" if findings else "pass",
        limit="no finding",
        value=f"{len(findings)} finding{'s' * (len(findings) != 1)}" if findings else "none",
        basis="measured",
        reason=f"asked for by --strict: {names}" if findings else "",
    )
