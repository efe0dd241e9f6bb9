"""A device profile: what a device has, which number formats and operators it runs, what an inference costs on it.

It holds the validated value (bytes, milliseconds, hertz), its reading from a TOML file, and the registry, which is
a folder: one file a device, which the user's own overlay may change. It knows nothing about models, nor how costs
are computed from its coefficients.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from edgekit.devices.names import Identity, meant
from edgekit.devices.overlay import laid_over, overlay_path
from edgekit.devices.profile_file import ProfileFile
from edgekit.devices.profile_resolve import resolve
from edgekit.errors import ProfileError
from edgekit.units import format_size
from edgekit.values import Basis, Value, read
from edgekit.version import BESIDE

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Support = Literal["native", "storage", "absent"]
# A profile that reads processor and memory live describes the machine that reads them, whatever its id.
THIS_MACHINE = ("compute.cores", "memory.ram")
MAX_LETTERS = 2**20  # bundled profiles have a few thousand characters
DEFAULT_FOLDERS = tuple(folder / "device_profiles" for folder in BESIDE)


class Quantity(Value):
    """A figure in its base unit: 'B', 'ms', 'Hz', 'MAC/s', 'B/s' or 'cores'.

    `source` is a key of the profile's sources; `low` and `high` bound a figure that is not exact; `value` is None if
    it is not known.
    """

    value: float | None
    unit: str
    basis: Basis
    source: str
    low: float | None = None
    high: float | None = None
    note: str = ""


class Memory(Value):
    """Sizes in bytes; `*_for_model` is what one model may use, None if the device sets no limit of its own."""

    ram: Quantity
    ram_for_model: Quantity
    flash: Quantity | None = None
    flash_for_model: Quantity | None = None
    ram_fast: Quantity | None = None
    ram_slow: Quantity | None = None


class Compute(Value):
    """The processor; `clock` in hertz."""

    cores: Quantity
    clock: Quantity
    core: str
    instruction_set: str
    dot_product: bool
    source: str


class Numerics(Value):
    """Number formats; `input_output` are the dtypes that inputs and outputs may have, the preferred one first."""

    float32: Support
    float16: Support
    int8: Support
    int16x8: Support
    int4_weights: Support
    input_output: tuple[str, ...]
    source: str
    note: str = ""


class Runtime(Value):
    """What runs the model; `operators` names an operator table, `availability` says where the runtime can be had.

    `kind` is 'none' if there is no runtime for the device. `package`, `python`, `wheel` and `architecture` are those in a
    package index: None if it has none, or if the runtime is not a Python package. `compiler` is the program that compiles a
    `.tflite` for the NPU.
    """

    kind: Literal["litert", "tflite_runtime", "tflite_micro", "none"]
    version: str
    threads: int
    availability: str
    source: str
    operators: str | None = None
    delegate: str | None = None
    package: str | None = None
    python: str | None = None
    wheel: str | None = None
    architecture: str | None = None
    compiler: str | None = None


class Npu(Value):
    """What compiles a file for the NPU: 'vela' with its configuration and the NPU's clock in hertz, or 'edgetpu'.

    `cpu_rate` is the rate of int8 operators that stay on the processor.
    """

    compiler: Literal["vela", "edgetpu"]
    source: str
    clock: Quantity | None = None
    accelerator: str | None = None
    system_config: str | None = None
    memory_mode: str | None = None
    cpu_rate: Quantity | None = None


class Budget(Value):
    """Default limits, in milliseconds and bytes: exceeding one gives a warning, unless the user makes it a limit."""

    latency: Quantity | None = None
    flash: Quantity | None = None
    ram: Quantity | None = None


class Rates(Value):
    """Multiply-accumulates a second reached by whole models, all threads together; None if the format is absent."""

    float32: Quantity | None = None
    int8: Quantity | None = None
    int16x8: Quantity | None = None
    dynamic_range: Quantity | None = None


class Cost(Value):
    """Coefficients of the cost models: rates in MAC/s, bandwidth in B/s, overheads in ms, memory in bytes."""

    rates: Rates
    bandwidth: Quantity
    overhead_per_inference: Quantity
    overhead_per_operator: Quantity
    runtime_memory: Quantity


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
    return _profile(_tables(text, file), file)


def _tables(text: str, file: str) -> dict[str, Any]:
    try:
        tables: dict[str, Any] = tomllib.loads(text)
    except (ValueError, RecursionError) as problem:
        raise ProfileError("not a TOML file", where=file, received=str(problem)) from None
    return tables


def _profile(raw: dict[str, Any], file: str) -> DeviceProfile:
    found = read(raw, ProfileFile, where=file, error=ProfileError)
    profile = read(resolve(found, file), DeviceProfile, where=file, error=ProfileError)
    _check_memory(profile, file)
    _check_rates(profile, file)
    _check_operators(profile.runtime, file)
    _check_npu(profile, file)
    return profile


def _check_memory(profile: DeviceProfile, file: str) -> None:
    """A model's share of memory is at most the whole, on the largest board if several sizes are sold."""
    memory, budget = profile.memory, profile.budget
    ram, flash = _largest(memory.ram, memory.ram_slow), _largest(memory.flash)
    parts = {
        "memory.ram_for_model": (memory.ram_for_model, ram, "memory.ram"),
        "memory.ram_fast": (memory.ram_fast, ram, "memory.ram"),
        "memory.flash_for_model": (memory.flash_for_model, flash, "memory.flash"),
        "budget.ram": (budget.ram, ram, "memory.ram"),
        "budget.flash": (budget.flash, flash, "memory.flash"),
    }
    for name, (part, whole, what) in parts.items():
        if part is None or part.value is None or whole is None or 0 < part.value <= whole:
            continue
        raise ProfileError(
            "more memory than the board has" if part.value > whole else "no memory at all",
            where=f"{file}: {name}",
            received=format_size(part.value),
            allowed=f"more than 0, and at most the {format_size(whole)} of {what}",
            next_step=f"correct {name}, or {what} where the board has more",
        )


def _largest(*parts: Quantity | None) -> float | None:
    """The total bytes of one kind of memory on the largest board that is sold; None if not known."""
    known = [part.high or part.value for part in parts if part is not None]
    found = [size for size in known if size is not None]
    return sum(found) if found else None


def _check_rates(profile: DeviceProfile, file: str) -> None:
    """A number format that the device computes in must have a rate, or its latency could not be predicted."""
    for name in ("float32", "int8", "int16x8"):
        if getattr(profile.numerics, name) == "native" and getattr(profile.cost.rates, name) is None:
            raise ProfileError(
                f"{name} is native, and has no rate",
                where=f"{file}: cost.rates.{name}",
                allowed="a rate of multiply-accumulates with its interval, basis and source",
                next_step=f"add cost.rates.{name}, or set numerics.{name} to 'absent'",
            )


def _check_operators(runtime: Runtime, file: str) -> None:
    """Every runtime must name an operator table, since files are checked against it; only kind 'none' must not."""
    if (runtime.kind == "none") == (runtime.operators is None):
        return
    missing = runtime.operators is None
    raise ProfileError(
        "a runtime without its operators" if missing else "operators of a runtime that is not there",
        where=f"{file}: runtime.operators",
        received=None if missing else repr(runtime.operators),
        allowed="the name of an operator table; nothing where kind is 'none'",
        next_step="name the table of the runtime's version" if missing else "remove the key, or name the kind",
    )


def _check_npu(profile: DeviceProfile, file: str) -> None:
    """Vela needs a complete configuration, and only the profile of an NPU may have one."""
    npu = profile.npu
    if npu is None:
        return
    needed = {
        "clock": npu.clock, "accelerator": npu.accelerator, "system_config": npu.system_config,
        "memory_mode": npu.memory_mode, "cpu_rate": npu.cpu_rate,
    }  # fmt: skip
    missing = [name for name, value in needed.items() if value is None] if npu.compiler == "vela" else []
    if missing:
        raise ProfileError(
            "an NPU without the whole configuration of its compiler",
            where=f"{file}: npu.{missing[0]}",
            allowed=f"for vela all of {', '.join(needed)}",
            next_step="`vela --list-configs Arm/vela.ini` names the configurations",
        )
    for name in ("clock", "cpu_rate"):
        quantity = needed[name]
        if isinstance(quantity, Quantity) and not (quantity.value and (quantity.low is None or quantity.low > 0)):
            raise ProfileError("not above zero", where=f"{file}: npu.{name}", received=str(quantity.value))
    if profile.kind != "npu" or profile.runtime.compiler is None:
        raise ProfileError(
            "an NPU's table in a profile that is of none",
            where=f"{file}: npu",
            received=f"class {profile.kind!r}",
            allowed="class = 'npu', and runtime.compiler for people",
        )


def load_profile(id_or_path: str | Path) -> DeviceProfile:
    """The profile for an id, an alias, the device's name in any spelling, or a path to a `.toml` file.

    A bundled profile is changed by the user's overlay, if there is one (`edgekit.devices.overlay`).
    Raises `ProfileError` for a name that means no device or several (with the nearest), a file that cannot be read, an
    overlay of another device, and all that `profile_from_toml` raises.
    """
    text = str(id_or_path)
    if isinstance(id_or_path, Path) or text.endswith(".toml") or "/" in text:
        path = Path(id_or_path)
        return msgspec.structs.replace(profile_from_toml(_text(path), str(path)), file=str(path.resolve()))
    if text in profile_ids():
        return _load_bundled(text)
    devices = _identities()
    found = meant(text, devices)
    if found.id is not None:
        return _load_bundled(found.id)
    raise ProfileError(
        f"{text!r} may be any of several devices" if found.is_ambiguous else f"no device {text!r}",
        where="--device",
        received=text,
        allowed=f"{', '.join(profile_ids())}, the name of one of them, or a path to a .toml file",
        next_step=_did_you_mean(found.near, devices),
    )


def _did_you_mean(near: Sequence[str], devices: Sequence[Identity]) -> str:
    names = {device.id: device.name for device in devices}
    if len(near) == 1:
        return f"did you mean {near[0]!r}?"
    said = ", ".join(f"{one!r} ({names[one]})" for one in near)
    return f"did you mean one of {said}?" if near else "`edgekit devices` lists them"


def registry_folder() -> Path:
    """The folder of the bundled profiles: inside the installed package, or beside it in a checkout."""
    found = next((folder for folder in DEFAULT_FOLDERS if folder.is_dir()), None)
    if found is None:
        raise ProfileError("the bundled device profiles are missing", where=str(DEFAULT_FOLDERS[0]))
    return found


def profile_ids() -> tuple[str, ...]:
    """The ids of the bundled profiles: their files' stems, sorted."""
    return tuple(sorted(path.stem for path in registry_folder().glob("*.toml")))


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


def _load_bundled(name: str) -> DeviceProfile:
    """A bundled profile, changed by the user's overlay if there is one."""
    path, over = registry_folder() / f"{name}.toml", overlay_path(name)
    raw = _tables(_text(path), str(path))
    if not over.exists():
        return _profile(raw, str(path))
    merged = laid_over(raw, _tables(_text(over), str(over)), where=str(over))
    return msgspec.structs.replace(_profile(merged, f"{name} with {over}"), overlay=str(over))


def _text(path: Path) -> str:
    if path.exists() and not path.is_file():  # reading a pipe could wait for ever, and a device file may be endless
        raise ProfileError("the device profile cannot be read", where=str(path), received="not a file")
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(MAX_LETTERS + 1)
    except OSError as problem:
        raise ProfileError("the device profile cannot be read", where=str(path), received=problem.strerror) from None
    except UnicodeDecodeError:
        raise ProfileError("the device profile is not a text file", where=str(path), allowed="TOML in UTF-8") from None
    except ValueError as problem:  # a path with a null character
        raise ProfileError("the device profile cannot be read", where=repr(str(path)), received=str(problem)) from None
    if len(text) > MAX_LETTERS:
        raise ProfileError("too large for a device profile", where=str(path), allowed=f"{MAX_LETTERS} letters")
    return text


def _identities() -> list[Identity]:
    """The names of each bundled device. Only names are read, so that one bad file does not hide the others."""
    found = []
    for name in profile_ids():
        try:
            text = (registry_folder() / f"{name}.toml").read_text(encoding="utf-8")
            found.append(_identity(name, text))
        except (OSError, ValueError):
            found.append(Identity(id=name))
    return found


@functools.cache
def _identity(name: str, text: str) -> Identity:
    """What the profile of a text is called; kept, for one unknown name asks for all of them."""
    raw = tomllib.loads(text)
    aliases = tuple(str(alias) for alias in raw.get("aliases", ()))
    return Identity(id=name, name=str(raw.get("name", "")), aliases=aliases)
