"""A file under another format's name is told as what it is, by each reader that knows a model by its name."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgekit.errors import ModelError
from edgekit.onnx_file.outline import read_outline
from edgekit.tflite.reader import read_tflite
from edgekit.torch_file.program import require_program

TFLITE = (Path(__file__).parent / "golden" / "int8.tflite").read_bytes()
READERS = {
    "net.onnx": read_outline,
    "net.pt2": lambda path: require_program(path, trust=False),
    "net.tflite": read_tflite,
}
CONTENTS = {
    "a .tflite file": TFLITE,
    "a zip archive": b"PK\x03\x04" + bytes(40),
    "an HDF5 file": b"\x89HDF\r\n\x1a\n" + bytes(40),
    "a pickle": b"\x80\x02}q\x00." + bytes(40),
    "an empty file": b"",
}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (name, words)
        for name in READERS
        for words in CONTENTS
        if (name, words) not in {("net.tflite", "a .tflite file"), ("net.pt2", "a zip archive")}
    ],
)
def test_a_file_under_another_name(tmp_path, name, words):
    path = tmp_path / name
    path.write_bytes(CONTENTS[words])
    with pytest.raises(ModelError, match=r"not (an|a) ") as caught:
        READERS[name](path)
    assert str(caught.value.received).startswith(words) and caught.value.exit_code == 2
