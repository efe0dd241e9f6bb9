"""This machine as a device: what is read is what the system says, on the processors that edgekit meets."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from edgekit.devices.profile import load_profile
from edgekit.machine import host

X86 = """processor\t: 0
model name\t: AMD EPYC
flags\t\t: fpu avx2 fma avx512f avx512_vnni

processor\t: 1
model name\t: Other
"""
ARM = """processor\t: 0
Features\t: fp asimd asimddp
CPU implementer\t: 0x41

Model\t\t: Raspberry Pi 5 Model B Rev 1.0
"""


def test_x86_processors_tell_name_and_flags() -> None:
    facts = host.cpu_facts(X86)
    assert facts["name"] == "AMD EPYC"
    assert host.instruction_set(facts["flags"], "x86_64") == "x86_64 (avx2, fma, avx512f, avx512_vnni)"


def test_arm_processors_tell_features_and_board() -> None:
    facts = host.cpu_facts(ARM)
    assert facts["name"] == "Raspberry Pi 5 Model B Rev 1.0"
    assert host.instruction_set(facts["flags"], "aarch64") == "aarch64 (asimd, asimddp)"


def test_an_empty_cpuinfo_is_no_accident() -> None:
    facts = host.cpu_facts("")
    assert facts["flags"] == () and facts["name"]
    assert host.instruction_set((), "mips") == "mips"


def test_host_is_this_machine() -> None:
    profile = load_profile("host")
    assert profile.memory.ram.value is not None
    assert profile.memory.ram.value <= psutil.virtual_memory().total
    assert profile.memory.ram_for_model.value == profile.memory.ram.value // 2
    assert profile.compute.cores.value == profile.runtime.threads >= 1
    assert profile.runtime.version[0].isdigit() or profile.runtime.version == "not installed"
    assert profile.compute.core not in ("", "live")


@pytest.mark.skipif(sys.platform != "linux", reason="affinity is Linux's")
def test_only_the_cores_of_this_process_count() -> None:
    code = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); " \
           "from edgekit.machine.host import usable_cores; print(usable_cores())"  # fmt: skip
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    assert found.stdout.strip() == "1"


def test_a_containers_limit_is_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limit = tmp_path / "memory.max"
    limit.write_text("1048576\n")
    monkeypatch.setattr(host, "CGROUP_LIMITS", (limit,))
    assert host.usable_ram_bytes() == 1048576
    limit.write_text("max\n")
    assert host.usable_ram_bytes() == psutil.virtual_memory().total


def test_an_unknown_clock_widens_the_rates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "_clock_hz", lambda: None)
    values = host.live_values()
    assert values["compute.clock"] == (None, None, None)
    usual, low, high = values["cost.rates.int8"]
    assert 0 < low < usual < high
    assert high / low >= 8 * host.SHARE[2] / host.SHARE[0]
