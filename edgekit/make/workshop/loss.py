"""The losses that a model was compiled with, as text; and a tf_keras loss made from such a text.

The text is Keras's own name, with `_from_logits` after it if the output is a logit, and JSON of the settings
that differ from the defaults, as in 'huber {"delta": 5.0}'. A loss that tf_keras does not know (a user's own) is None.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Sequence
from typing import Any

from edgekit.errors import ProjectError, did_you_mean
from edgekit.make.workshop.door import Door, door
from edgekit.progress import Progress
from edgekit.verdict.losses import FROM_LOGITS, SHORT, plain_name

# Settings of tf_keras's losses that change what is computed, with their defaults.
_SETTINGS = {"label_smoothing": 0.0, "delta": 1.0, "alpha": 0.25, "gamma": 2.0, "ignore_class": None}


def compiled_losses(tools: Door, loss: Any, outputs: Sequence[str]) -> tuple[str | None, ...]:
    """The loss that a model was compiled with, one text for each output; given as one for all, a list, or a mapping by output name."""
    if isinstance(loss, dict) and "class_name" not in loss:
        found = [loss.get(name) for name in outputs]
    elif isinstance(loss, list | tuple):
        found = list(loss) if len(loss) == len(outputs) else [None] * len(outputs)
    else:
        found = [loss] * len(outputs)
    return tuple(_text(tools, one) for one in found)


def _text(tools: Door, loss: Any) -> str | None:
    """A loss (a name, function, object or serialized form) as text, if tf_keras can make it again."""
    if hasattr(loss, "get_config") and not isinstance(loss, dict):
        # Keras 3 leaves some settings (Huber's delta) out of the configuration.
        settings = {**loss.get_config(), **(getattr(loss, "_fn_kwargs", None) or {})}
        loss = {"class_name": type(loss).__name__, "config": settings}
    if isinstance(loss, dict) and loss.get("class_name") == "function":
        loss = loss.get("config")
    if isinstance(loss, dict):
        config = loss.get("config")
        text = _with_settings(_snake(str(loss.get("class_name"))), config if isinstance(config, dict) else {})
    else:
        text = str(getattr(loss, "__name__", loss)) if loss is not None else ""
        text = SHORT.get(text, text if text.islower() else _snake(text))
    try:
        make_loss(tools, text)
    except (ProjectError, TypeError, ValueError):
        return None
    return text


def _with_settings(name: str, config: dict[str, Any]) -> str:
    settings = {key: config[key] for key, default in _SETTINGS.items() if config.get(key, default) != default}
    return name + (FROM_LOGITS if config.get("from_logits") else "") + (f" {json.dumps(settings)}" if settings else "")


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def make_loss(tools: Door, text: str) -> Any:
    """The tf_keras loss of a text; raises `ProjectError` if there is none."""
    name, _, settings = text.partition(" ")
    plain, known = plain_name(text), _known(tools)
    if plain not in known:
        near = did_you_mean(plain, known)
        raise ProjectError(
            "unknown loss",
            where="training.loss",
            received=text,
            allowed=", ".join(sorted(known)),
            next_step=f"did you mean {near!r}?" if near else None,
        )
    config = json.loads(settings) if settings else {}
    if name.endswith(FROM_LOGITS):
        config["from_logits"] = True
    return known[plain](**config) if inspect.isclass(known[plain]) else known[plain]


def _known(tools: Door) -> dict[str, Any]:
    """tf_keras's losses by name: its functions, replaced by its classes where they exist, since these take settings."""
    losses = tools.keras.losses
    functions = {
        name: found for name in dir(losses) if name.islower() and inspect.isfunction(found := getattr(losses, name))
    }
    classes = {
        _snake(name): found
        for name in dir(losses)
        if inspect.isclass(found := getattr(losses, name)) and name != "Loss"
    }
    return {**{k: v for k, v in functions.items() if k not in ("get", "serialize", "deserialize")}, **classes}


def check_loss(job: dict[str, Any], progress: Progress) -> Any:
    """The job `check_loss`: raises `ProjectError` if one of `job["losses"]` is unknown."""
    for text in job["losses"]:
        make_loss(door(), text)
    return {}
