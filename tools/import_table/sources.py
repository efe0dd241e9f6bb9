"""Where the table's models come from: the wheel of `onnx`, networks of our own, and files that the caller has in a folder."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

from import_table.filled import filled
from import_table.network import Network
from import_table.own import OWN

Group = Literal["light", "own", "given"]
ENDINGS = (".onnx", ".pt2")
SIZES = "sizes.json"
"""Beside this file, and in the folder of `--models`: by the file's name the sizes of a sample of each input, where the file leaves some free; or `sizes`
with `held`, the values that other inputs are held at."""
LIGHT = "backend/test/data/light"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Source:
    """A model of the table: `put` writes its file into a folder; `expected` are files of the outputs that its makers say it has.

    `judged` writes the same network with weights by which techniques can be judged, where its own are no such. `held` are the values that some of its
    inputs are held at, `sizes` those of the others.
    """

    name: str
    group: Group
    put: Callable[[Path], Path]
    expected: tuple[Path, ...] = ()
    judged: Callable[[Path], Path] | None = None
    sizes: tuple[tuple[int, ...], ...] | None = None
    held: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def path(self) -> str:
        """What a pattern is matched with, as in 'own/slices'."""
        return f"{self.group}/{self.name}"


def sources(folder: Path | None) -> list[Source]:
    """Every model: those of the wheel, our own, and those in the caller's folder."""
    return [*light(), *own(), *([] if folder is None else given(folder))]


def light() -> list[Source]:
    """The light models of the package `onnx`: well-known networks without their weights, with the outputs that they must have."""
    spec = importlib.util.find_spec("onnx")
    if spec is None or not spec.submodule_search_locations:
        return []
    folder = Path(spec.submodule_search_locations[0]) / LIGHT
    return [
        Source(
            name=path.stem.removeprefix("light_"), group="light", put=_copying(path),
            expected=tuple(sorted(folder.glob(f"{path.stem}_output_*.pb"))), judged=_filling(path),
        )
        for path in sorted(folder.glob("*.onnx"))
    ]  # fmt: skip


def own() -> list[Source]:
    """The networks of `own`."""

    def writing(name: str) -> Callable[[Path], Path]:
        def put(folder: Path) -> Path:
            net = Network()
            net.save(folder / "network.onnx", *OWN[name](net))
            return folder / "network.onnx"

        return put

    return [Source(name=name, group="own", put=writing(name)) for name in OWN]


def given(folder: Path) -> list[Source]:
    """The files of a folder, with the sizes and held values that a `sizes.json` beside them or the table's own gives."""
    listed = [path / SIZES for path in (Path(__file__).parent, folder)]
    known = {
        name: one for path in listed if path.is_file() for name, one in json.loads(path.read_text("utf-8")).items()
    }
    found = (path for path in sorted(folder.iterdir()) if path.suffix.lower() in ENDINGS)
    return [
        Source(name=path.name, group="given", put=_copying(path), **_of_inputs(known.get(path.name))) for path in found
    ]


def _of_inputs(entry: Any) -> dict[str, Any]:
    """What a file's entry says of its inputs."""
    told = {"sizes": entry} if isinstance(entry, list) else entry or {}
    sizes = told.get("sizes")
    return {"sizes": None if sizes is None else tuple(map(tuple, sizes)), "held": told.get("held", {})}


def _filling(path: Path) -> Callable[[Path], Path]:
    """The file with random weights."""

    def put(folder: Path) -> Path:
        filled(path, folder / path.name)
        return folder / path.name

    return put


def _copying(path: Path) -> Callable[[Path], Path]:
    """A copy of a file, and of those beside it that hold its constants."""

    def put(folder: Path) -> Path:
        for one in path.parent.glob(f"{path.name}*"):
            shutil.copyfile(one, folder / one.name)
        return folder / path.name

    return put
