"""Whether a board can run a model, judged by its facts before anything is copied to it.

If something is missing, the error gives the line that installs it; a mere difference from the profile is a note. It
knows which interpreters have wheels, and not how a board is reached.
"""

from __future__ import annotations

import re
import shlex
from typing import Literal

from edgekit.boards.transport import Facts
from edgekit.devices.profile import DeviceProfile
from edgekit.errors import DeviceError, EdgekitError, MissingExtraError
from edgekit.units import format_size

RuntimeKind = Literal["litert", "tflite_runtime"]
TITLES: dict[str, str] = {"litert": "LiteRT", "tflite_runtime": "tflite-runtime"}
OLDEST_PYTHON = (3, 8)
# Python, numpy and an interpreter: the peak of the runner's process with a model of 5 KB on x86-64 was 47 MB.
BASE_MEMORY_BYTES = 48 * 2**20
# The file is mapped, and XNNPACK holds its weights a second time, packed for its kernels.
COPIES = 2
SLACK_BYTES = 2**20
ENVIRONMENT = "~/edgekit-bench"
FAMILY = "raspberry pi"
VIRTUAL = "linux,dummy-virt"  # the name of QEMU's and other virtual machines for Arm
# Wheels in package indices, as in the bundled profiles (tflite-runtime's last release is 2.14.0): the interpreter,
# processors, the first and the last CPython, the package for pip.
WHEELS: tuple[tuple[RuntimeKind, tuple[str, ...], tuple[int, int], tuple[int, int], str], ...] = (
    ("litert", ("aarch64", "x86_64"), (3, 10), (3, 14), "ai-edge-litert numpy"),
    ("tflite_runtime", ("aarch64", "x86_64", "armv7l"), (3, 9), (3, 11), 'tflite-runtime==2.14.0 "numpy<2"'),
)
_PACKAGE = re.compile(r"([A-Za-z0-9_-]+) ([0-9][A-Za-z0-9.]*)")


def architecture(facts: Facts) -> str:
    """The architecture of the board's Python: a 32-bit one if a 64-bit kernel runs a 32-bit system."""
    if facts.bits == 32:
        return {"aarch64": "armv7l", "armv8l": "armv7l", "x86_64": "i686"}.get(facts.machine, facts.machine)
    return {"arm64": "aarch64", "amd64": "x86_64", "armv8l": "armv7l"}.get(facts.machine, facts.machine)


def install_line(facts: Facts, profile: DeviceProfile, wanted: RuntimeKind | None = None) -> str | None:
    """The line that installs an interpreter on the board, with how to name it then; None if there is no wheel for it."""
    version = facts.python_version
    for kind, machines, first, last, packages in WHEELS:
        fits = version is not None and first <= version[:2] <= last and architecture(facts) in machines
        if not fits or wanted not in (None, kind):
            continue
        named = _PACKAGE.fullmatch(profile.runtime.package or "")
        if named and kind == profile.runtime.kind == "litert":
            packages = f"{named[1]}=={named[2]} numpy"
        python = shlex.quote(facts.python or "python3")
        line = f"{python} -m venv {ENVIRONMENT} && {ENVIRONMENT}/bin/python -m pip install {packages}"
        return f"on the board: {line}; then name it: --python '{ENVIRONMENT}/bin/python'"
    return None


def choose_runtime(facts: Facts, profile: DeviceProfile, wanted: RuntimeKind | None) -> RuntimeKind:
    """The interpreter to use: the one asked for, else the profile's kind, else any that is installed.

    Raises `MissingExtraError` if the board has no Python that is new enough, no numpy, or no interpreter, with the line that
    installs it there, or the reason why it cannot be installed.
    """
    _require_python(facts)
    order: list[RuntimeKind] = ["litert", "tflite_runtime"]
    if profile.runtime.kind == "tflite_runtime":
        order.reverse()
    if facts.numpy is None:
        raise _missing("the board's Python has no numpy", facts, profile, wanted)
    found = next((kind for kind in ([wanted] if wanted else order) if kind in facts.runtimes), None)
    if found is None:
        what = TITLES[wanted] if wanted else "interpreter: neither LiteRT nor tflite-runtime"
        raise _missing(f"the board has no {what}", facts, profile, wanted)
    return found


def require_room(facts: Facts, *, model_bytes: int, copied_bytes: int) -> None:
    """Raise `DeviceError` with the figures if the board has too little free memory or disk."""
    memory, disk = BASE_MEMORY_BYTES + COPIES * model_bytes, copied_bytes + SLACK_BYTES
    for name, free, needed in (("memory", facts.memory_bytes, memory), ("disk", facts.disk_bytes, disk)):
        if free is not None and free < needed:
            raise DeviceError(
                f"the board has too little {name} free for this model",
                received=f"{format_size(free)} free",
                allowed=f"{format_size(needed)} or more",
                next_step="end what else runs there" if name == "memory" else "make room where its TMPDIR is",
            )


def other_device(facts: Facts, profile: DeviceProfile, names: dict[str, str]) -> str | None:
    """Why the board is not the profile's device, so that its measurements do not count; None if nothing suggests that.

    `names` are those of the bundled devices, by id.
    """
    wanted, here = profile.runtime.architecture, architecture(facts)
    if wanted is not None and here != _linux_name(wanted):
        return f"the board's system is {here}, and {profile.id} is {wanted}"
    said, mine = (facts.name or "").lower(), profile.name.lower()
    if not said or mine in said:
        return None
    is_known = any(name.lower() in said for name in names.values())
    # a Raspberry Pi's name has its generation as a word of its own: 'Raspberry Pi 3 Model B Plus Rev 1.3'
    is_sibling = said.startswith(FAMILY) and _numbers(mine) <= _numbers(said)
    if is_known or said == VIRTUAL or (mine.startswith(FAMILY) and not is_sibling):
        return f"the board says that it is a {facts.name}, and {profile.id} is the {profile.name}"
    return None


def _numbers(name: str) -> set[str]:
    return {word for word in name.split() if word.isdigit()}


def _linux_name(architecture: str) -> str:
    return {"arm64-v8a": "aarch64", "armeabi-v7a": "armv7l", "arm64": "aarch64"}.get(architecture, architecture)


def _require_python(facts: Facts) -> None:
    if facts.python_version is not None and facts.python_version[:2] >= OLDEST_PYTHON:
        return
    found = "none" if facts.python_version is None else ".".join(map(str, facts.python_version))
    android = "Android has none of its own: put one there, as Termux's, and name it with --python"
    raise MissingExtraError(
        "the board has no Python that the runner works with",
        received="; ".join([found, *facts.problems]),
        allowed=f"Python {OLDEST_PYTHON[0]}.{OLDEST_PYTHON[1]} or newer",
        next_step=android if facts.is_android else "install python3 there, or name it with --python",
    )


def _missing(what: str, facts: Facts, profile: DeviceProfile, wanted: RuntimeKind | None) -> EdgekitError:
    version = ".".join(map(str, facts.python_version or ()))
    here = f"Python {version} on {architecture(facts)}"
    line = install_line(facts, profile, wanted)
    if line is None:
        why = f"there is none to be had for {here}"
        if profile.runtime.architecture in (None, architecture(facts)):
            why = f"{why} ({profile.runtime.availability})"
        elif architecture(facts) == "armv7l":
            why = f"{why}: the last wheels for 32-bit ARM are tflite-runtime 2.14.0's, for CPython 3.9 to 3.11"
        line = f"{why}; another Python on the board may be named with --python"
    return MissingExtraError(what, received="; ".join([here, *facts.problems]), next_step=line)
