"""A cache of computed results: folders named by the hash of everything that went into them.

An entry gets its name only when it is complete, with the hashes of its files; a damaged one is deleted and
made again. Scratch folders of processes that have ended are removed. It does not know what an entry holds.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import hashlib
import os
import platform
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import msgspec

from edgekit.errors import InputError, OutputError
from edgekit.jobs.child import DISK_ERRORS
from edgekit.machine.host import usable_cores
from edgekit.version import PACKAGE

CACHE_VARIABLE = "EDGEKIT_CACHE"
INDEX = "entry.json"
_FRESH = "edgekit-fresh-"
# When an entry is opened, larger files are checked by size alone: hashing a whole data set would take too long.
HASHED_BYTES = 16 * 2**20
PACKAGES = (
    "tensorflow", "tf-keras", "keras", "tensorflow-model-optimization", "numpy", "ai-edge-litert", "tflite-runtime", "tflite-micro",
    "pillow", "h5py",
)  # fmt: skip


class Cache:
    """A folder of entries; `fresh=True` makes every entry anew, in a folder that is deleted when the cache is closed.

    `notes` says which damaged entries were found.
    """

    def __init__(self, root: Path | None = None, *, fresh: bool = False) -> None:
        self.notes: list[str] = []
        self._lasting: list[Path] = []
        self._making: dict[tuple[str, str], threading.Lock] = {}
        self._taking = threading.Lock()
        try:
            self._temporary = tempfile.TemporaryDirectory(prefix=f"{_FRESH}{_owner()}-") if fresh else None
            self.root = Path(self._temporary.name if self._temporary else root or default_root()).absolute()
            self._scratch_root.mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            raise _as_output_error(problem, root or default_root()) from None
        self._sweep()

    def __enter__(self) -> Cache:
        return self

    def __exit__(self, *exc: object) -> None:
        for folder in self._lasting:
            shutil.rmtree(folder, ignore_errors=True)
        if self._temporary is not None:
            self._temporary.cleanup()

    def folder(self, kind: str, key: str, make: Callable[[Path], None]) -> Path:
        """The folder of an entry, made by `make(folder)` if there is none.

        If several threads need it at the same time, one makes it and the others wait. Raises what `make` raises, with
        nothing left behind, `OutputError` if the disk is full or read-only, and `InputError` for a file elsewhere that `make` cannot use.
        """
        with self._lock_of(kind, key):
            return self.find(kind, key) or self._made(kind, key, make)

    def _lock_of(self, kind: str, key: str) -> threading.Lock:
        with self._taking:
            return self._making.setdefault((kind, key), threading.Lock())

    def _made(self, kind: str, key: str, make: Callable[[Path], None]) -> Path:
        target = self.root / kind / key
        try:
            with self.scratch() as scratch:
                content = scratch / "entry"
                content.mkdir()
                make(content)
                seal(content)
                target.parent.mkdir(parents=True, exist_ok=True)
                with contextlib.suppress(FileExistsError):
                    _rename(content, target)
        except OSError as problem:
            raise _of_making(problem, self.root) from problem
        return target

    def find(self, kind: str, key: str) -> Path | None:
        """The folder of an entry that exists and is complete; a damaged one is removed."""
        target = self.root / kind / key
        if not os.path.lexists(target):
            return None
        if _is_whole(target):
            return target
        if target.is_symlink() or not target.is_dir():
            target.unlink(missing_ok=True)
        else:
            shutil.rmtree(target, ignore_errors=True)
        self.notes.append(f"the cache's entry {kind}/{key[:8]} was damaged and has been made again")
        return None

    def value(self, kind: str, key: str, make: Callable[[], Any]) -> Any:
        """JSON builtins, computed by `make()` if they are not in the cache."""

        def write(folder: Path) -> None:
            (folder / "value.json").write_bytes(msgspec.json.encode(make()))

        return msgspec.json.decode((self.folder(kind, key, write) / "value.json").read_bytes())

    def digest(self, path: Path) -> str:
        """`file_digest`, remembered for folders and large files until a size, time or inode changes."""
        if path.is_file() and path.stat().st_size <= HASHED_BYTES:
            return file_digest(path)
        files = sorted(part for part in path.rglob("*") if part.is_file()) if path.is_dir() else [path]
        return self._remembered(path, files, lambda: file_digest(path))

    def digest_of_files(self, root: Path, names: Sequence[str]) -> str:
        """The hash of some files of a folder with their names, remembered as by `digest`."""
        files = [root / name for name in names]
        return self._remembered(
            root, files, lambda: digest_of([[ascii(name), file_digest(root / name)] for name in names])
        )

    def _remembered(self, path: Path, files: Sequence[Path], read: Callable[[], str]) -> str:
        """The result of `read`, kept until a size, time or inode of the files changes."""
        stats = [[os.fsencode(f).hex(), (s := f.stat()).st_size, s.st_mtime_ns, s.st_ctime_ns, s.st_ino] for f in files]
        entry = key(path=os.fsencode(path.resolve()).hex(), stats=stats)
        # read before writing to the cache, so that an error in this file is not blamed on the cache
        given = "" if self.find("digests", entry) else read()
        found: str = self.value("digests", entry, lambda: given)
        return found

    @contextlib.contextmanager
    def scratch(self) -> Iterator[Path]:
        """An empty folder on the cache's disk, deleted at the end of the block; raises `OutputError` if none can be made."""
        folder = self._fresh_scratch()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def lasting_scratch(self) -> Path:
        """An empty folder on the cache's disk, deleted when the cache is closed; raises `OutputError` if none can be made."""
        self._lasting.append(self._fresh_scratch())
        return self._lasting[-1]

    def _fresh_scratch(self) -> Path:
        try:
            return Path(tempfile.mkdtemp(prefix=f"{_owner()}-", dir=self._scratch_root))
        except OSError as problem:
            raise _as_output_error(problem, self.root) from None

    @property
    def _scratch_root(self) -> Path:
        return self.root / "scratch"

    def _sweep(self) -> None:
        """Remove the scratch folders and temporary caches of processes that have ended."""
        import psutil

        fresh = Path(tempfile.gettempdir()).glob(f"{_FRESH}*")
        for folder in [*self._scratch_root.iterdir(), *fresh]:
            host, _, owner = folder.name.removeprefix(_FRESH).rpartition("-")[0].rpartition("-")
            if host == platform.node() and owner.isdigit() and not psutil.pid_exists(int(owner)):
                shutil.rmtree(folder, ignore_errors=True)


def _owner() -> str:
    """This process on this machine: a cache may be shared with processes on machines that cannot be seen from here."""
    return f"{platform.node()}-{os.getpid()}"


def default_root() -> Path:
    """`EDGEKIT_CACHE`, else the user's cache folder."""
    named = os.environ.get(CACHE_VARIABLE)
    if named:
        return Path(named)
    import platformdirs

    return Path(platformdirs.user_cache_dir("edgekit"))


def digest_of(value: Any) -> str:
    """SHA-256 of JSON builtins or a value."""
    return hashlib.sha256(msgspec.json.encode(value, order="deterministic")).hexdigest()


def key(**parts: Any) -> str:
    """The name of an entry: the hash of everything that it depends on."""
    return digest_of(parts)[:40]


def file_digest(path: Path) -> str:
    """SHA-256 of a file, or of a folder's files with their names."""
    if path.is_dir():
        hasher = hashlib.sha256()
        for part in sorted(part for part in path.rglob("*") if part.is_file()):
            hasher.update(f"{part.relative_to(path)}\0{file_digest(part)}\n".encode())
        return hasher.hexdigest()
    hasher = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(2**20):
            hasher.update(block)
    return hasher.hexdigest()


@functools.cache
def versions() -> dict[str, str]:
    """Versions of the packages that a result depends on, read without importing them; edgekit's own is the hash of its source."""
    found = {"python": platform.python_version(), "edgekit": _source_digest()}
    for package in PACKAGES:
        with contextlib.suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def processor() -> str:
    """The processor's name and the number of cores used: training gives the same bytes only if both are the same.

    TensorFlow divides its sums among as many threads as there are cores.
    """
    cores = usable_cores()
    return f"{_processor_name()}, {cores} {'core' if cores == 1 else 'cores'}"


@functools.cache
def _processor_name() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith(("model name", "Model", "Hardware")):
                return f"{platform.machine()} {line.split(':', 1)[1].strip()}"
    return f"{platform.machine()} {platform.processor()}".strip()


def _source_digest() -> str:
    hasher = hashlib.sha256()
    for path in sorted([*PACKAGE.rglob("*.py"), *PACKAGE.rglob("*.toml")]):
        hasher.update(path.relative_to(PACKAGE).as_posix().encode() + path.read_bytes())
    return hasher.hexdigest()[:16]


def seal(folder: Path) -> None:
    """Write the index of an entry: its files with their sizes and hashes, and the hash of that list itself."""
    files = _files(folder)
    (folder / INDEX).write_bytes(msgspec.json.encode({"files": files, "sha256": digest_of(files)}))


def _files(folder: Path) -> dict[str, list[Any]]:
    return {
        str(path.relative_to(folder)): [
            path.stat().st_size,
            file_digest(path) if path.stat().st_size <= HASHED_BYTES else "",
        ]
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path != folder / INDEX
    }


def _is_whole(folder: Path) -> bool:
    """Whether an index is unchanged, and every file in it as well."""
    try:
        index = msgspec.json.decode((folder / INDEX).read_bytes())
        return digest_of(index["files"]) == index["sha256"] and all(
            (folder / name).is_file()
            and not (folder / name).is_symlink()
            and (folder / name).stat().st_size == size
            and (not digest or file_digest(folder / name) == digest)
            for name, (size, digest) in index["files"].items()
        )
    except (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return False


def _rename(content: Path, target: Path) -> None:
    """Give a complete entry its name; if another process was faster, its entry is the same."""
    try:
        content.rename(target)
    except OSError as problem:
        if problem.errno in (errno.ENOTEMPTY, errno.EEXIST):
            raise FileExistsError from None
        raise


def _of_making(problem: OSError, root: Path) -> InputError:
    """The error of an entry that cannot be made: of the cache, unless it names a file elsewhere, which what makes the entry reads."""
    place = problem.filename
    is_elsewhere = isinstance(place, str | os.PathLike) and not Path(place).absolute().is_relative_to(root)
    if not is_elsewhere or problem.errno in DISK_ERRORS:
        return _as_output_error(problem, root)
    return InputError("a file that is needed cannot be used", where=str(place), received=problem.strerror)


def _as_output_error(problem: OSError, root: Path) -> OutputError:
    full = problem.errno in (errno.ENOSPC, errno.EDQUOT)
    return OutputError(
        "no space left on the disk" if full else "the cache cannot be written",
        where=str(problem.filename or root),
        received=problem.strerror,
        next_step=f"free some space, or name another folder in {CACHE_VARIABLE}"
        if full
        else f"name a folder that can be written in {CACHE_VARIABLE}",
    )
