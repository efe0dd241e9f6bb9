"""What the runner reads of a board, from files as boards have them."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from edgekit.boards.runner import system

PI = {
    "/proc/device-tree/model": "Raspberry Pi 4 Model B Rev 1.4",
    "/proc/cpuinfo": "processor\t: 0\nCPU part\t: 0xd08\nprocessor\t: 1\nCPU part\t: 0xd08\n",
    "/proc/meminfo": "MemTotal:        3884380 kB\nMemFree: 1 kB\nMemAvailable:    3200000 kB\n",
    "/etc/os-release": 'NAME="Debian"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
    "/sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": "1800000",
    "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "ondemand",
    "/sys/devices/system/cpu/cpu1/cpufreq/scaling_governor": "ondemand",
    "/sys/class/thermal/thermal_zone0/temp": "48199",
    "/sys/class/thermal/thermal_zone0/type": "cpu-thermal",
    "/sys/class/thermal/thermal_zone1/temp": "99000",
    "/sys/class/thermal/thermal_zone1/type": "battery",
    "/sys/class/thermal/thermal_zone2/temp": "-274000",
    "/sys/devices/platform/soc/soc:firmware/get_throttled": "50005",
}


@pytest.fixture
def board(monkeypatch):
    """Puts files in the place of the system's; nothing else is there."""

    def put(files):
        folders = sorted({path.rsplit("/", 1)[0] for path in files if "thermal_zone" in path})
        counts = sorted(path for path in files if path.endswith("core_throttle_count"))
        monkeypatch.setattr(system, "_text", lambda path: files.get(path))
        monkeypatch.setattr(system, "_cores", lambda: [0, 1])
        listed = SimpleNamespace(glob=lambda pattern: counts if "throttle" in pattern else folders)
        monkeypatch.setattr(system, "glob", listed)

    return put


def test_a_raspberry_pi(board):
    board(PI)
    found = system.fixed()
    assert found["board"] == "Raspberry Pi 4 Model B Rev 1.4" and found["processor"] == "Cortex-A72"
    assert found["system"] == "Debian GNU/Linux 12 (bookworm)" and found["governor"] == "ondemand"
    assert (found["memory_total_bytes"], found["memory_available_bytes"]) == (3884380 * 1024, 3200000 * 1024)
    changing = system.changing()
    assert changing["clocks_hz"] == [1_800_000_000, None]
    assert changing["temperature_c"] == 48.199, "the processor's sensor, not the hottest"
    assert changing["throttled"] == [
        "under-voltage now", "throttled now", "under-voltage since boot", "throttled since boot"
    ]  # fmt: skip


def test_a_system_that_tells_nothing(board):
    board({})
    found = {**system.fixed(), **system.changing()}
    for name in ("board", "processor", "governor", "memory_total_bytes", "clocks_hz", "temperature_c", "throttled"):
        assert found[name] is None, name
    assert found["system"] and found["machine"] and found["cores"] == 2


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"/sys/devices/platform/soc/soc:firmware/get_throttled": "0"}, []),
        ({"/sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count": "0"}, []),
        (
            {"/sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count": "3",
             "/sys/devices/system/cpu/cpu1/thermal_throttle/core_throttle_count": "4"},
            ["cores throttled 7 times since boot"],
        ),
    ],
)  # fmt: skip
def test_throttling_is_none_only_where_nothing_tells(files, expected, board):
    board(files)
    assert system.changing()["throttled"] == expected


def test_big_and_little_cores_and_an_unknown_one(board):
    board({"/proc/cpuinfo": "CPU part\t: 0xd05\nCPU part\t: 0xd0d\nCPU part\t: 0xfff\n"})
    assert system.fixed()["processor"] == "Cortex-A55, Cortex-A77, part 0xfff"
    board({"/proc/cpuinfo": "model name\t: Intel(R) Atom(TM)\n"})
    assert system.fixed()["processor"] == "Intel(R) Atom(TM)"


def test_what_this_machine_tells_can_be_read():
    found = system.fixed()
    assert found["cores"] >= 1 and found["memory_total_bytes"] > found["memory_available_bytes"] > 0
