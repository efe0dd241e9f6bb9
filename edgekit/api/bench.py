"""`edgekit bench`: any `.tflite` measured on a device, compared with this machine's outputs, judged, and kept.

It joins the transports, the runner's document and the profile. Errors that can be found on this machine are raised
before anything is connected. What is missing on the device is reported before anything is copied.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from edgekit.boards import facts_of_board as board
from edgekit.boards.address import parse_address
from edgekit.boards.arguments import HERE, delegate_for, input_files, open_model, require_system, whole, within
from edgekit.boards.measurements import require_place
from edgekit.boards.runner_protocol import Request
from edgekit.boards.session import Session
from edgekit.boards.transport import MODEL_NAME, OUTPUTS_NAME, input_name
from edgekit.devices.profile import load_profile
from edgekit.documents.bench_result import BenchResult
from edgekit.errors import InputError
from edgekit.progress import Progress, no_progress
from edgekit.project.quantities import TIME_LIMIT, number
from edgekit.watching.auto import Auto, shows_progress

LONGEST_S = 30.0
SPARE_S = 300.0
"""The time allowed in addition to the timed runs: copying, importing, warming up, measuring memory."""
MOST_SUSTAINED_MIN = 1440


@shows_progress
def bench(
    tflite: str | Path,
    *,
    device: str | Path,
    on: str = HERE,
    threads: int | None = None,
    runs: int = 50,
    seconds: float = 1.0,
    sustained: float | None = None,
    delegate: str | None = None,
    inputs: Sequence[str | Path] = (),
    seed: int = 0,
    runtime: board.RuntimeKind | None = None,
    python: str | None = None,
    time_limit_s: float | None = None,
    keep: bool = True,
    progress: Progress | Auto = no_progress,
) -> BenchResult:
    """Measure a `.tflite` file on a device, and keep the measurement for later reports.

    `on` is 'local', 'ssh://USER@HOST[:PORT]', 'adb://SERIAL' or 'emulator'. At least `runs` inferences and `seconds`
    seconds are timed after the warm-up, with `threads` threads (the profile's if None); `sustained` adds this many
    minutes without a pause. `delegate` is 'xnnpack', 'none', or the path of a shared library on the device. `inputs`
    are `.npy` files, one per input in the model's order; without them inputs are random, from `seed`. `runtime` and
    `python` name the interpreter and the Python on the device. With `keep` the measurement is kept beside the device's
    overlay.

    Exceeding a limit of the profile is a failing check. Raises `ModelError`, `ProfileError`, `DataError` and
    `InputError` before anything is connected, `MissingExtraError` if the device lacks Python, numpy or an
    interpreter, with the line that installs it, and `DeviceError` for anything that fails between the two machines.
    """
    assert not isinstance(progress, str)  # `shows_progress` has replaced it by a callable
    address = parse_address(on)
    profile = load_profile(device)
    path, model = open_model(Path(tflite))
    require_system(profile, address)
    arrays = input_files(inputs, model)
    request = Request(
        model=MODEL_NAME,
        threads=whole("threads", threads if threads is not None else profile.runtime.threads, 256),
        delegate=delegate_for(delegate, profile, address),
        runs=whole("runs", runs, 1_000_000),
        seconds=within("seconds", seconds, 0, 3600),
        longest=max(LONGEST_S, seconds),
        sustained=None if sustained is None else within("sustained", sustained, 0.01, MOST_SUSTAINED_MIN),
        input=tuple(input_name(place) for place in range(len(arrays))),
        seed=whole("seed", seed, 2**32 - 1, least=0),
        outputs=OUTPUTS_NAME,
        no_timing=address.kind == "emulator",
        progress=True,
    )
    if address.kind == "emulator" and sustained is not None:
        raise InputError("an emulator tells no time", where="--sustained", next_step="run it on the device itself")
    if keep:
        require_place(profile)
    if time_limit_s is None:
        time_limit_s = SPARE_S + request.longest + 60 * (sustained or 0)
    time_limit_s = number(TIME_LIMIT, time_limit_s, "--time-limit")
    if python is not None and not (python and python.isprintable()):
        raise InputError("not the path of a Python", where="--python", received=repr(python[:200]))
    session = Session(
        profile=profile, address=address, path=path, model=model, inputs=tuple(arrays), request=request, python=python,
        runtime=runtime, time_limit_s=time_limit_s, keep=keep, progress=progress,
    )  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="edgekit-bench-") as scratch:
        return session.run(Path(scratch))
