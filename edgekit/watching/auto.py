"""`progress="auto"`: API functions show their progress on the terminal or in the notebook that calls them."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, Literal, ParamSpec, TypeVar

from edgekit.documents.events import no_event
from edgekit.documents.views import views
from edgekit.errors import InputError
from edgekit.watching.hooks import together

Auto = Literal["auto"]
AUTO: Auto = "auto"
P = ParamSpec("P")
R = TypeVar("R")


def shows_progress(function: Callable[P, R]) -> Callable[P, R]:
    """A function whose `progress` may be 'auto'; if it has `on_event`, the display gets its events too.

    Raises `InputError` for a `progress` that is neither 'auto' nor callable.
    """
    has_events = "on_event" in inspect.signature(function).parameters

    @functools.wraps(function)
    def shown(*arguments: P.args, **options: P.kwargs) -> R:
        given: dict[str, Any] = options
        progress = given.get("progress")
        if progress != AUTO:
            _require_callable(progress)
            return function(*arguments, **options)
        with views().showing() as display:
            given["progress"] = display.progress
            if has_events:
                given["on_event"] = together(display.on_event, given.get("on_event", no_event))
            return function(*arguments, **options)

    return shown


def _require_callable(progress: Any) -> None:
    if progress is not None and not callable(progress):
        raise InputError(
            "not a progress",
            where="progress",
            received=repr(progress)[:80],
            allowed="'auto', or a function of (phase, done, total)",
        )
