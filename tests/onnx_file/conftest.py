"""Protocol buffers written by hand: no test here needs the package `onnx`."""

from __future__ import annotations

from typing import Any

import pytest

from edgekit.onnx_file.tensor import EXTERNAL


class Written:
    """The messages of onnx.proto, as bytes; a message is a list of (field number, value)."""

    def message(self, *parts: tuple[int, Any]) -> bytes:
        return b"".join(self._field(number, value) for number, value in parts)

    def _field(self, number: int, value: Any) -> bytes:
        if isinstance(value, int):
            return self._varint(number << 3) + self._varint(value % 2**64)
        content = value.encode() if isinstance(value, str) else value
        return self._varint(number << 3 | 2) + self._varint(len(content)) + content

    def _varint(self, value: int) -> bytes:
        found = b""
        while value > 0x7F:
            found, value = found + bytes([value & 0x7F | 0x80]), value >> 7
        return found + bytes([value])

    def port(self, name: str, *sizes: int | str) -> bytes:
        dims = [(1, self.message((1 if isinstance(size, int) else 2, size))) for size in sizes]
        kind = self.message((1, 1), (2, self.message(*dims)))
        return self.message((1, name), (2, self.message((1, kind))))

    def tensor(self, name: str, *dims: int, raw: bytes | None = None, **entries: str) -> bytes:
        parts: list[tuple[int, Any]] = [*((1, size) for size in dims), (2, 1), (8, name)]
        parts += [] if raw is None else [(9, raw)]
        parts += [(13, self.message((1, key), (2, value))) for key, value in entries.items()]
        return self.message(*parts, *([(14, EXTERNAL)] if entries else []))

    def node(self, kind: str, *attributes: bytes, domain: str = "") -> bytes:
        return self.message((4, kind), (7, domain), *((5, one) for one in attributes))

    def graph(self, *parts: tuple[int, Any]) -> bytes:
        return self.message((1, self.node("Relu")), *parts)

    def model(self, *parts: tuple[int, Any], more: tuple[tuple[int, Any], ...] = ()) -> bytes:
        return self.message((1, 8), (2, "writer"), (7, self.graph(*parts)), (8, self.message((2, 17))), *more)


@pytest.fixture
def written() -> Written:
    return Written()
