"""What converters write about a file: its description, and the metadata that no runtime reads.

Only metadata that are known to be read by nobody go. Others steer a runtime (the order of operators, offsets in a
microcontroller's arena, reduced precision) or an application (TFLITE_METADATA: labels, normalization).
"""

from __future__ import annotations

from edgekit.tflite.flat.tree import Table

UNREAD = (b"min_runtime_version", b"CONVERSION_METADATA")


def without_notes(root: Table) -> Table:
    """The model without description and the metadata of `UNREAD`; their buffers stay, and are then unused."""
    kept = tuple(note for note in root.tables("metadata") if note.fields.get("name") not in UNREAD)
    return root.with_fields(description=None, metadata=kept or None)


def kept_notes(root: Table) -> tuple[str, ...]:
    """The names of the metadata that stay."""
    names = (note.fields.get("name", b"") for note in root.tables("metadata"))
    return tuple(name.decode(errors="replace") for name in names if name not in UNREAD)
