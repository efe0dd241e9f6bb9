"""The files that torch.jit.save and torch.save write: which of them has a network in it, by the members of its archive.

Only TorchScript holds a network, as code and pickles that PyTorch runs when it reads them; so it takes the user's trust. Nothing is read by PyTorch here.
"""

from __future__ import annotations

import os
from pathlib import Path

from edgekit.errors import ModelError, TrustError
from edgekit.torch_file import kinds
from edgekit.torch_file.archive import Malformed

ENDINGS = (".pt", ".pth", ".jit")


def is_saved(path: Path) -> bool:
    """Whether a path is named as what torch.save and torch.jit.save write."""
    return path.name.lower().endswith(ENDINGS) and not os.path.isdir(path)


def require_torchscript(path: Path, *, trust: bool) -> None:
    """Raise `ModelError` for a file that is no TorchScript, which says what it is and what to do, and `TrustError` for TorchScript that is not trusted."""
    found, received = None, "another archive than those of PyTorch"
    try:
        found = kinds.kind_of(path)
    except Malformed as problem:
        received = str(problem)
    except OSError as problem:
        raise ModelError("the model cannot be read", where=str(path), received=problem.strerror) from None
    if found != kinds.TORCHSCRIPT:
        raise kinds.refused(
            path, received, what="not a file of TorchScript", allowed="TorchScript, or a program of torch.export (.pt2)", wanted=kinds.TORCHSCRIPT
        )  # fmt: skip
    if not trust:
        raise TrustError(
            "TorchScript holds code and pickles that run on this machine when PyTorch reads it", where=str(path), received="TorchScript",
            allowed="a program of torch.export (.pt2), which is judged before it is read",
            next_step=f"say --trust if you made this file, or export the network again: {kinds.EXPORT}",
        )  # fmt: skip
