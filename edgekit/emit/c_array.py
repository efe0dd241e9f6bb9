"""The model as a C++ array for microcontrollers: aligned, constant, named, with what its caller must know.

The header also compiles as C. It knows the notation, and not how the model was made.
"""

from __future__ import annotations

import hashlib

from edgekit.documents.facts import held_words
from edgekit.documents.report import Chosen, InputFacts
from edgekit.emit.inference import describe

# Flatbuffers are read in place, so TFLM needs the model aligned to 16 bytes (its examples use alignas(16)).
ALIGNMENT_BYTES = 16
_BYTES_A_LINE = 16

_HEADER = """\
{comment}#ifndef EDGEKIT_MODEL_DATA_H_
#define EDGEKIT_MODEL_DATA_H_

{defines}
#ifdef __cplusplus
extern "C" {{
#endif

extern const unsigned char edgekit_model[];
extern const unsigned int edgekit_model_len;

#ifdef __cplusplus
}}
#endif

#endif  // EDGEKIT_MODEL_DATA_H_
"""

_SOURCE = """\
#include "model_data.h"

alignas({alignment}) const unsigned char edgekit_model[] = {{
{rows}
}};
const unsigned int edgekit_model_len = {length};
"""


def c_source(model: bytes) -> str:
    """The text of `model_data.cc` (C++11).

    >>> "0x01, 0xff," in c_source(bytes([1, 255]))
    True
    """
    rows = (model[start : start + _BYTES_A_LINE] for start in range(0, len(model), _BYTES_A_LINE))
    text = "\n".join("    " + " ".join(f"0x{byte:02x}," for byte in row) for row in rows)
    return _SOURCE.format(alignment=ALIGNMENT_BYTES, rows=text, length=len(model))


def c_header(model: bytes, chosen: Chosen, *, device: str) -> str:
    """The text of `model_data.h` (C and C++): the array, its length, the arena, scales and zero points."""
    lines = [
        f"{chosen.candidate} for {device}: {len(model)} bytes, SHA-256 {hashlib.sha256(model).hexdigest()}",
        *(f"input {index}: {describe(facts)}" for index, facts in enumerate(chosen.inputs)),
        *(f"output {index}: {describe(facts)}" for index, facts in enumerate(chosen.outputs)),
        *held_words(chosen.held),
    ]
    defines = _arena(chosen)
    for kind, tensors in (("INPUT", chosen.inputs), ("OUTPUT", chosen.outputs)):
        for index, facts in enumerate(tensors):
            defines += _quantization(f"EDGEKIT_MODEL_{kind}_{index}", facts)
    comment = "".join(f"// {one_line(line)}\n" for line in lines)
    return _HEADER.format(comment=comment, defines="".join(f"{define}\n" for define in defines))


def _arena(chosen: Chosen) -> list[str]:
    ram = chosen.metrics.get("ram")
    if ram is None or ram.value is None:
        return []
    defines = [f"// {ram.basis}: {one_line(ram.source)}", f"#define EDGEKIT_MODEL_ARENA_BYTES {round(ram.value)}"]
    margin = chosen.metrics.get("ram_margin")
    if margin is None or margin.value is None:
        return [*defines, "#define EDGEKIT_MODEL_ARENA_MARGIN_BYTES 0"]
    return [
        *defines,
        f"// {margin.basis}: {one_line(margin.source)}",
        f"#define EDGEKIT_MODEL_ARENA_MARGIN_BYTES {round(margin.value)}",
    ]


def _quantization(prefix: str, facts: InputFacts) -> list[str]:
    if not facts.scale:
        return []
    return [f"#define {prefix}_SCALE {facts.scale!r}", f"#define {prefix}_ZERO_POINT ({facts.zero_point or 0})"]


def one_line(text: str) -> str:
    r"""Text that stays within a `//` comment: one line, and nothing at its end that continues it on the next one.

    That is a backslash, with or without spaces behind it, and the trigraph that stands for one in C and older C++. What
    is invisible, such as a character that changes the direction of writing, becomes a question mark.

    >>> one_line("C:\\ \\"), one_line("what??/"), one_line("a*/\nb")
    ('C:', 'what', 'a*/ b')
    """
    plain = "".join(letter if letter.isprintable() else "?" for letter in " ".join(text.split()))
    while plain.endswith(("\\", "??/", " ")):
        plain = plain.removesuffix("\\").removesuffix("??/").rstrip()
    return plain
