"""The events of a build as values: one JSON object each, for whoever watches or records it.

The kinds and their fields are published (`docs/api.md`). How they arise, and where they go, is not known here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from edgekit.documents.report import Metrics
from edgekit.values import Value

EVENTS_VERSION = 1


class Event(Value, tag_field="event"):
    """Something that happened, so many `seconds` after the build began; `event` in JSON says of which kind it is."""

    seconds: float = 0.0

    @property
    def kind(self) -> str:
        """The kind of event, as `event` in JSON.

        >>> Ended(outcome="pass").kind
        'ended'
        """
        return str(self.__struct_config__.tag)


OnEvent = Callable[[Event], None]


class Started(Event, tag="started", kw_only=True):
    """A build began, for these devices; the search of all of them may take `time_budget_s`."""

    schema_version: int = EVENTS_VERSION
    edgekit_version: str
    devices: tuple[str, ...]
    time_budget_s: float
    workers: int


class Opened(Event, tag="opened", kw_only=True):
    """Model and data are there: SHA-256 of both, the size of the model, the samples of each split."""

    model_sha256: str
    data_sha256: str
    parameters: int
    macs: int
    samples: dict[str, int]
    metric: str


class Searching(Event, tag="searching", kw_only=True):
    """The search for a device begins: what may be tried, as far as it is known by now, within which limits."""

    device: str
    name: str
    candidates: tuple[str, ...]
    limits: dict[str, float]


class TrialStarted(Event, tag="trial_started", kw_only=True):
    """A candidate is being made and measured: trial `number` of the `known` so far.

    `left_s` is an estimate of what the search still takes, at most what its time budget leaves, None where nothing of the kind was timed yet.
    """

    device: str
    candidate: str
    number: int
    known: int
    left_s: float | None = None


class TrialFinished(Event, tag="trial_finished", kw_only=True):
    """What came of a candidate, with its figures on the validation split.

    `outcome` is 'pass', 'fail' (a check), 'failed' (no file), 'control', or 'skipped' where the trial was ended since it could not be
    chosen any more, and `reason` says why; `took_s` is the time since the trial began, which the cache makes short.
    """

    device: str
    candidate: str
    number: int
    known: int
    outcome: Literal["pass", "fail", "failed", "control", "skipped"]
    reason: str
    took_s: float
    metrics: Metrics
    left_s: float | None = None


class Best(Event, tag="best", kw_only=True):
    """Another candidate than before is the one that would be chosen now; figures on the validation split."""

    device: str
    candidate: str
    metrics: Metrics


class Judging(Event, tag="judging", kw_only=True):
    """The search has ended: what was chosen is measured on the test split."""

    device: str
    tried: int


class Finished(Event, tag="finished", kw_only=True):
    """A device is done: the verdict, the figures of the chosen file on the test split, and where the files are.

    `paths` has 'folder', 'report', 'page', 'manifest', 'plan', and 'model' where there is one.
    """

    device: str
    outcome: Literal["pass", "fail"]
    summary: str
    candidate: str | None
    metrics: Metrics
    paths: dict[str, str]


class Failed(Event, tag="failed", kw_only=True):
    """A device could not be built, for a reason of its own; the others go on."""

    device: str
    error: str
    message: str


class Ended(Event, tag="ended", kw_only=True):
    """The last event of every build, whatever came of it: 'pass' where every device passed.

    `error` and `message` say what ended it otherwise.
    """

    outcome: Literal["pass", "fail", "error", "interrupted"]
    error: str = ""
    message: str = ""


AnyEvent = Started | Opened | Searching | TrialStarted | TrialFinished | Best | Judging | Finished | Failed | Ended
KINDS: tuple[type[Event], ...] = (
    Started, Opened, Searching, TrialStarted, TrialFinished, Best, Judging, Finished, Failed, Ended,
)  # fmt: skip
"""All kinds, in the order in which they may occur."""


def no_event(event: Event) -> None:
    """The default hook: nothing."""
