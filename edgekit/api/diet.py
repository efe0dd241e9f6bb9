"""`edgekit diet`: a `.tflite` file without the bytes that no runtime needs, shown to compute the same, written completely.

The join of taking the file apart (`tflite/diet`), running it before and after (`measure/same`) and writing it. It needs
no TensorFlow, and loads no interpreter itself.
"""

from __future__ import annotations

import hashlib
import stat
import tempfile
import zlib
from pathlib import Path

from msgspec.structs import replace

from edgekit.documents.diet import DietResult, Proof
from edgekit.errors import InputError, OutputError
from edgekit.files import prepare, replace_file
from edgekit.progress import Progress, no_progress
from edgekit.tflite.content import read_content
from edgekit.tflite.diet.whole import Dieted, dieted
from edgekit.tflite.layers_beside import layers_beside
from edgekit.watching.auto import Auto, shows_progress

__all__ = ["diet"]

OUTDATED = "what beside it tells of its layers, as a build's report.json, is of the file before, and is no longer used"
UNPROVEN = "no runtime here runs it, so nothing shows that it would compute the same"


@shows_progress
def diet(
    tflite: str | Path,
    *,
    out: str | Path | None = None,
    in_place: bool = False,
    keep_names: bool = False,
    prove: bool = True,
    inputs: int = 200,
    progress: Progress | Auto = no_progress,
) -> DietResult:
    """Make a `.tflite` file smaller without changing what any runtime computes from it.

    `out` is where the smaller file is written, completely or not at all; an earlier file there is replaced. With
    `in_place` it replaces the file that was read; without either nothing is written. `keep_names` keeps the names of
    inner tensors.

    With `prove` both files run on `inputs` random inputs on each runtime that is installed. If an output differs in a
    bit, the outcome is `fail` and nothing is written; if no runtime runs the file, it stays as it is. Without `prove`
    neither file is run.

    Raises `ModelError` for a file that is not a whole `.tflite`, `InputError` for arguments that exclude each other or
    less than one input, `OutputError` if `out` is the file that is read or cannot be written.
    """
    assert not isinstance(progress, str)  # `shows_progress` has put a callable in its place
    for name, value in (("keep_names", keep_names), ("prove", prove), ("in_place", in_place)):
        if not isinstance(value, bool):
            raise InputError("neither true nor false", where=name, received=repr(value)[:100], allowed="True or False")
    if inputs < 1:
        raise InputError("not a number of inputs", where="inputs", received=inputs, allowed="1 or more")
    path = Path(tflite)
    content = read_content(path)
    target = _target(path, None if out is None else Path(out), in_place=in_place)
    found = dieted(content, where=str(path), keep_names=keep_names)
    proof = _proof(content, found.content, inputs, progress) if prove and found.reason is None else None
    if proof is not None and proof.outcome == "not run":
        found = Dieted(content=content, reason=f"{UNPROVEN}: {proof.reason}")
    fails = proof is not None and proof.outcome == "different"
    if in_place and found.content != content and layers_beside(path, content):
        found = replace(found, notes=(*found.notes, OUTDATED))
    if target is not None and not fails and not (in_place and found.content == content):
        rights = stat.S_IMODE(path.stat().st_mode) if in_place else None
        replace_file(target, found.content)
        if rights is not None:
            target.chmod(rights)
    written = None if target is None or fails else str(path if in_place else out)
    return _result(path, written, content, found, proof, fails=fails)


def _target(path: Path, out: Path | None, *, in_place: bool) -> Path | None:
    """Where to write, looked at before the work: the file that is read only if that is asked for, and never a folder."""
    if in_place and out is not None:
        raise InputError("two places to write to", where="--in-place", received=str(out), allowed="--out or --in-place")
    if out is None and not in_place:
        return None
    try:
        target = (path if out is None else out).resolve()
        is_input = out is not None and target.exists() and target.samefile(path)
        is_taken = target.exists() and not target.is_file()
    except (OSError, ValueError, RuntimeError) as problem:
        said = getattr(problem, "strerror", None) or str(problem)
        raise OutputError(
            "the file cannot be written", where=str(out), received=said, next_step="name another"
        ) from None
    if is_input:
        what = "the file to write is the one that is read"
        raise OutputError(what, where=str(out), next_step="name another file, or say --in-place")
    if is_taken:
        raise OutputError("not a file", where=str(out), next_step="name a file, new or to be replaced")
    prepare(target.parent)
    return target


def _proof(before: bytes, after: bytes, inputs: int, progress: Progress) -> Proof:
    """Both files on every runtime; what is compared is what was read, even if the file has changed since."""
    from edgekit.measure.same import prove_same  # loads numpy

    with tempfile.TemporaryDirectory(prefix="edgekit-diet-") as folder:
        paths = Path(folder, "before.tflite"), Path(folder, "after.tflite")
        for path, content in zip(paths, (before, after), strict=True):
            path.write_bytes(content)
        return prove_same(*paths, inputs=inputs, progress=progress)


def _result(
    path: Path, out: str | None, content: bytes, found: Dieted, proof: Proof | None, *, fails: bool
) -> DietResult:
    from edgekit.version import __version__

    return DietResult(
        edgekit_version=__version__,
        outcome="fail" if fails else "pass",
        path=str(path),
        out=out,
        reason=f"it computes something else afterwards: {proof.reason}" if fails and proof else found.reason,
        sha256_before=hashlib.sha256(content).hexdigest(),
        sha256_after=hashlib.sha256(found.content).hexdigest(),
        flash_before=len(content),
        flash_after=len(found.content),
        download_before=len(zlib.compress(content, 9)),
        download_after=len(zlib.compress(found.content, 9)),
        savings=found.savings,
        notes=found.notes,
        proof=proof,
    )
