"""Whether the door for models of PyTorch is open, for `edgekit doctor`: versions are read, and PyTorch is never imported."""

from __future__ import annotations

from edgekit.documents.health import Ability
from edgekit.errors import MissingExtraError
from edgekit.machine.torch_python import VARIABLE, found_versions, lacking, torch_python

NAME, PURPOSE = "torch", "models of PyTorch: exporting them, and their own answers"
SHOWN = {"torch": "PyTorch", "onnx": "onnx", "onnxscript": "onnxscript"}


def torch_ability(limit_s: float) -> Ability:
    """The versions in this Python, or in the one that is named, which has so many seconds to answer.

    'broken' where what is named is no Python; 'missing', with the line that mends it, where a package is missing there or of another version.
    """
    python = torch_python()
    place = f" in {python}" if python else ""
    try:
        found = found_versions(limit_s)
    except MissingExtraError as problem:
        reason = f"{problem.what}: {problem.received}; {problem.next_step}"
        return Ability(name=NAME, purpose=PURPOSE, outcome="broken", title=f"PyTorch{place}", reason=reason)
    known = ", ".join(f"{title} {found[name]}".strip() for name, title in SHOWN.items() if name in found)
    title = f"{known if 'torch' in found else 'PyTorch'}{place}"
    lack = lacking(found)
    if lack is None:
        return Ability(name=NAME, purpose=PURPOSE, outcome="installed", title=title)
    reason = f"{lack.what}: {lack.received}, where {lack.allowed} is needed" if lack.received else lack.what
    elsewhere = "" if python else f"{VARIABLE} may name a Python that has it"
    reason = "; ".join(filter(None, (reason, lack.step, elsewhere)))
    return Ability(name=NAME, purpose=PURPOSE, outcome="missing", title=title, reason=reason, install=lack.line)
