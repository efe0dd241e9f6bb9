"""The loss that a model was compiled with, as a name; and a name as a tf_keras loss.

Names are Keras's own, with `_from_logits` after them where the model's output is not a probability.
"""

from __future__ import annotations

import re
from typing import Any

from edgekit.errors import ProjectError, did_you_mean
from edgekit.workshop.door import Door

FROM_LOGITS = "_from_logits"
_SHORT = {"mse": "mean_squared_error", "mae": "mean_absolute_error", "kld": "kl_divergence"}


def compiled_loss(loss: Any) -> str | None:
    """The name of a compiled loss: a name, a function, an object or its serialized form; None where it has none."""
    if isinstance(loss, list | tuple) and len(loss) == 1:
        loss = loss[0]
    if isinstance(loss, str):
        return _SHORT.get(loss, loss if loss.islower() else _snake(loss))
    if isinstance(loss, dict) and isinstance(loss.get("class_name"), str):
        if loss["class_name"] == "function":
            return compiled_loss(loss.get("config"))
        config = loss.get("config")
        logits = isinstance(config, dict) and bool(config.get("from_logits"))
        return _snake(loss["class_name"]) + (FROM_LOGITS if logits else "")
    if hasattr(loss, "get_config") and not isinstance(loss, dict):
        return _snake(type(loss).__name__) + (FROM_LOGITS if loss.get_config().get("from_logits") else "")
    return getattr(loss, "__name__", None)


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def make_loss(tools: Door, name: str) -> Any:
    """The tf_keras loss of a name; raises `ProjectError` where there is none."""
    plain, logits = name.removesuffix(FROM_LOGITS), name.endswith(FROM_LOGITS)
    plain = _SHORT.get(plain, plain)
    classes = {_snake(kind): kind for kind in dir(tools.keras.losses) if kind[0].isupper()}
    if plain not in classes:
        near = did_you_mean(plain, classes)
        raise ProjectError(
            "unknown loss", where="training.loss", received=name, allowed=", ".join(sorted(classes)),
            next_step=f"did you mean {near!r}?" if near else None,
        )  # fmt: skip
    kind = getattr(tools.keras.losses, classes[plain])
    return kind(from_logits=True) if logits else kind()
