"""What the converter's errors mean: the operation that TFLite has no operator or no kernel for, instead of the compiler's own message."""

from __future__ import annotations

import re

NO_LOOPS = "there is no recurrent layer whose loop could be unrolled"
_UNSUPPORTED = re.compile(r"'(tf\.\w+)' op is neither a custom op nor a flex op")
_NO_KERNEL = re.compile(r"Quantization to (\w+)-bit not yet supported for op: '(\w+)'")
_INTEGERS = re.compile(
    r"Max and min for dynamic tensors should be recorded during calibration: Failed for tensor (\S+)"
)
_COMPILER = re.compile(r"^(loc\(.*\)|(?:<[^>\n]*>|\S*?)(?::\d+)+): error: (.+)$", re.MULTILINE)
_QUOTED = re.compile(r'"([^"]*)"')
WITHOUT_KERNEL = "has no kernel for"
_NEXT = "write the layer with others, or do its work before the model"


def plain(reason: str) -> str:
    """A failure of the converter by its cause, if it names operations that it cannot convert; else unchanged.

    >>> plain("error: 'tf.DenseBincount' op is neither a custom op nor a flex op").split(":")[0]
    'TFLite has no operator for tf.DenseBincount, which a layer computes with'
    >>> plain("Quantization to 16x8-bit not yet supported for op: 'GREATER'.").split(":")[0]
    '16x8 has no kernel for GREATER, which a layer computes with'
    """
    names = list(dict.fromkeys(_UNSUPPORTED.findall(reason)))
    if names:
        return f"TFLite has no operator for {', '.join(names)}, which a layer computes with: {_NEXT}"
    lacking = _NO_KERNEL.search(reason)
    if lacking:
        return f"{lacking[1]} {WITHOUT_KERNEL} {lacking[2]}, which a layer computes with: {_NEXT}"
    integers = _INTEGERS.search(reason)
    if integers:
        return f"16x8 {WITHOUT_KERNEL} what is computed of the integers in {integers[1]}: {_NEXT}"
    return reason


def compiler_error(written: str) -> str:
    """The first error that the converter's compiler, MLIR, reports in what was written to standard error, and of what; empty without one.

    >>> compiler_error("loc(\\"net/both/concat\\"): error: 'tfl.concatenation' op violates the same scale constraint")
    "the compiler says of net/both/concat: 'tfl.concatenation' op violates the same scale constraint"
    >>> compiler_error("<unknown>:0: error: failed while converting: 'main'")
    "the compiler says: failed while converting: 'main'"
    """
    found = _COMPILER.search(written)
    if found is None:
        return ""
    names = [quoted.partition("@")[0] for quoted in _QUOTED.findall(found[1]) if not quoted.endswith(":")]
    return f"the compiler says{f' of {names[0]}' if names else ''}: {found[2].strip()}"
