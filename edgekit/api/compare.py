"""`edgekit compare`: two reports, two `.tflite` files, or one of each, side by side, and rules that fail on a change.

It joins reading the two, comparing figures, operators and weights, and judging the rules; it runs no model and
needs no interpreter.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edgekit.diff.figures import check_changes, metric_changes, notes
from edgekit.diff.gate import parse_rules
from edgekit.diff.gate_verdict import judge, verdict
from edgekit.diff.sides import Opened, open_side
from edgekit.documents.comparison import SCHEMA_VERSION, Comparison, FileChanges

__all__ = ["compare"]


def compare(
    a: str | Path,
    b: str | Path,
    *,
    fail_if: str | Sequence[str] = (),
    junit: str | Path | None = None,
    sarif: str | Path | None = None,
) -> Comparison:
    """Compare B with A; each is a `report.json`, a folder that holds one, or a `.tflite`.

    `fail_if` are rules such as 'accuracy<-0.5pt' or 'flash>+2%' (`docs/compare.md`); a figure that is not known makes
    its rule fail. `junit` and `sarif` are files for the rules' results, written completely or not at all.
    Raises `ModelError` for a file that is not a `.tflite`, `InputError` for a report or a rule that is wrong, `OutputError`
    if a file cannot be written.
    """
    from edgekit.version import __version__

    rules = parse_rules((fail_if,) if isinstance(fail_if, str) else fail_if)
    first, second = open_side(Path(a)), open_side(Path(b))
    metrics = metric_changes(first, second)
    results = judge(rules, metrics, second.side)
    file, reason = _file_changes(first, second)
    found = Comparison(
        schema_version=SCHEMA_VERSION,
        edgekit_version=__version__,
        outcome=verdict(results),
        a=first.side,
        b=second.side,
        rules=results,
        metrics=metrics,
        checks=check_changes(first, second),
        file=file,
        file_reason=reason,
        notes=notes(first, second),
    )
    _write(found, junit, sarif)
    return found


def _file_changes(first: Opened, second: Opened) -> tuple[FileChanges | None, str]:
    """The two files compared operator by operator, or why they are not."""
    if first.model is None or second.model is None:
        named = (("A", first), ("B", second))
        return None, "; ".join(f"{name}: {each.side.model_reason}" for name, each in named if each.model is None)
    from edgekit.diff.files import file_changes  # loads numpy

    return file_changes(first.model, second.model), ""


def _write(found: Comparison, junit: str | Path | None, sarif: str | Path | None) -> None:
    if junit is None and sarif is None:
        return
    from edgekit.diff.gate_files import write_gate_files

    write_gate_files(found, junit=None if junit is None else Path(junit), sarif=None if sarif is None else Path(sarif))
