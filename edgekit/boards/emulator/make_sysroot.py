"""Makes a sysroot: Debian's packages and the wheels of the runtimes, unpacked into a folder by an ordinary user.

    python -m edgekit.boards.emulator.make_sysroot [--arch aarch64|armv7l] [--out DIR] [--sources FILE] [--again]

apt runs for another architecture with a configuration and package lists of its own, uses the machine's sources (or
those of a file), and checks signatures; pip uses the machine's own index. Nothing of the system is changed. The folder
gets its name only when it is complete and each runtime has been tried in it.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from edgekit.boards.emulator.processors import ARCHITECTURES, Architecture
from edgekit.boards.emulator.qemu import Machine
from edgekit.boards.emulator.sysroot import (
    MANIFEST,
    Manifest,
    Package,
    Sysroot,
    default_folder,
    emulator_version,
    read_sysroot,
)
from edgekit.boards.emulator.unpacking import unpack_deb, unpack_wheel
from edgekit.errors import EdgekitError, MissingExtraError, OutputError
from edgekit.interrupts import interrupt_is_handled
from edgekit.machine.probe import FILE as PROBE
from edgekit.values import to_json

Say = Callable[[str], None]
_SCRATCH = ".making-"
LONGEST_S = 1800
# CPython 3.11 of Debian 12, the last that tflite-runtime has wheels for, and the libraries it is linked with.
PACKAGES = (
    "libc6", "libgcc-s1", "libstdc++6", "zlib1g", "libexpat1", "libffi8", "libssl3", "libbz2-1.0", "liblzma5",
    "libsqlite3-0", "libuuid1", "libcrypt1", "libatomic1", "python3.11-minimal", "libpython3.11-minimal",
    "libpython3.11-stdlib", "base-files",
)  # fmt: skip
# numpy has no 32-bit ARM wheel: there it is Debian's, with the libraries that update-alternatives would choose.
NUMPY_PACKAGES = ("python3-numpy", "libblas3", "liblapack3", "libgfortran5")
ALTERNATIVES = {"libblas.so.3": "blas/libblas.so.3", "liblapack.so.3": "lapack/liblapack.so.3"}
# numpy stays below 2 for tflite-runtime; LiteRT runs with 1 and 2.
WHEELS: dict[str, tuple[str, ...]] = {
    "aarch64": ("tflite-runtime==2.14.0", "ai-edge-litert==2.3.0", "numpy==1.26.4"),
    "armv7l": ("tflite-runtime==2.14.0",),
}
# A system with glibc 2.36 takes wheels for any older glibc.
GLIBCS = ("2_34", "2_28", "2_27", "2_17")
RUNTIMES = {"tflite_runtime": "tflite-runtime", "litert": "ai-edge-litert"}


def make_sysroot(
    architecture: Architecture,
    folder: Path | None = None,
    *,
    sources: Path | None = None,
    again: bool = False,
    say: Say = lambda text: None,
) -> Sysroot:
    """A complete sysroot in `folder` (None: the default one): the existing one, or a new one if there is none or `again` is set.

    Raises `MissingExtraError` if apt-get, dpkg-deb, pip, the emulator or the network is missing, `OutputError`
    if the folder cannot be written or holds something else; an existing sysroot is then still there.
    """
    emulator = emulator_version(architecture)
    target = (folder or default_folder(architecture)).absolute()
    found = read_sysroot(target, architecture)
    if isinstance(found, Sysroot) and not again:
        return found
    for command in ("apt-get", "dpkg-deb"):
        if shutil.which(command) is None:
            raise MissingExtraError(
                f"{command} is not installed",
                next_step="make the sysroot on a Debian or Ubuntu system, and copy its folder here",
            )
    _refuse_what_is_not_ours(target)
    with _scratch(target) as scratch:
        root = scratch / "root"
        root.mkdir()
        packages = [*_debian(architecture, scratch, root, sources, say), *_wheels(architecture, scratch, root, say)]
        say("trying the runtimes under the emulator")
        content = _manifest(architecture, root, packages, emulator)
        (root / MANIFEST).write_text(to_json(content), encoding="utf-8")
        _put(root, target, scratch)
    made = read_sysroot(target, architecture)
    if isinstance(made, str):
        raise OutputError("the sysroot was not whole when it was written", where=str(target), received=made)
    return made


def _debian(architecture: Architecture, scratch: Path, root: Path, sources: Path | None, say: Say) -> Iterator[Package]:
    """Download and unpack Debian's packages."""
    apt = _apt(architecture, scratch, sources)
    names = PACKAGES if architecture.name == "aarch64" else (*PACKAGES, *NUMPY_PACKAGES)
    folder = scratch / "debs"
    folder.mkdir()
    say(f"reading Debian's list of {architecture.debian} packages")
    updated = _run([*apt, "update"], folder)  # one of several sources may fail, such as a mirror that is being updated
    say(f"downloading {len(names)} Debian packages")
    done = _run([*apt, "download", *names], folder)
    if done.returncode != 0:
        raise MissingExtraError(
            f"Debian's {architecture.debian} packages cannot be had",
            received=_apt_says(done) or _apt_says(updated) or f"apt-get ended with {done.returncode}",
            allowed="Debian 12 (bookworm): its Python 3.11 is the last that tflite-runtime has wheels for",
            next_step="see whether the network is there; on another system give Debian 12's sources: --sources FILE",
        )
    for path in sorted(folder.glob("*.deb")):
        name, version = path.name.split("_")[:2]
        unpack_deb(path, root)
        yield _package(name, version.replace("%3a", ":"), path)
    _alternatives(root)


def _alternatives(root: Path) -> None:
    """The links that update-alternatives would make."""
    for folder in (root / "usr/lib").glob("*-linux-gnu*"):
        for name, target in ALTERNATIVES.items():
            if (folder / target).is_file() and not (folder / name).exists():
                (folder / name).symlink_to(target)


def _wheels(architecture: Architecture, scratch: Path, root: Path, say: Say) -> Iterator[Package]:
    """Download and unpack the wheels."""
    folder = scratch / "wheels"
    folder.mkdir()
    wanted = WHEELS[architecture.name]
    say(f"downloading {', '.join(wanted)}")
    platforms = [part for glibc in GLIBCS for part in ("--platform", f"manylinux_{glibc}_{architecture.name}")]
    command = [
        sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:",
        "--implementation", "cp", "--python-version", "3.11", "--abi", "cp311", *platforms,
        "--platform", f"manylinux2014_{architecture.name}", "--dest", str(folder), *wanted,
    ]  # fmt: skip
    done = _run(command, folder)
    if done.returncode != 0:
        raise MissingExtraError(
            f"the {architecture.name} wheels of {', '.join(wanted)} cannot be had",
            received=_last(done.stderr, "ERROR:") or f"pip ended with {done.returncode}",
            next_step="see whether the network is there, and whether pip finds its index",
        )
    into = root / "usr/lib/python3/dist-packages"
    for path in sorted(folder.glob("*.whl")):
        name, version = path.name.split("-")[:2]
        unpack_wheel(path, into)
        yield _package(name.replace("_", "-"), version, path)


def _package(name: str, version: str, path: Path) -> Package:
    import hashlib

    return Package(name=name, version=version, file=path.name, sha256=hashlib.sha256(path.read_bytes()).hexdigest())


def _manifest(architecture: Architecture, root: Path, packages: Sequence[Package], emulator: str) -> Manifest:
    """Try each runtime on a model of one layer, and list what is installed. Raises `MissingExtraError` if none runs."""
    versions = {package.name: package.version for package in packages}
    machine = Machine(root=root, architecture=architecture, compiles=True)
    machine.warm_up()
    runtimes, problems = {}, []
    for kind, name in RUNTIMES.items():
        if name not in versions:
            continue
        ran = machine.rows(PROBE, runtime=kind, threads=1, samples=1, time_limit_s=300)
        if ran.problem is None:
            runtimes[kind] = versions[name]
        else:
            problems.append(f"{name} {versions[name]}: {ran.problem}")
    if not runtimes:
        raise MissingExtraError(
            f"no runtime runs under {architecture.qemu} {emulator}",
            received="; ".join(problems),
            next_step="take another version of QEMU's user emulation (7.2 is known to run them)",
        )
    return Manifest(
        schema_version=1,
        architecture=architecture.name,
        python=_plain_version(versions["python3.11-minimal"]),
        numpy=_plain_version(versions.get("numpy") or versions["python3-numpy"]),
        packages=tuple(sorted(packages, key=lambda package: package.name)),
        runtimes=runtimes,
        files={
            str(path.relative_to(root)): path.lstat().st_size
            for path in sorted(root.rglob("*"))
            if path.is_symlink() or (path.is_file() and path.suffix != ".pyc")
        },
        emulator=emulator,
        problems=tuple(problems),
    )


def _plain_version(version: str) -> str:
    """The upstream part of a Debian version.

    >>> _plain_version("1:1.24.2-1+deb12u1")
    '1.24.2'
    """
    found = re.match(r"(?:\d+:)?(\d+(?:\.\d+)*)", version)
    return found[1] if found else version


def _apt(architecture: Architecture, scratch: Path, sources: Path | None) -> list[str]:
    """apt-get with a state, a cache and an architecture of its own; only its sources and keys are the system's."""
    apt = scratch / "apt"
    for part in ("state/lists/partial", "cache/archives/partial", "log"):
        (apt / part).mkdir(parents=True)
    (apt / "status").touch()
    options = {
        "Dir::State": apt / "state", "Dir::State::status": apt / "status", "Dir::Cache": apt / "cache", "Dir::Log": apt / "log",
        "APT::Architecture": architecture.debian, "APT::Architectures::": architecture.debian,
        "Acquire::Languages": "none", "Acquire::Retries": 2, "Acquire::http::Timeout": 60, "Acquire::https::Timeout": 60,
        # run by root, apt would switch to a user that may not write here
        "APT::Sandbox::User": "root",
    }  # fmt: skip
    if sources is not None:
        options |= {"Dir::Etc::sourcelist": sources.absolute(), "Dir::Etc::sourceparts": "/dev/null"}
    return ["apt-get", *(part for name, value in options.items() for part in ("-o", f"{name}={value}"))]


def _run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a program in a folder to its end, with messages in English."""
    try:
        return subprocess.run(
            command, cwd=folder, env={**os.environ, "LC_ALL": "C.UTF-8"}, stdin=subprocess.DEVNULL, capture_output=True,
            text=True, errors="replace", timeout=LONGEST_S, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise MissingExtraError(
            f"{command[0]} did not finish within {LONGEST_S} s", next_step="see whether the network is there"
        ) from None


def _apt_says(done: subprocess.CompletedProcess[str]) -> str:
    return _last(done.stderr, "E:")


def _last(text: str, mark: str) -> str:
    """The last line that begins with a mark."""
    found = [line.removeprefix(mark).strip() for line in text.splitlines() if line.startswith(mark)]
    return found[-1][:400] if found else ""


def _refuse_what_is_not_ours(target: Path) -> None:
    """Raise unless a given folder is a sysroot, an incomplete one, or empty: it will be replaced."""
    if not os.path.lexists(target):
        return
    ours = target.is_dir() and not target.is_symlink() and ((target / MANIFEST).is_file() or not any(target.iterdir()))
    if not ours:
        raise OutputError(
            "there is something else in the sysroot's place",
            where=str(target),
            allowed="a new or empty folder, or a sysroot, which is replaced",
        )


@contextlib.contextmanager
def _scratch(target: Path) -> Iterator[Path]:
    """A folder beside the target, deleted at the end of the block; those left by processes that have ended are removed."""
    import psutil

    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        for folder in target.parent.glob(f"{_SCRATCH}*"):
            host, _, owner = folder.name.removeprefix(_SCRATCH).rpartition("-")[0].rpartition("-")
            if host == platform.node() and owner.isdigit() and not psutil.pid_exists(int(owner)):
                shutil.rmtree(folder, ignore_errors=True)
        scratch = Path(tempfile.mkdtemp(prefix=f"{_SCRATCH}{platform.node()}-{os.getpid()}-", dir=target.parent))
    except OSError as problem:
        raise _as_output_error(problem, target.parent) from None
    try:
        yield scratch
    except OSError as problem:
        raise _as_output_error(problem, scratch) from problem
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _put(root: Path, target: Path, scratch: Path) -> None:
    """Move a complete folder into its place; if another process was faster, its folder is the same."""
    if os.path.lexists(target):
        target.rename(scratch / "before")
    try:
        root.rename(target)
    except OSError:
        if not (target / MANIFEST).is_file():
            raise


def _as_output_error(problem: OSError, place: Path) -> OutputError:
    return OutputError(
        "the sysroot cannot be written",
        where=str(problem.filename or place),
        received=problem.strerror or str(problem),
        next_step="it takes 300 MB; name another folder with --out, and in EDGEKIT_SYSROOTS",
    )


def main(argv: Sequence[str] | None = None) -> int:
    """The command line: progress to standard error, the folder to standard output; exit codes as edgekit's."""
    parser = argparse.ArgumentParser(prog="make_sysroot", description="Make the folder that stands for a board's disk.")
    parser.add_argument("--arch", choices=ARCHITECTURES, default="aarch64", help="the board's architecture")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where; default EDGEKIT_SYSROOTS, or the user's cache")
    parser.add_argument(
        "--sources", type=Path, metavar="FILE", help="Debian 12's sources, where this is another system"
    )
    parser.add_argument("--again", action="store_true", help="make it anew where there is one")
    given = parser.parse_args(argv)

    def say(text: str) -> None:
        sys.stderr.write(f"{text}\n")

    try:
        made = make_sysroot(
            ARCHITECTURES[given.arch], given.out, sources=given.sources, again=given.again, say=say
        )  # fmt: skip
    except EdgekitError as problem:
        say(f"error: {problem}")
        return problem.exit_code
    except KeyboardInterrupt:
        interrupt_is_handled()
        say("interrupted; nothing was left")
        return 130
    runtimes = ", ".join(f"{RUNTIMES[kind]} {version}" for kind, version in made.manifest.runtimes.items())
    say(f"Python {made.manifest.python}, numpy {made.manifest.numpy}, {runtimes}, under QEMU {made.manifest.emulator}")
    for problem_text in made.manifest.problems:
        say(f"does not run: {problem_text}")
    sys.stdout.write(f"{made.folder}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
