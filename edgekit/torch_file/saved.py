"""The files that torch.jit.save and torch.save write: which of them has a network in it, by the members of its archive.

Only TorchScript holds a network, as code and pickles that PyTorch runs when it reads them; so it takes the user's trust. Nothing is read by PyTorch here.
"""

from __future__ import annotations

from pathlib import Path

from edgekit.errors import ModelError, TrustError
from edgekit.torch_file.archive import Malformed, Members
from edgekit.torch_file.code import in_pickle

ENDINGS = (".pt", ".pth", ".jit")
LARGEST_PICKLE = 256 * 2**20
EXPORT = "torch.export.save(torch.export.export(model.eval(), (example,)), 'net.pt2')"
BY_FUNCTION = (
    "name a module:function that makes the network, loads the weights into it and returns (module, example inputs)"
)


def is_saved(path: Path) -> bool:
    """Whether a path is named as what torch.save and torch.jit.save write."""
    return path.name.lower().endswith(ENDINGS) and not path.is_dir()


def require_torchscript(path: Path, *, trust: bool) -> None:
    """Raise `ModelError` for a file that holds no network, which says what to do, and `TrustError` for TorchScript that is not trusted."""
    try:
        with path.open("rb") as file:
            found = _no_network(Members(file, path.stat().st_size, compressed=True))
    except Malformed as problem:
        raise ModelError(
            "not a file of TorchScript", where=str(path), received=str(problem), allowed="what torch.jit.save writes, or a program (.pt2)",
            next_step=f"where the network is at hand: {EXPORT}",
        ) from None  # fmt: skip
    except OSError as problem:
        raise ModelError("the model cannot be read", where=str(path), received=problem.strerror) from None
    if found:
        what, step = found
        raise ModelError(
            what, where=str(path), allowed="TorchScript, or a program of torch.export (.pt2)", next_step=step
        )
    if not trust:
        raise TrustError(
            "TorchScript holds code and pickles that run on this machine when PyTorch reads it", where=str(path), received="TorchScript",
            allowed="a program of torch.export (.pt2), which is judged before it is read",
            next_step=f"say --trust if you made this file, or export the network again: {EXPORT}",
        )  # fmt: skip


def _no_network(members: Members) -> tuple[str, str] | None:
    """What an archive without a network holds, and what to do then; None for TorchScript."""
    if "constants.pkl" in members.names and any(name.startswith("code/") for name in members.names):
        return None
    if in_pickle(members.content("data.pkl", LARGEST_PICKLE)):
        return "the file holds a pickled module, whose code is elsewhere", f"where its class is at hand: {EXPORT}"
    return "the file holds weights, and no network that they are of", f"{BY_FUNCTION}; or {EXPORT}"
