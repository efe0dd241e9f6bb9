"""Which transport an address stands for. Each is imported only when needed: a board by ssh needs no emulator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgekit.boards.address import Address

if TYPE_CHECKING:
    from edgekit.boards.transport import Transport
    from edgekit.devices.profile import DeviceProfile


def transport_to(address: Address, profile: DeviceProfile) -> Transport:
    """The way to an address; the profile says which board an emulator stands for."""
    if address.kind == "ssh":
        from edgekit.boards.ssh import Ssh

        return Ssh(address)
    if address.kind == "adb":
        from edgekit.boards.adb import Adb

        return Adb(address)
    if address.kind == "emulator":
        from edgekit.boards.emulator.transport import Emulator

        return Emulator(profile)
    from edgekit.boards.local import Local

    return Local()
