"""The evidence that a job took of a model or a file: whether all of it holds, in sentences."""

from __future__ import annotations

from typing import Any

import msgspec

from edgekit.jobs.worker import TrialFailed
from edgekit.techniques.interface import Evidence


def proven(found: list[Any], place: str, seconds: float) -> list[str]:
    """Each piece of evidence as a sentence; raises `TrialFailed` where one does not hold."""
    missing = lacking(found, place)
    if missing:
        raise TrialFailed(missing, seconds=seconds)
    proofs = [msgspec.convert(proof, Evidence) for proof in found]
    return [f"{proof.technique}, {place}: {proof.detail}" for proof in proofs]


def lacking(found: list[Any], place: str) -> str:
    """The first piece of evidence that does not hold, as a sentence; empty where all do."""
    proofs = [msgspec.convert(proof, Evidence) for proof in found]
    return next((f"no proof of {one.technique} {place}: {one.detail}" for one in proofs if not one.holds), "")
