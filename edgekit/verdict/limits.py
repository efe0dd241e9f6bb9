"""The limits of one device, and who set each: the user, the board, or a default of its profile that nobody asked for.

Who set a limit decides what exceeding it means: a user's or a board's limit decides; a default warns.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from edgekit.devices.profile import DeviceProfile, board_limits, default_limits
from edgekit.values import Value

Origin = Literal["user", "board", "default"]


class Limit(Value):
    """The largest value allowed of a metric (bytes, milliseconds, points), and who set it."""

    value: float
    origin: Origin

    @property
    def decides(self) -> bool:
        """Whether a file that exceeds it fails; exceeding a default only warns."""
        return self.origin != "default"


class Limits(Value):
    """The limits in force by metric name: those that decide, and the defaults beside them.

    A user's limit on a metric replaces the board's limit and the default.
    """

    deciding: dict[str, Limit] = {}
    defaults: dict[str, Limit] = {}

    @property
    def values(self) -> dict[str, float]:
        """The values of the limits that decide."""
        return {name: limit.value for name, limit in self.deciding.items()}

    @property
    def default_values(self) -> dict[str, float]:
        """The values of the defaults, which warn."""
        return {name: limit.value for name, limit in self.defaults.items()}


def user_limits(given: Mapping[str, float | None]) -> Limits:
    """Limits that the user gave, by metric name; None is as if it were not given."""
    known = {name: value for name, value in given.items() if value is not None}
    return Limits(deciding={name: Limit(value=value, origin="user") for name, value in known.items()})


def limits_of(profile: DeviceProfile, given: Mapping[str, float | None]) -> Limits:
    """The limits of a device, and those that the user gave, by metric name; None counts as not given.

    >>> from edgekit.devices.profile import load_profile
    >>> found = limits_of(load_profile("nano-33-ble"), {"flash": 20_000.0})
    >>> {name: (limit.value, limit.origin) for name, limit in found.deciding.items()}
    {'flash': (20000.0, 'user'), 'ram': (131072.0, 'board')}
    >>> found.default_values
    {'latency': 1000.0}
    """
    user = user_limits(given).deciding
    board = {name: Limit(value=value, origin="board") for name, value in board_limits(profile).items()}
    return Limits(
        deciding={**board, **user},
        defaults={
            name: Limit(value=value, origin="default")
            for name, value in default_limits(profile).items()
            if name not in user
        },
    )
