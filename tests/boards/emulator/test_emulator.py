"""The emulated board: which devices, what a program finds there, what counts as equal; and the real one, slowly.

The fast tests put a program in the emulator's place that runs this machine's own Python, and may spoil what comes out;
the slow ones make a sysroot (once, in EDGEKIT_SYSROOTS or the user's cache) and run real ones.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import msgspec
import numpy as np
import pytest

import edgekit
from edgekit.boards.emulator import qemu as emulation
from edgekit.boards.emulator import transport as emulator
from edgekit.boards.emulator.make_sysroot import make_sysroot
from edgekit.boards.emulator.processors import ARCHITECTURES, board, emulated_ids
from edgekit.boards.emulator.qemu import Machine
from edgekit.boards.emulator.sysroot import MANIFEST, PYTHON
from edgekit.boards.transport import MODEL_NAME, OUTPUTS_NAME, Task
from edgekit.devices.profile import load_profile
from edgekit.errors import InputError, InterruptedBuild, MissingExtraError, ModelError
from edgekit.jobs import worker as jobs
from edgekit.jobs.cache import Cache
from edgekit.measure.emulator_check import emulated, require_emulator
from edgekit.progress import no_progress

GOLDEN = Path(__file__).parents[2] / "golden"
ROOT = Path(__file__).resolve().parents[3]
STEP = 0.013895994983613491  # the scale of the last tensor of FALLBACK before it is dequantized
INT8, FLOAT32, FALLBACK, DYNAMIC, LOOP = (
    GOLDEN / f"{name}.tflite" for name in ("int8", "float32", "int8_float_fallback", "dynamic_range", "loop")
)

# In the place of the board's Python: this machine's, whose outputs are then what {spoil} makes of them.
SPOILING = """#!{python}
import json, os, subprocess, sys
if not sys.argv[1].endswith("rows.py"):
    os.execv({python!r}, [{python!r}, *sys.argv[1:]])
request = sys.stdin.read()
{before}
done = subprocess.run([{python!r}, *sys.argv[1:]], input=request, text=True)
import numpy as np
folder = json.loads(request)["folder"]
for name in sorted(os.listdir(folder)):
    if name.startswith("output-"):
        a = np.load(os.path.join(folder, name))
        {spoil}
        np.save(os.path.join(folder, name), a)
sys.exit(done.returncode)
"""


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """Installs an emulator that is none: `fake(spoil=..., before=..., runtimes=...)`; counts its starts in a file."""
    programs, root = tmp_path / "programs", tmp_path / "sysroots" / "aarch64"
    programs.mkdir()
    root.joinpath(PYTHON).parent.mkdir(parents=True)
    starts = tmp_path / "starts"
    qemu = programs / "qemu-aarch64"
    qemu.write_text(
        '#!/bin/sh\nif [ "$1" = --version ]; then echo "qemu-aarch64 version 7.2.22"; exit; fi\n'
        f"echo \"$*\" >> {shlex.quote(str(starts))}\nshift 4\nexec \"$@\"\n"
    )  # fmt: skip
    qemu.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("EDGEKIT_SYSROOTS", str(root.parent))
    temporary = tmp_path / "a place with spaces, 'quotes' and $HOME"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))

    def install(spoil: str = "pass", before: str = "pass", runtimes: tuple[str, ...] = ("litert",)) -> Path:
        python = root / PYTHON
        python.write_text(SPOILING.format(python=sys.executable, spoil=spoil, before=before))
        python.chmod(0o755)
        manifest = {
            "schema_version": 1, "architecture": "aarch64", "python": "3.11.2", "numpy": "1.26.4", "packages": [],
            "runtimes": dict.fromkeys(runtimes, "2.3.0"), "files": {PYTHON: python.stat().st_size}, "emulator": "7.2.22",
        }  # fmt: skip
        (root / MANIFEST).write_text(json.dumps(manifest))
        return starts

    yield install
    assert list(temporary.iterdir()) == [], "nothing is left"


def check(path: Path, tmp_path: Path, device: str = "rpi4", **given):
    with Cache(tmp_path / "cache") as cache:
        return emulated(path, load_profile(device), cache, **given)


def test_the_profile_says_which_processor_is_emulated():
    found = {name: board(load_profile(name)) for name in ("rpi4", "rpi3", "rpi5", "jetson-nano", "stm32mp157")}
    assert {name: (one.architecture.qemu, one.cpu.qemu, one.cores, one.runtime) for name, one in found.items()} == {
        "rpi4": ("qemu-aarch64", "cortex-a72", 4, "litert"),
        "rpi3": ("qemu-aarch64", "cortex-a53", 4, "litert"),
        "rpi5": ("qemu-aarch64", "cortex-a76", 4, "litert"),
        "jetson-nano": ("qemu-aarch64", "cortex-a57", 4, "litert"),
        "stm32mp157": ("qemu-arm", "cortex-a7", 2, "tflite_runtime"),
    }
    files = found["rpi4"].files()
    assert files["proc/cpuinfo"].count("CPU part\t: 0xd08") == 4 and "asimddp" not in files["proc/cpuinfo"]
    assert "asimddp" in found["rpi5"].files()["proc/cpuinfo"], "a Cortex-A76 has dot products"
    assert files["sys/devices/system/cpu/possible"] == "0-3\n"


@pytest.mark.parametrize(
    ("device", "why"),
    [("esp32-s3", "tflite_micro"), ("rpi-zero-w", "none"), ("pixel-4", "Android"), ("host", "architecture")],
)
def test_a_device_that_cannot_be_emulated_is_told_which_can(device, why):
    with pytest.raises(InputError, match="cannot be emulated") as caught:
        require_emulator(load_profile(device))
    assert why in caught.value.received and "rpi4" in caught.value.allowed and caught.value.exit_code == 2


def test_a_device_that_is_emulated_as_another_core_says_so():
    assert {"rpi3", "rpi4", "rpi5", "rpi-zero-2w", "jetson-nano", "stm32mp157"} <= set(emulated_ids())
    for name in emulated_ids():
        profile = load_profile(name)
        found = board(profile)
        assert profile.compute.core.startswith(found.core) == (found.stands_for is None), name
        assert found.has_npu == (profile.kind == "npu")
    profile = load_profile("rpi5")
    newer = msgspec.structs.replace(profile, compute=msgspec.structs.replace(profile.compute, core="Cortex-A720"))
    assert (board(newer).core, board(newer).stands_for) == ("Cortex-A76", "Cortex-A720"), "with dot products, as it has"


def test_the_board_has_nothing_of_this_machine_in_its_environment(fake, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    monkeypatch.setenv("LD_PRELOAD", "")
    fake(before="assert not {'PYTHONPATH', 'LD_PRELOAD', 'EDGEKIT_SYSROOTS'} & set(os.environ), os.environ")
    assert check(INT8, tmp_path).outcome == "pass"


def test_equal_outputs_pass_and_are_asked_for_once(fake, tmp_path):
    starts = fake()
    first = check(INT8, tmp_path)
    assert (first.name, first.outcome, first.value, first.basis) == ("emulator", "pass", "bit for bit", "simulated")
    assert "LiteRT 2.3.0 under qemu-aarch64 7.2.22, Cortex-A72: all 24 output values on 8 random inputs" in first.reason
    assert "operators" in first.reason and "memory" in first.reason
    began = starts.read_text()
    assert "-cpu cortex-a72 -L " in began
    assert check(INT8, tmp_path) == first and starts.read_text() == began
    assert check(INT8, tmp_path, "rpi5").outcome == "pass" and "cortex-a76" in starts.read_text(), "another board"


@pytest.mark.parametrize(
    ("path", "spoil", "outcome", "said"),
    [
        (INT8, "a.flat[0] += 1 if a.flat[0] < 127 else -1", "pass", "23 of 24 output values"),
        (INT8, "a.flat[0] += 2 if a.flat[0] < 126 else -2", "fail", "differs by up to 2 steps"),
        (INT8, "a = np.roll(a, 1)", "fail", "differs by up to"),
        (INT8, "a = a[:, :, :2]", "fail", "other shapes"),
        (INT8, "a = a.astype(np.float32)", "fail", "other shapes"),
        (FLOAT32, "a += 1e-7", "pass", "round otherwise"),
        (FLOAT32, "a += 0.1", "fail", "differs by up to 0.1"),
        (FLOAT32, "a.flat[0] = np.nan", "fail", "no finite numbers"),
        (FALLBACK, f"a.flat[0] += {STEP}", "pass", "23 of 24"),
        (FALLBACK, f"a.flat[0] += 3 * {STEP}", "fail", "differs by up to"),
    ],
)
def test_what_counts_as_equal(fake, tmp_path, path, spoil, outcome, said):
    fake(spoil=spoil)
    found = check(path, tmp_path)
    assert (found.outcome, said in found.reason) == (outcome, True), found.reason
    assert "bit for bit" not in found.reason and found.value != "bit for bit"


def test_a_crash_is_unknown_and_is_asked_again(fake, tmp_path):
    starts = fake(before="import signal; os.kill(os.getpid(), signal.SIGSEGV)")
    found = check(INT8, tmp_path)
    assert found.outcome == "unknown" and "crashed (SIGSEGV)" in found.reason and found.basis is None
    began = len(starts.read_text().splitlines())
    check(INT8, tmp_path)
    assert len(starts.read_text().splitlines()) == 2 * began


def test_a_board_that_hangs_is_stopped_with_all_that_it_started(fake, tmp_path):
    fake(
        before=f"subprocess.Popen(['sleep', '61.5']); open({str(tmp_path / 'there')!r}, 'w'); subprocess.run(['sleep', '61.5'])"
    )
    root = Path(os.environ["EDGEKIT_SYSROOTS"]) / "aarch64"
    machine = Machine(root, board=board(load_profile("rpi4")))
    found = machine.rows(INT8, runtime="litert", threads=1, samples=1, time_limit_s=1)
    assert found.late and "did not finish within 1 s" in found.problem and (tmp_path / "there").exists()
    assert sleepers() == []


def test_a_build_that_is_stopped_does_not_wait_for_the_emulator(fake, tmp_path):
    fake(before="subprocess.run(['sleep', '61.5'])")
    root = Path(os.environ["EDGEKIT_SYSROOTS"]) / "aarch64"
    caught = []

    def wait() -> None:
        try:
            Machine(root, board=board(load_profile("rpi4"))).rows(
                INT8, runtime="litert", threads=1, samples=1, time_limit_s=60
            )
        except InterruptedBuild as problem:
            caught.append(problem)

    thread = threading.Thread(target=wait)
    thread.start()
    time.sleep(0.3)
    with jobs.all_stopped():
        thread.join(timeout=10)
    assert len(caught) == 1 and sleepers() == []


def test_outputs_that_nobody_keeps_were_there(fake):
    """As a sysroot is tried: its runtimes run a model, and only whether they do counts."""
    fake()
    root = Path(os.environ["EDGEKIT_SYSROOTS"]) / "aarch64"
    for machine in (Machine(), Machine(root, ARCHITECTURES["aarch64"])):
        found = machine.rows(INT8, runtime="litert", threads=1, samples=2, time_limit_s=60)
        assert (found.problem, found.samples, found.inputs, found.outputs) == (None, 2, (), ())


def sleepers() -> list[str]:
    found = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout.splitlines()
    return [line for line in found if line.startswith("sleep 61.5")]


def test_the_boards_own_runtime_refuses_and_another_ones_refusal_tells_nothing(fake, tmp_path):
    refused = tmp_path / "refused.tflite"
    content = bytearray(INT8.read_bytes())
    refuse = "print(json.dumps({'error': 'no such operator'})); sys.exit(2)"
    refused.write_bytes(content)
    fake(before=refuse)
    assert (check(refused, tmp_path).outcome, check(refused, tmp_path).value) == ("fail", "refused")
    fake(before=refuse, runtimes=("tflite_runtime",))
    found = check(refused, tmp_path)
    assert found.outcome == "unknown" and "the board's own runtime, LiteRT" in found.reason


def test_rows_of_the_users_own(fake, tmp_path):
    fake()
    rows = np.random.default_rng(0).integers(-128, 127, (3, 1, 8, 8, 1), np.int8)
    np.save(tmp_path / "rows.npy", rows)
    found = check(INT8, tmp_path, inputs=[tmp_path / "rows.npy"])
    assert found.outcome == "pass" and "all 9 output values on 3 given inputs" in found.reason


def test_no_time_comes_out_of_the_emulator(fake, tmp_path):
    """Not even where the runner gave some: times of an emulator say nothing of a board."""
    given = {
        "latency": {"median_ms": 1.0},
        "load_ms": 1.0,
        "first_ms": 1.0,
        "sustained": {},
        "notes": [],
        "environment": {},
    }
    out = msgspec.json.decode(emulator._of_the_board(json.dumps(given).encode()))
    assert [out[name] for name in ("latency", "load_ms", "first_ms", "sustained")] == [None] * 4
    fake()
    way = emulator.Emulator(load_profile("rpi4"))
    request = {"model": MODEL_NAME, "outputs": OUTPUTS_NAME, "no_timing": False, "runs": 1, "seconds": 0.0}
    task = Task(model=INT8, request=request, into=tmp_path, python=way.facts(None).python, time_limit_s=60)
    document = json.loads(way.run(task, no_progress).document)
    assert document["latency"] is document["load_ms"] is document["first_ms"] is document["sustained"] is None
    assert document["environment"]["load_average"] == {"before": None, "after": None}
    report = edgekit.check(INT8, device="rpi4", emulate=True, cache=False)
    latency = report.chosen.metrics["latency"]
    assert latency.basis == "predicted" and "emulat" not in latency.source
    assert [one.outcome for one in report.checks if one.name == "emulator"] == ["pass"]
    assert any(note.startswith("emulator: LiteRT") for note in report.notes)


def test_a_check_that_is_not_asked_for_is_not_there(tmp_path):
    report = edgekit.check(INT8, device="rpi4", cache=False)
    assert "emulator" not in {one.name for one in report.checks}


def test_a_missing_sysroot_stops_a_build_before_any_work(tmp_path, monkeypatch, edgekit_command):
    project = tmp_path / "project"
    project.mkdir()
    (project / "edgekit.toml").write_text(
        'model = "nothing.keras"\ndata = "nothing.npz"\ndevice = "rpi4"\nemulate = true\n'
    )
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "qemu-aarch64").write_text("#!/bin/sh\necho qemu-aarch64 version 7.2.22\n")
    (programs / "qemu-aarch64").chmod(0o755)
    variables = {"EDGEKIT_SYSROOTS": str(tmp_path / "none"), "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    done = edgekit_command("build", folder=project, **variables)
    assert done.returncode == 3 and "there is no sysroot to emulate aarch64 with" in done.stderr, done.stderr
    assert not (project / "build").exists()
    asked = edgekit_command("build", "--no-emulate", folder=project, **variables)
    assert asked.returncode == 2 and "nothing.keras" in asked.stderr


def test_a_file_that_is_no_model_is_an_error(fake, tmp_path):
    fake()
    path = tmp_path / "no.tflite"
    path.write_text("no")
    with pytest.raises(ModelError):
        check(path, tmp_path)


def test_the_programs_of_a_board_need_nothing_of_edgekit():
    source = Path(emulation.program.__file__).read_text(encoding="utf-8")
    assert "import edgekit" not in source and "from edgekit " not in source and "from edgekit." not in source


# The real emulator from here on.


LACKING = ("is not installed", "packages cannot be had", "wheels of .* cannot be had")
"""What a machine may lack to make a sysroot with: programs, Debian 12, the network. Anything else is a fault of edgekit's."""


def made(name: str) -> Path:
    """The sysroot of an architecture, made once and kept; skips where this machine lacks what it is made of."""
    try:
        return make_sysroot(ARCHITECTURES[name]).folder
    except MissingExtraError as problem:
        if not any(re.search(what, problem.what) for what in LACKING):
            raise
        pytest.skip(f"{problem.what}: {problem.received or problem.next_step}")


@pytest.mark.parametrize(
    ("said", "what"),
    [
        ("", "without an answer"),
        ("[]", "without an answer"),
        ("{}", "without its outputs"),
        ('{"error": {"a": 1}}', "without an answer"),
        ('{"runtime": "litert", "version": "2", "samples": "8", "outputs": 1}', "without an answer"),
        ('{"runtime": "litert", "version": "2", "samples": 8, "outputs": 0}', "without its outputs"),
        ('{"runtime": "litert", "version": "2", "samples": 8, "outputs": -1}', "without its outputs"),
        ('{"runtime": "litert", "version": "2", "samples": 8, "outputs": 2}', "without its outputs"),
        ('{"runtime": "litert", "version": "2", "samples": 8, "outputs": 1000000000000}', "without its outputs"),
        ('{"runtime": "other", "version": "2", "samples": 8, "outputs": 1}', "without its outputs"),
    ],
)
def test_an_answer_is_held_against_its_types_and_files(tmp_path, said, what):
    """What is no answer is as a crash: it says nothing of the file."""
    (tmp_path / "output-0.npy").touch()
    found = emulation._read(said.encode(), tmp_path, (), 1.0)
    assert found.crashed and what in found.problem
    whole = emulation._read(
        b'noise\n{"runtime": "litert", "version": "2", "samples": 8, "outputs": 1}\n', tmp_path, (), 1.0
    )
    assert (whole.problem, whole.runtime, whole.outputs) == (None, "LiteRT 2", (tmp_path / "output-0.npy",))


@pytest.mark.slow
@pytest.mark.tf
def test_a_sysroot_is_made_anew_as_the_message_says(tmp_path, tiny_project, edgekit_command):
    """From nothing: what `check --emulate` asks for is run as it stands, and then check and build do what was asked."""
    variables = {"EDGEKIT_SYSROOTS": str(tmp_path / "sysroots"), "PYTHONPATH": str(ROOT)}
    asked = ("check", INT8, "--device", "rpi4", "--emulate")
    refused = edgekit_command(*asked, folder=tmp_path, **variables)
    if shutil.which("qemu-aarch64") is None:
        pytest.skip("qemu-user is not installed")
    assert refused.returncode == 3, refused.stderr
    command = re.search(r"python (-m edgekit\S+ --arch \w+)", refused.stderr)
    making = subprocess.run(
        [sys.executable, *command[1].split()], cwd=tmp_path, env={**os.environ, **variables}, capture_output=True, text=True
    )  # fmt: skip
    lacking = next(
        (line for line in making.stderr.splitlines() if any(re.search(what, line) for what in LACKING)), None
    )
    if lacking is not None:
        pytest.skip(lacking)
    assert making.returncode == 0, making.stderr
    checked = edgekit_command(*asked, "--json", folder=tmp_path, **variables)
    assert checked.returncode == 0, checked.stderr
    built = edgekit_command(
        "build", "--device", "rpi4", "--emulate", "--json", folder=tiny_project, timeout_s=600, **variables
    )
    assert built.returncode == 0, built.stderr
    for said in (checked, built):
        found = next(one for one in json.loads(said.stdout)["checks"] if one["name"] == "emulator")
        assert found["outcome"] == "pass", found


@pytest.fixture(scope="session")
def aarch64() -> Path:
    return made("aarch64")


@pytest.fixture(scope="session")
def armv7l() -> Path:
    return made("armv7l")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "exact"), [(INT8, True), (FALLBACK, True), (FLOAT32, False), (DYNAMIC, False)], ids=lambda one: getattr(one, "stem", "")
)  # fmt: skip
def test_golden_files_on_an_emulated_raspberry_pi_4(aarch64, tmp_path, path, exact):
    found = check(path, tmp_path)
    assert found.outcome == "pass" and "LiteRT 2.3.0 under qemu-aarch64" in found.reason, found.reason
    assert not exact or found.value == "bit for bit", found.reason


@pytest.mark.slow
def test_golden_files_on_an_emulated_32_bit_board(armv7l, tmp_path):
    found = check(INT8, tmp_path, "stm32mp157")
    assert (found.outcome, found.value) == ("pass", "bit for bit"), found.reason
    assert "tflite-runtime 2.14.0 under qemu-arm" in found.reason
    refused = check(DYNAMIC, tmp_path, "stm32mp157")
    assert (refused.outcome, refused.value) == ("fail", "refused") and "version '12'" in refused.reason


@pytest.mark.slow
def test_a_bench_on_the_emulator(aarch64, tmp_path, monkeypatch):
    monkeypatch.setenv("EDGEKIT_DEVICES", str(tmp_path / "devices"))
    found = edgekit.bench(INT8, device="rpi4", on="emulator", threads=2)
    assert found.agreement.bit_for_bit is True and found.latency is found.load_ms is found.first_ms is None
    assert found.environment.machine == "aarch64" and found.environment.processor == "Cortex-A72"
    assert found.environment.board == "Raspberry Pi 4 Model B, emulated" and found.memory.added_bytes > 0
    assert not found.counts, "no later report uses it"


@pytest.mark.slow
def test_the_sysroot_is_left_as_it_was_made(aarch64, tmp_path):
    before = {path: path.lstat().st_mtime_ns for path in aarch64.rglob("*")}
    assert check(INT8, tmp_path).outcome == "pass"
    assert {path: path.lstat().st_mtime_ns for path in aarch64.rglob("*")} == before


@pytest.mark.slow
@pytest.mark.tf
def test_a_build_of_the_digits_that_asks_for_the_emulator(aarch64, tmp_path, edgekit_command):
    project = tmp_path / "digits"
    shutil.copytree(ROOT / "examples" / "digits", project)
    text = (project / "edgekit.toml").read_text(encoding="utf-8").partition("\n")[2]
    (project / "edgekit.toml").write_text(f"emulate = true\n{text}\n[training]\nepochs = 0\n", encoding="utf-8")
    done = edgekit_command("build", "--device", "rpi4", "--json", folder=project, timeout_s=600)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    found = next(one for one in report["checks"] if one["name"] == "emulator")
    word, _, apart = found["value"].partition(" ")
    assert (found["outcome"], word) == ("pass", "within"), found
    assert 0 < float(apart) < 1e-6, "shares are computed in float, by the exponential of each processor"
    assert report["chosen"]["metrics"]["latency"]["basis"] == "predicted"
