"""Puts a file's inputs and outputs into the order of the Keras model, which the converter does not keep.

Code that feeds the file by position (a script, a microcontroller, `edgekit check`) then feeds the right input. Only the
two lists of tensor numbers are rewritten in place; the file keeps its length and computes the same.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from edgekit.tflite.flatbuffer import FlatBuffer
from edgekit.tflite.reader import parse_tflite
from edgekit.tflite.schema import ModelField, SubGraphField


def order_ports(content: bytes, inputs: Sequence[str], outputs: Sequence[str]) -> bytes:
    """The file with its inputs and outputs in the given order; the names are those of its signature.

    A file whose signature does not have exactly these names is unchanged.
    """
    model = parse_tflite(content, where="the converted model")
    main = FlatBuffer(content, "the converted model").root("model").tables(ModelField.SUBGRAPHS)[0]
    patched = bytearray(content)
    for signature in model.signatures[:1]:
        sides = ((inputs, signature.inputs, SubGraphField.INPUTS), (outputs, signature.outputs, SubGraphField.OUTPUTS))
        for names, known, field in sides:
            wanted = [known[name] for name in names if name in known]
            if sorted(wanted) == sorted(main.numbers(field, "i")):
                struct.pack_into(f"<{len(wanted)}i", patched, main.start_of(field, 4), *wanted)
    return bytes(patched)
