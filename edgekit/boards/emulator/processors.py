"""Which devices can be emulated, and what their processor looks like to programs that run on it.

QEMU translates a program for another processor and passes its system calls to this machine's own kernel: files of
`/proc` and `/sys` are this machine's, unless the folder that stands for the board's root has files of the same names.
`/proc/cpuinfo` matters: the runtimes choose their kernels by it, and LiteRT 2.3.0 crashes if it describes an x86
processor. Nothing is run here.
"""

from __future__ import annotations

import re

from edgekit.devices.profile import DeviceProfile, list_profiles
from edgekit.errors import InputError
from edgekit.values import Value

RUNTIMES = ("litert", "tflite_runtime")


class Core(Value):
    """A core that QEMU emulates: QEMU's name for it, and what Linux reports of it (the part number is Arm's MIDR, PartNum)."""

    qemu: str
    part: str
    features: str


class Architecture(Value):
    """A processor family: its name in Python, its name in Debian, the emulator's command, and the runtimes that run there."""

    name: str
    debian: str
    qemu: str
    cores: dict[str, Core]
    default: str
    dotted: str | None = None
    """The core to emulate instead of one with dot products that QEMU does not have."""


_V8 = "fp asimd evtstrm aes pmull sha1 sha2 crc32 cpuid"
_V7 = "half thumb fastmult vfp edsp neon vfpv3 tls vfpv4 idiva idivt vfpd32 lpae evtstrm"

AARCH64 = Architecture(
    name="aarch64",
    debian="arm64",
    qemu="qemu-aarch64",
    default="Cortex-A72",
    dotted="Cortex-A76",
    cores={
        "Cortex-A35": Core(qemu="cortex-a35", part="0xd04", features=_V8),
        "Cortex-A53": Core(qemu="cortex-a53", part="0xd03", features=_V8),
        "Cortex-A57": Core(qemu="cortex-a57", part="0xd07", features=_V8),
        "Cortex-A72": Core(qemu="cortex-a72", part="0xd08", features=_V8),
        "Cortex-A76": Core(qemu="cortex-a76", part="0xd0b", features=f"{_V8} atomics fphp asimdhp asimdrdm lrcpc asimddp"),
    },
)  # fmt: skip
ARMV7L = Architecture(
    name="armv7l",
    debian="armhf",
    qemu="qemu-arm",
    default="Cortex-A7",
    cores={
        "Cortex-A7": Core(qemu="cortex-a7", part="0xc07", features=_V7),
        "Cortex-A15": Core(qemu="cortex-a15", part="0xc0f", features=_V7),
    },
)
ARCHITECTURES = {one.name: one for one in (AARCH64, ARMV7L)}


class Board(Value):
    """A device as it is emulated: the core's name, the number of cores, and the runtime that is the device's own."""

    device: str
    title: str
    architecture: Architecture
    core: str
    cores: int
    runtime: str
    has_npu: bool = False
    stands_for: str | None = None
    """The board's own core, if QEMU 7.2 does not have it and another is emulated."""

    @property
    def cpu(self) -> Core:
        return self.architecture.cores[self.core]

    def files(self) -> dict[str, str]:
        """The files that a program finds at these paths instead of this machine's own."""
        last = self.cores - 1
        return {
            "proc/cpuinfo": "\n".join(_processor(self.cpu, place) for place in range(self.cores)),
            "proc/device-tree/model": f"{self.title}, emulated",
            "sys/devices/system/cpu/possible": f"0-{last}\n" if last else "0\n",
            "sys/devices/system/cpu/present": f"0-{last}\n" if last else "0\n",
        }


def board(profile: DeviceProfile) -> Board:
    """The board that a profile describes; raises `InputError` if it cannot be emulated, and names those that can."""
    obstacle = _obstacle(profile)
    if obstacle is not None:
        raise InputError(
            f"{profile.name} cannot be emulated",
            where="emulator",
            received=obstacle,
            allowed=f"Linux on aarch64 or armv7l: {', '.join(emulated_ids())}",
            next_step="leave the emulator out; a board that runs Linux can be measured: edgekit bench --on ssh://USER@HOST",
        )
    architecture = ARCHITECTURES[profile.runtime.architecture or ""]
    own = profile.compute.core.partition(",")[0]
    known = next((core for core in architecture.cores if re.match(rf"{core}\b", own)), None)
    return Board(
        device=profile.id,
        title=profile.name,
        architecture=architecture,
        core=known or (architecture.dotted if profile.compute.dot_product else None) or architecture.default,
        cores=max(1, int(profile.compute.cores.value or 1)),
        runtime=profile.runtime.kind,
        has_npu=profile.kind == "npu",
        stands_for=None if known else own,
    )


def emulated_ids() -> tuple[str, ...]:
    """The bundled devices that can be emulated."""
    return tuple(profile.id for profile in list_profiles() if _obstacle(profile) is None)


def _obstacle(profile: DeviceProfile) -> str | None:
    """Why a device cannot be emulated; None if it can."""
    if profile.runtime.kind not in RUNTIMES:
        return f"its runtime is {profile.runtime.kind}"
    if profile.kind == "android":
        return "it runs Android, and the emulator has Debian's C library"
    if profile.runtime.architecture not in ARCHITECTURES:
        return f"its architecture is {profile.runtime.architecture or 'this machine’s own'}"
    return None


def _processor(core: Core, place: int) -> str:
    """A processor's part of /proc/cpuinfo: arch/arm64/kernel/cpuinfo.c, c_show."""
    return (
        f"processor\t: {place}\nBogoMIPS\t: 108.00\nFeatures\t: {core.features}\nCPU implementer\t: 0x41\n"
        f"CPU architecture: {7 if core.part.startswith('0xc') else 8}\nCPU variant\t: 0x0\nCPU part\t: {core.part}\nCPU revision\t: 3\n"
    )
