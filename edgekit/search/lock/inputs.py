"""The present state that is compared with a lock: a project's inputs, settings, versions, profiles and limits, by hash.

Files are hashed and sources are read; nothing is loaded or run before the comparison. `hold` compares.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from edgekit.devices.profile import DeviceProfile
from edgekit.documents.lockfile import Loaded, LockedInputs, LockedSource
from edgekit.errors import ProjectError
from edgekit.ingest.dataset import Dataset
from edgekit.ingest.model import OpenedModel, data_digest, model_digest
from edgekit.ingest.objects import keep_model
from edgekit.jobs.cache import INDEX, Cache, digest_of, file_digest, versions
from edgekit.project.project import Project
from edgekit.project.project_file import ModelTable
from edgekit.project.userfunction import is_function, module_identities
from edgekit.values import to_builtins

FACTS = "facts.json"
"""A file beside a loaded model's weights; its figures are measured, so they are not locked."""
# The name of a caller's own objects in the lock.
OBJECT = "(an object)"
# Settings that do not change the bytes of a result: where results go, how long to search, each device's own settings,
# checks of inputs and outputs, remarks.
_NOT_SETTINGS = ("root", "devices", "time_budget_s", "budget", "emulate", "strict", "notes")

_PLACES = ("source", "model", "import")
"""Keys of tables that say where an input is."""


def present(settings: Project, model: Any, data: Any, replacement: Any, cache: Cache) -> LockedInputs:
    """The present inputs, settings and versions; `model`, `data` and `replacement` are the caller's arguments.

    Files are hashed and sources read; nothing is loaded or run. Raises `ModelError`, `DataError`, `ProjectError`.
    """
    root = Path(settings.root)
    functions = [
        source.partition(":")[0]
        for source in (*map(_named, (settings.model, settings.data, settings.replacement)), _metric_of(settings))
        if is_function(source)
    ]
    modules: dict[str, str] = {}
    for name in (*functions, *settings.imports):
        modules |= module_identities(name, root=root, error=ProjectError)
    return LockedInputs(
        model=_model(settings, settings.model, model, cache),
        data=_data(settings, data, cache),
        replacement=_replacement(settings, replacement, cache),
        modules=dict(sorted(modules.items())),
        settings=_settings(settings),
        versions=versions(),
    )


def _metric_of(settings: Project) -> str:
    return "" if settings.goal.metric is None else settings.goal.metric.name


def _named(table: Any) -> str:
    return "" if table is None or table.source is None else str(table.source)


def _model(settings: Project, table: ModelTable | None, given: Any, cache: Cache) -> LockedSource:
    if given is not None and not isinstance(given, str | Path):
        return LockedSource(source=OBJECT, sha256=Path(keep_model(given, cache).source).parent.name)
    assert table is not None
    root = Path(settings.root)
    content = model_digest(table, root, cache)  # for a function too: raises if it cannot be found
    return LockedSource(source=_within(table.source, root), sha256=None if is_function(table.source) else content)


def _replacement(settings: Project, given: Any, cache: Cache) -> LockedSource | None:
    """The network that is offered in the model's place; None where there is none, or where it is derived from the model."""
    table = None if settings.replacement is None else settings.replacement.as_model
    is_object = given is not None and not isinstance(given, str | Path)
    return _model(settings, table, given, cache) if is_object or table is not None else None


def _data(settings: Project, given: Any, cache: Cache) -> LockedSource:
    """Objects have no hash before they are read: their arrays are compared later."""
    if given is not None and not isinstance(given, str | Path):
        return LockedSource(source=OBJECT, sha256=None)
    assert settings.data is not None
    root, table = Path(settings.root), settings.data
    content = data_digest(table, root, cache)
    return LockedSource(source=_within(table.source, root), sha256=None if is_function(table.source) else content)


def _within(source: str, root: Path) -> str:
    """A path relative to the project's folder; for one outside only its last name, since a lock is also for other machines."""
    if is_function(source):
        return source
    path = (root / source).absolute()
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name


def _settings(settings: Project) -> dict[str, Any]:
    """Every setting that may change what is made or chosen, by dotted key, as JSON builtins."""
    raw = {name: value for name, value in to_builtins(settings).items() if name not in _NOT_SETTINGS}
    raw["goal"].pop("max_drop_points")  # it is stored with each device's limits
    # an input's place is no setting: what is there is compared
    named = {name: value or {} for name, value in raw.items() if value is None or isinstance(value, dict)}
    raw |= {name: {key: one for key, one in table.items() if key not in _PLACES} for name, table in named.items()}
    flat: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(_flat(raw)))
    return dict(sorted(flat.items()))


def _flat(raw: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in raw.items():
        flat |= _flat(value, f"{before}{name}.") if isinstance(value, dict) else {f"{before}{name}": value}
    return flat


def limits_to_lock(settings: Project) -> dict[str, float]:
    """The limits that a project sets beside the profile's own, by metric name."""
    return settings.limits.values


def profile_digest(profile: DeviceProfile) -> str:
    """The hash of a profile without figures that are read live: another machine or clock must not make it another profile."""
    raw = to_builtins(profile)
    for place in ("file", "overlay"):  # where it is stored is not part of its content
        raw.pop(place, None)
    for dotted in raw.pop("live", ()):
        *parents, name = dotted.split(".")
        table = raw
        for parent in parents:
            table = table.get(parent) or {}
        table.pop(name, None)
    return digest_of(raw)


def loaded(model: OpenedModel, dataset: Dataset, replacement: OpenedModel | None, cache: Cache) -> Loaded:
    """The weights and the arrays that were read: this shows if a function gives something else each time."""
    arrays = sorted(Path(dataset.root).glob("*.npy"))
    return Loaded(
        model=_weights(model),
        data=digest_of({path.name: cache.digest(path) for path in arrays}),
        replacement=None if replacement is None else _weights(replacement),
    )


def _weights(model: OpenedModel) -> str:
    files = sorted(path for path in Path(model.folder).rglob("*") if path.name not in (INDEX, FACTS))
    return digest_of({path.name: file_digest(path) for path in files if path.is_file()})
