"""What a coding makes of a tensor: the two constants that TFLM_DECODE takes in its place."""

from __future__ import annotations

from edgekit.values import Value


class Coded(Value):
    """The bytes of the stream, and the ancillary data: a head, and tables or values; several tensors may share the latter."""

    stream: bytes
    ancillary: bytes

    @property
    def size_bytes(self) -> int:
        """Bytes of both, as data."""
        return len(self.stream) + len(self.ancillary)
