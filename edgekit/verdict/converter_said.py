"""What the converter's errors mean: the operation that TFLite has no operator for, instead of the compiler's own message."""

from __future__ import annotations

import re

NO_LOOPS = "there is no recurrent layer whose loop could be unrolled"
_UNSUPPORTED = re.compile(r"'(tf\.\w+)' op is neither a custom op nor a flex op")


def plain(reason: str) -> str:
    """A failure of the converter by its cause, if it names operations that it cannot convert; else unchanged.

    >>> plain("error: 'tf.DenseBincount' op is neither a custom op nor a flex op").split(":")[0]
    'TFLite has no operator for tf.DenseBincount, which a layer computes with'
    """
    names = list(dict.fromkeys(_UNSUPPORTED.findall(reason)))
    if not names:
        return reason
    return (
        f"TFLite has no operator for {', '.join(names)}, which a layer computes with: write the layer with others, "
        "or do its work before the model"
    )
