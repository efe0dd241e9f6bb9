"""A device profile: what a device has, which number formats and operators it runs, what an inference costs on it.

It holds the validated value (bytes, milliseconds, hertz), whose tables are in `edgekit.devices.profile_tables`, and its reading:
from a TOML file of the user's, or from a bundled one, which the user's own overlay may change. It knows nothing about models, nor
how costs are computed from its coefficients.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import msgspec

from edgekit.devices.bundled import bundled_path, identities, profile_ids
from edgekit.devices.names import meant, suggestion
from edgekit.devices.overlay import laid_over, overlay_path
from edgekit.devices.profile_checks import check_memory, check_npu, check_operators, check_rates
from edgekit.devices.profile_file import ProfileFile
from edgekit.devices.profile_resolve import resolve
from edgekit.devices.profile_tables import Budget, Compute, Cost, Memory, Npu, Numerics, Quantity, Runtime
from edgekit.devices.profile_text import tables_of, text_of
from edgekit.errors import ProfileError
from edgekit.values import Value, read

# A profile that reads processor and memory live describes the machine that reads them, whatever its id.
THIS_MACHINE = ("compute.cores", "memory.ram")


class DeviceProfile(Value):
    """All that edgekit knows of a device."""

    schema_version: Literal[1]
    id: str
    name: str
    kind: Literal["linux", "android", "microcontroller", "npu"] = msgspec.field(name="class")
    summary: str
    sources: dict[str, str]
    memory: Memory
    compute: Compute
    numerics: Numerics
    runtime: Runtime
    cost: Cost
    aliases: tuple[str, ...] = ()
    budget: Budget = Budget()
    npu: Npu | None = None
    live: tuple[str, ...] = ()
    """Dotted keys of the figures that were read from this machine when the profile was loaded."""
    file: str | None = None
    """The user's own file that the profile was read from; None for a bundled profile."""
    overlay: str | None = None
    """The user's overlay that changed a bundled profile."""

    @property
    def is_this_machine(self) -> bool:
        """Whether the profile describes the machine that edgekit runs on: what is timed here is then timed on the device."""
        return set(THIS_MACHINE) <= set(self.live)

    @property
    def obstacle(self) -> str | None:
        """Why a plain `.tflite` does not run on the device, as far as known; None if nothing prevents it."""
        if self.runtime.kind == "none":
            return f"there is no runtime to be had: {self.runtime.availability}"
        if self.runtime.compiler is not None and not self.is_compiled_here:
            named = self.runtime.compiler
            return f"its NPU runs only what was compiled for it, and edgekit runs no such compiler: {named}"
        return None

    @property
    def is_compiled_here(self) -> bool:
        """Whether edgekit runs the NPU's compiler, which also compresses the weights losslessly: zeros then take less space."""
        return self.npu is not None and self.npu.compiler == "vela"


def profile_from_toml(text: str, file: str) -> DeviceProfile:
    """The profile that the text of a TOML file describes; `file` names it in messages.

    Raises `ProfileError` for text that is not TOML, a key that is unknown or missing, a wrong unit or type, a source
    that is not in `[sources]`, a value outside its own interval, more memory for a model than the board has, a native format without a rate, a runtime without
    its operators, or 'live' for a figure that cannot be read.
    """
    return _profile(tables_of(text, file), file)


def _profile(raw: dict[str, Any], file: str) -> DeviceProfile:
    found = read(raw, ProfileFile, where=file, error=ProfileError)
    profile = read(resolve(found, file), DeviceProfile, where=file, error=ProfileError)
    check_memory(profile.memory, profile.budget, file)
    check_rates(profile.numerics, profile.cost.rates, file)
    check_operators(profile.runtime, file)
    check_npu(profile.npu, profile.runtime, profile.kind, file)
    return profile


def load_profile(id_or_path: str | Path) -> DeviceProfile:
    """The profile for an id, an alias, the device's name in any spelling, or a path to a `.toml` file.

    A bundled profile is changed by the user's overlay, if there is one (`edgekit.devices.overlay`).
    Raises `ProfileError` for a name that means no device or several (with the nearest), a file that cannot be read, an
    overlay of another device, and all that `profile_from_toml` raises.
    """
    text = str(id_or_path)
    if isinstance(id_or_path, Path) or text.endswith(".toml") or "/" in text:
        path = Path(id_or_path)
        return msgspec.structs.replace(profile_from_toml(text_of(path), str(path)), file=str(path.resolve()))
    if text in profile_ids():
        return _load_bundled(text)
    devices = identities()
    found = meant(text, devices)
    if found.id is not None:
        return _load_bundled(found.id)
    raise ProfileError(
        f"{text!r} may be any of several devices" if found.is_ambiguous else f"no device {text!r}",
        where="--device",
        received=text,
        allowed=f"{', '.join(profile_ids())}, the name of one of them, or a path to a .toml file",
        next_step=suggestion(found.near, devices),
    )


def _load_bundled(name: str) -> DeviceProfile:
    """A bundled profile, changed by the user's overlay if there is one."""
    path, over = bundled_path(name), overlay_path(name)
    raw = tables_of(text_of(path), str(path))
    if not over.exists():
        return _profile(raw, str(path))
    merged = laid_over(raw, tables_of(text_of(over), str(over)), where=str(over))
    return msgspec.structs.replace(_profile(merged, f"{name} with {over}"), overlay=str(over))


def list_profiles() -> tuple[DeviceProfile, ...]:
    """All bundled profiles, by id."""
    return tuple(load_profile(name) for name in profile_ids())


def limits(profile: DeviceProfile) -> dict[str, Quantity]:
    """What the profile says about each limit (`flash`, `ram` in bytes, `latency` in ms): the default, else what the board has."""
    budget, memory = profile.budget, profile.memory
    known = {
        "flash": budget.flash or memory.flash_for_model,
        "ram": budget.ram or memory.ram_for_model,
        "latency": budget.latency,
    }
    return {name: quantity for name, quantity in known.items() if quantity is not None and quantity.value is not None}


def board_limits(profile: DeviceProfile) -> dict[str, float]:
    """How much of the board's memory one model may use, in bytes by metric name; no entry if the device sets no limit."""
    return _values({"flash": profile.memory.flash_for_model, "ram": profile.memory.ram_for_model})


def default_limits(profile: DeviceProfile) -> dict[str, float]:
    """The profile's `[budget]` by metric name, in milliseconds and bytes: what is usually expected of such a device."""
    budget = profile.budget
    return _values({"flash": budget.flash, "ram": budget.ram, "latency": budget.latency})


def _values(known: dict[str, Quantity | None]) -> dict[str, float]:
    return {name: found.value for name, found in known.items() if found is not None and found.value is not None}
