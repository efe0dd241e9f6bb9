"""What opening a model in ONNX needs of its file and of the data: its hash with the files beside it, the packages, and the sizes that it leaves free."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from edgekit.ingest.wanted import Wanted, has_free, wanted_of_ports
from edgekit.jobs.cache import Cache, digest_of
from edgekit.machine.extras import require
from edgekit.machine.installed import version_of
from edgekit.onnx_file.beside import files_beside, require_sound
from edgekit.onnx_file.held import holdable, not_held
from edgekit.onnx_file.outline import Outline
from edgekit.project.userfunction import is_function

PACKAGES = ("onnx", "onnxruntime")


def require_onnx(purpose: str = "a model in ONNX") -> None:
    """Raise `MissingExtraError` unless what reads ONNX and what it is compared with are installed; neither is imported."""
    require("onnx", *PACKAGES, purpose=purpose)


def import_versions() -> dict[str, str | None]:
    """The versions of the packages that an import depends on."""
    return {name: version_of(name) for name in PACKAGES}


def digest(path: Path, cache: Cache) -> str:
    """The hash of an ONNX file and of the files beside it that hold its constants; raises `ModelError` for one that is not sound."""
    files = files_beside(path, require_sound(path))
    return digest_of([cache.digest(path), {name: cache.digest(file) for name, file in files.items()}])


def has_free_sizes(source: Any, root: Path, held: Mapping[str, Any] = MappingProxyType({})) -> bool:
    """Whether a model is an ONNX file that leaves sizes beside the batch free, of inputs that are not `held` at values; raises `ProjectError` for
    values that it does not take."""
    outline = _outline(source, root)
    if outline is None:
        return False
    holdable(outline, held)
    return has_free(not_held(outline, held))


def wanted_by(source: Any, root: Path, held: Mapping[str, Any] = MappingProxyType({})) -> Wanted:
    """What an ONNX file takes and gives, as far as reading data depends on it before the file is imported."""
    outline = _outline(source, root)
    return Wanted() if outline is None else wanted_of_ports(not_held(outline, held), outline.outputs, held)


def _outline(source: Any, root: Path) -> Outline | None:
    from edgekit.onnx_file.outline import is_onnx

    if not isinstance(source, str | Path) or is_function(str(source)):
        return None
    path = root / source
    return require_sound(path) if os.path.isfile(path) and is_onnx(path) else None
