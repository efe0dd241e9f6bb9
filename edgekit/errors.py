"""Every fatal error of edgekit, each with its exit code and a message in parts.

    EdgekitError
    ├── InputError          2   what the user gave is wrong
    │   ├── ModelError          the model's file, function or object
    │   │   └── RefusedOperators    operators of an ONNX model that cannot be expressed, all at once
    │   ├── DataError           the data's file, folder, function or object
    │   ├── ProjectError        edgekit.toml or an option that overrides it
    │   ├── ProfileError        a device profile, or an id that names none
    │   ├── TrustError          code inside a file, without --trust
    │   └── OutputError         the place to write to: no space, no permission
    ├── LockError           1   the present state, or the result, differs from edgekit.lock
    ├── MissingExtraError   3   something that is needed is not installed, or cannot be started
    ├── DeviceError         4   the device cannot be reached
    │   └── ClusterError        the scheduler of a cluster, or all of its workers, cannot be reached
    └── InterruptedBuild  130   the user stopped it

An expected outcome (a model does not fit, a trial failed) is a value and never one of these.
"""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any


class EdgekitError(Exception):
    """A fatal error: what is wrong, where, what was received, what is allowed, what to do next.

    In a build of several devices, `finished` are the results of the devices that were built, and `failed` the
    errors of the others by device.
    """

    exit_code = 2
    finished: tuple[Any, ...] = ()
    failed: Mapping[str, EdgekitError] = MappingProxyType({})

    def __init__(
        self,
        what: str,
        *,
        where: str | None = None,
        received: object = None,
        allowed: str | None = None,
        next_step: str | None = None,
    ) -> None:
        self.what = what
        self.where = where
        self.received = None if received is None else str(received)
        self.allowed = allowed
        self.next_step = next_step
        super().__init__(what)

    def parts(self) -> dict[str, str]:
        """The parts that were given, in the order they are shown."""
        named = {
            "what": self.what,
            "where": self.where,
            "received": self.received,
            "allowed": self.allowed,
            "next": self.next_step,
        }
        return {name: _shown(text) for name, text in named.items() if text is not None}

    def __str__(self) -> str:
        lines = [_shown(self.what)]
        lines += [f"  {name}: {text}" for name, text in self.parts().items() if name != "what"]
        return "\n".join(lines)


def _shown(text: str) -> str:
    """A text whose control characters, which a terminal would obey, are written out.

    >>> _shown("a" + chr(27) + "[2J" + chr(0)), _shown("two\\nlines")
    ('a\\\\x1b[2J\\\\x00', 'two\\nlines')
    """
    return "".join(repr(one)[1:-1] if unicodedata.category(one) == "Cc" and one not in "\n\t" else one for one in text)


class InputError(EdgekitError):
    """What the user gave is wrong."""


class ModelError(InputError):
    """The model cannot be read, rebuilt or used."""


class RefusedOperators(ModelError):
    """Operators of an ONNX model that no Keras layer and no operator of TFLite can express."""


class DataError(InputError):
    """The data cannot be read, or does not match the model."""


class ProjectError(InputError):
    """edgekit.toml, or an option that overrides it, is wrong."""


class ProfileError(InputError):
    """A device profile is wrong, or an id names none."""


class TrustError(InputError):
    """A file contains code and the user did not give --trust."""


class OutputError(InputError):
    """The output or the cache cannot be written."""


class LockError(EdgekitError):
    """The present state, or the result of a build, differs from `edgekit.lock`; `differences` lists how."""

    exit_code = 1
    differences: tuple[Any, ...] = ()


class MissingExtraError(EdgekitError):
    """Something that is needed is not installed, or cannot be started."""

    exit_code = 3


class DeviceError(EdgekitError):
    """The device cannot be reached."""

    exit_code = 4


class ClusterError(DeviceError):
    """The scheduler for the jobs cannot be reached, or no worker is left."""


class InterruptedBuild(EdgekitError):
    """The user stopped the run."""

    exit_code = 130


KINDS = {
    kind.__name__: kind
    for kind in (
        InputError, ModelError, RefusedOperators, DataError, ProjectError, ProfileError, TrustError, OutputError,
        LockError, MissingExtraError, DeviceError, ClusterError, InterruptedBuild,
    )
}  # fmt: skip


def from_parts(kind: str, parts: dict[str, str]) -> EdgekitError:
    """The error that another process described by its class name and `parts()`."""
    return KINDS.get(kind, InputError)(
        parts.get("what", "unknown error"),
        where=parts.get("where"),
        received=parts.get("received"),
        allowed=parts.get("allowed"),
        next_step=parts.get("next"),
    )


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """The known word nearest to `word`, or None if none is near.

    >>> did_you_mean("rpi5", ["rpi4", "host"])
    'rpi4'
    """
    by_lower = {name.lower(): name for name in known}
    near = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.5)
    return by_lower[near[0]] if near else None
