"""`edgekit devices`: list the device profiles, or show one with the source of every number."""

from __future__ import annotations

import click

from edgekit.cli import completers, options, output


@click.command("devices", short_help="List the devices, or show one with the source of every number.")
@click.argument("device", metavar="[ID|PATH]", required=False, shell_complete=completers.devices)
@options.common
def command(device: str | None, as_json: bool) -> None:
    """List the devices, or show one with the source of every number.

    With --json it prints a list of profiles, sizes in bytes and durations in milliseconds.
    """
    from edgekit.devices.profile import list_profiles, load_profile

    profiles = list_profiles() if device is None else (load_profile(device),)
    if as_json:
        output.print_json(profiles)
        return
    from edgekit.cli.render.devices import print_device, print_devices

    if device is None:
        print_devices(profiles)
    else:
        print_device(profiles[0])
