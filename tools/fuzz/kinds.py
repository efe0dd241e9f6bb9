"""The kinds of input: how one is made from the corpus, and which of edgekit's ways in reads it.

Every input is a function of the seed, its kind and its number. `share` is how many of a kind a full run has; a route has
`every`: every so many inputs of the kind go that way, the others to the route before it.
"""

from __future__ import annotations

import dataclasses
import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import archives
import configs
import mutate
import pictures
import tables
import words
from corpus import ROOT

Damage = Callable[[bytes, random.Random, list[bytes]], bytes]
GOLDEN = str(ROOT / "tests" / "golden" / "int8.tflite")
RPI4 = ("--device", "rpi4")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Route:
    """A way in: a method of `readers.Readers`, or a command with `{}` for the input and `{here}` for its folder."""

    name: str
    every: int = 1
    arguments: tuple[str, ...] | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of input."""

    name: str
    share: int
    suffix: str
    damage: Damage | None
    routes: tuple[Route, ...]
    like: str = ""

    @property
    def seeds(self) -> str:
        """The kind whose sound files it begins with."""
        return self.like or self.name

    def route(self, number: int) -> Route:
        """The rarest route whose turn it is."""
        return max((route for route in self.routes if number % route.every == 0), key=lambda route: route.every)


def _flatbuffer(content: bytes, rng: random.Random, others: list[bytes]) -> bytes:
    return mutate.several(content, rng, others, mutate.FLATBUFFER)


def _bytes(content: bytes, rng: random.Random, others: list[bytes]) -> bytes:
    return mutate.several(content, rng, others, mutate.ANY)


def _protobuf(content: bytes, rng: random.Random, others: list[bytes]) -> bytes:
    return mutate.several(content, rng, others, mutate.PROTOBUF)


def _command(name: str, every: int, *arguments: str) -> Route:
    return Route(name=name, every=every, arguments=arguments)


_CHECK = _command("edgekit check", 31, "check", "{}", *RPI4)
_PLAN = _command("edgekit plan", 53, "plan", "--model", "{}", *RPI4)
KINDS = (
    Kind(name="tflite", share=2800, suffix=".tflite", damage=_flatbuffer,
         routes=(Route(name="tflite_read"), Route(name="tflite_check", every=4), _CHECK)),
    Kind(name="keras", share=1500, suffix=".keras", damage=archives.archive, routes=(Route(name="model_load"), _PLAN)),
    Kind(name="h5", share=1500, suffix=".h5", damage=configs.hdf5_model, routes=(Route(name="model_load"), _PLAN)),
    Kind(name="onnx", share=2000, suffix=".onnx", damage=_protobuf,
         routes=(Route(name="onnx_read"), Route(name="model_load", every=4), Route(name="init", every=9), _PLAN)),
    Kind(name="pt2", share=2000, suffix=".pt2", damage=archives.stored,
         routes=(Route(name="torch_read"), Route(name="torch_load", every=8), Route(name="init", every=9))),
    Kind(name="npz", share=1600, suffix=".npz", damage=archives.archive,
         routes=(Route(name="npz_spool"), Route(name="npz_open", every=9),
                 _command("edgekit check --data", 41, "check", GOLDEN, *RPI4, "--data", "{}"))),
    Kind(name="csv", share=700, suffix=".csv", damage=tables.table, routes=(Route(name="table_spool"), Route(name="init", every=7))),
    Kind(name="parquet", share=200, suffix=".parquet", damage=_bytes, routes=(Route(name="table_spool"),)),
    Kind(name="picture", share=900, suffix=".png", damage=pictures.picture,
         routes=(Route(name="picture_folder"), Route(name="picture_init", every=19))),
    Kind(name="project", share=800, suffix=".toml", damage=words.toml_document,
         routes=(Route(name="project_load"), _command("edgekit plan", 37, "plan", *RPI4, "--project", "{here}/folder"))),
    Kind(name="profile", share=800, suffix=".toml", damage=words.toml_document,
         routes=(Route(name="profile_load"), _command("edgekit devices", 29, "devices", "{}"),
                 _command("edgekit check", 53, "check", GOLDEN, "--device", "{}"))),
    Kind(name="report", share=300, suffix=".json", damage=words.json_document, routes=(Route(name="report_read"),)),
    Kind(name="plan", share=100, suffix=".json", damage=words.json_document, routes=(Route(name="plan_read"),)),
    Kind(name="manifest", share=200, suffix=".json", damage=words.json_document, routes=(Route(name="manifest_replace"),)),
    Kind(name="cache", share=400, suffix="", damage=None,
         routes=(Route(name="cache_find"), _command("edgekit build", 10, "build", *RPI4, "--project", "{project}", "--out", "{here}/out"))),
    Kind(name="compare_report", share=300, suffix=".json", like="report", damage=words.json_document,
         routes=(Route(name="compare"), _command("edgekit compare", 31, "compare", "{}", "{report}", "--fail-if", "flash>+2%"))),
    Kind(name="compare_tflite", share=220, suffix=".tflite", like="tflite", damage=_flatbuffer,
         routes=(Route(name="compare"), _command("edgekit compare", 31, "compare", GOLDEN, "{}", "--fail-if", "flash>+2%"))),
    Kind(name="inspect_tflite", share=200, suffix=".tflite", like="tflite", damage=_flatbuffer,
         routes=(Route(name="inspect"), _command("edgekit inspect", 31, "inspect", "{}", *RPI4))),
    Kind(name="given_tflite", share=200, suffix=".tflite", like="tflite", damage=_flatbuffer,
         routes=(Route(name="tflite_given"), _PLAN)),
    Kind(name="diet_tflite", share=200, suffix=".tflite", like="tflite", damage=_flatbuffer,
         routes=(Route(name="diet"), Route(name="diet_proven", every=7),
                 _command("edgekit diet", 31, "diet", "{}", "--out", "{here}/out/small.tflite", "--inputs", "2"))),
    Kind(name="init_npz", share=60, suffix=".npz", like="npz", damage=archives.archive, routes=(Route(name="init"),)),
    Kind(name="init_keras", share=60, suffix=".keras", like="keras", damage=archives.archive, routes=(Route(name="init"),)),
    Kind(name="init_h5", share=60, suffix=".h5", like="h5", damage=configs.hdf5_model, routes=(Route(name="init"),)),
    Kind(name="lock", share=100, suffix=".lock", damage=words.json_document, routes=(Route(name="lock_read"),)),
)  # fmt: skip

FULL = sum(kind.share for kind in KINDS)


def write(
    kind: Kind, number: int, seed: int, folder: Path, corpus: dict[str, list[bytes]], made: Path
) -> tuple[Path, list[str] | None]:
    """Write input `number` of a kind into a folder; its path, and the arguments where its route is a command."""
    rng, route = random.Random(f"{seed}-{kind.name}-{number}"), kind.route(number)
    if kind.name == "cache":
        path = _whole_cache(rng, folder, made) if route.arguments else _entry(rng, folder, made)
    else:
        assert kind.damage is not None
        seeds = corpus[kind.seeds]
        path = folder / f"input{kind.suffix}"
        path.write_bytes(kind.damage(rng.choice(seeds), rng, seeds))
    if route.arguments is None:
        return path, None
    if kind.name == "project":
        shutil.copytree(made / "project", folder / "folder")
        shutil.copy(path, folder / "folder" / "edgekit.toml")
    names = {"{}": str(path)}
    filled = [
        names.get(part, part)
        .replace("{here}", str(folder))
        .replace("{project}", str(made / "project"))
        .replace("{report}", str(made / "out" / "rpi4" / "report.json"))
        for part in route.arguments
    ]
    return path, filled


def _entry(rng: random.Random, folder: Path, made: Path) -> Path:
    """One entry of the real cache, damaged; beside it the sound one."""
    entry = rng.choice(sorted(path.parent for path in (made / "cache").glob("*/*/entry.json")))
    path = folder / f"{entry.parent.name}-entry"
    shutil.copytree(entry, path)
    (folder / "sound").symlink_to(entry)
    _damage_entry(path, rng)
    return path


def _damage_entry(path: Path, rng: random.Random) -> None:
    files = sorted(part for part in path.rglob("*") if part.is_file())
    for _ in range(rng.choice((1, 1, 2))):
        part, how = rng.choice(files), rng.randrange(8)
        if not part.is_file() or part.is_symlink():
            continue
        if how == 0:
            part.unlink()
        elif how == 1:
            part.unlink()
            part.mkdir()
            (part / "inside").touch()
        elif how == 2:
            part.rename(part.with_name(part.name + ".old"))
        elif how == 3:
            part.unlink()
            part.symlink_to(rng.choice(("/dev/null", "/nowhere", str(path), "entry.json")))
        else:
            content = part.read_bytes()
            damage = words.json_document if part.suffix == ".json" else _flatbuffer
            part.write_bytes(damage(content, rng, [content]))


def _whole_cache(rng: random.Random, folder: Path, made: Path) -> Path:
    """A copy of the cache with one entry damaged.

    Every other time it is an array or a model whose hash fits the damage: large ones are compared by size alone.
    """
    path = folder / "cache"
    shutil.copytree(made / "cache", path)
    if rng.random() < 0.5:
        _damage_entry(rng.choice(sorted(index.parent for index in path.glob("*/*/entry.json"))), rng)
        return path
    from edgekit.jobs.cache import seal

    part = rng.choice(sorted(part for part in path.glob("*/*/*") if part.suffix in (".npy", ".h5", ".tflite")))
    content = part.read_bytes()
    table = {".npy": mutate.NPY, ".h5": mutate.HDF5}.get(part.suffix, mutate.FLATBUFFER)
    part.write_bytes(mutate.several(content, rng, [content], table))
    seal(part.parent)
    return path


def numbered(count: int) -> list[tuple[Kind, int]]:
    """The inputs of a run of so many, each kind with its share and all kinds spread over the run."""
    turns = []
    for kind in KINDS:
        size = max(1, round(count * kind.share / FULL))
        turns += [((number + 0.5) / size, kind.name, kind, number) for number in range(size)]
    return [(kind, number) for _, _, kind, number in sorted(turns, key=lambda turn: turn[:2])][:count]


def as_json(found: dict[str, object]) -> str:
    """A document for people and programs."""
    return json.dumps(found, indent=2, sort_keys=True) + "\n"
