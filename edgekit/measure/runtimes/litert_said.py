"""What LiteRT's refusals mean: the cause in the model, instead of the name of a check in the interpreter's code."""

from __future__ import annotations

import re

_BEYOND_INT32 = re.compile(r"no_integer_overflow_from_quantization was not true.*?Node number (\d+) \((\w+)\)")


def plain(reason: str) -> str:
    """A refusal by its cause, if it is known; else unchanged.

    The bounds of an activation in steps of an output must fit into 32 bits (`Quantize` in `tensorflow/lite/kernels/kernel_util.cc`).

    >>> plain("kernel_util.cc:349 no_integer_overflow_from_quantization was not true.Node number 3 (ADD) failed").split(":")[0]
    'operator 3 (ADD) gives only values near 0 in the calibration samples'
    >>> plain("did not get operators")
    'did not get operators'
    """
    found = _BEYOND_INT32.search(reason)
    if found is None:
        return reason
    return (
        f"operator {found[1]} ({found[2]}) gives only values near 0 in the calibration samples: in steps so fine the bound of its activation, "
        "such as the 6 of a ReLU6, exceeds 32 bits; is the model trained, and are the samples scaled as its training data were?"
    )
