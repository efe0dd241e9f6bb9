"""Which distributions edgekit needs, which of them are installed, and whether it is tested with those versions.

Names and versions are read from pip's metadata, in a checkout from its own `pyproject.toml`; no package is imported.
"""

from __future__ import annotations

import functools
import importlib.metadata
import sys
from typing import TYPE_CHECKING

from edgekit.documents.health import ExtraHealth, Installed, PackageHealth
from edgekit.machine.extras import DISTRIBUTION, own_environment_line, pip_line
from edgekit.version import PACKAGE

if TYPE_CHECKING:
    from packaging.requirements import Requirement

BASE = "base"
# The versions that this release was tested with, of packages that results depend on.
TESTED = {
    "ai-edge-litert": "2.3", "numpy": "2.4", "scipy": "1.17", "tensorflow": "2.21", "tf-keras": "2.21", "keras": "3.15",
    "tensorflow-model-optimization": "0.8", "tflite-micro": "0.dev20261023", "pillow": "13", "h5py": "3.14",
}  # fmt: skip
# They come with TensorFlow, whose requirements say which versions.
WITH_TENSORFLOW = ("keras", "h5py")
# It needs an older numpy than the versions that the rest is tested with and other packages need.
OWN_ENVIRONMENT = ("tflite-runtime",)
CHECKOUT = PACKAGE.resolve().parent / "pyproject.toml"


def packages() -> tuple[PackageHealth, ...]:
    """Every distribution that edgekit or one of its extras needs on this Python and processor, each once."""
    found: dict[str, dict[str, str]] = {}
    for part, requirements in wanted().items():
        for requirement in requirements:
            found.setdefault(_normal(requirement.name), {})[part] = str(requirement.specifier)
    for name in WITH_TENSORFLOW if "tensorflow" in found else ():
        found.setdefault(name, {"build": ""})
    return tuple(_package(name, by_part) for name, by_part in found.items())


def extras() -> tuple[ExtraHealth, ...]:
    """Each extra, whether all of it is installed in allowed versions, and the line that installs it."""
    return tuple(_extra(name, requirements) for name, requirements in wanted().items() if name != BASE)


@functools.cache
def wanted() -> dict[str, tuple[Requirement, ...]]:
    """The requirements of the base and of each extra that apply here; an empty tuple for an extra without any."""
    from packaging.requirements import Requirement

    base, by_extra = _texts()
    found = {BASE: base, **by_extra}
    return {
        part: tuple(
            requirement
            for requirement in map(Requirement, texts)
            if requirement.marker is None or requirement.marker.evaluate({"extra": part})
        )
        for part, texts in found.items()
    }


def version_of(name: str) -> str | None:
    """The installed version of a distribution; None if it is not installed."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _texts() -> tuple[list[str], dict[str, list[str]]]:
    """Requirements as text; in a checkout from its own file, since pip's metadata may be older."""
    if CHECKOUT.is_file():
        if sys.version_info >= (3, 11):
            import tomllib
        else:
            import tomli as tomllib
        project = tomllib.loads(CHECKOUT.read_text(encoding="utf-8")).get("project", {})
        if project.get("name") == DISTRIBUTION:
            return list(project["dependencies"]), dict(project["optional-dependencies"])
    try:
        metadata = importlib.metadata.metadata(DISTRIBUTION)
    except importlib.metadata.PackageNotFoundError:
        return [], {}
    every = importlib.metadata.requires(DISTRIBUTION) or []
    names = metadata.get_all("Provides-Extra") or []
    return [text for text in every if "extra ==" not in text], {
        name: [text for text in every if f"extra == '{name}'" in text.replace('"', "'")] for name in names
    }


def _package(name: str, by_part: dict[str, str]) -> PackageHealth:
    """A distribution with the versions that the base allows, else those of the extras; each extra checks its own as well."""
    version = version_of(name)
    allowed = by_part[BASE] if BASE in by_part else ",".join(sorted({text for text in by_part.values() if text}))
    return PackageHealth(
        name=name,
        version=version,
        allowed=allowed,
        needed_by=tuple(by_part),
        outcome=_outcome(name, version, allowed),
        tested=TESTED.get(name, ""),
    )


def _outcome(name: str, version: str | None, allowed: str) -> Installed:
    from packaging.specifiers import SpecifierSet

    if version is None:
        return "missing"
    if not SpecifierSet(allowed).contains(version, prereleases=True):
        return "outside"
    tested = TESTED.get(name)
    if tested is None or version == tested or version.startswith((f"{tested}.", f"{tested}+")):
        return "ok"
    return "ok" if "dev" in tested and version.startswith(tested) else "untested"


def _extra(name: str, requirements: tuple[Requirement, ...]) -> ExtraHealth:
    versions = {str(requirement): version_of(requirement.name) for requirement in requirements}
    missing = tuple(each.name for each in requirements if versions[str(each)] is None)
    outside = tuple(
        f"{each.name} {version}"
        for each in requirements
        if (version := versions[str(each)]) is not None and not each.specifier.contains(version, prereleases=True)
    )
    complete = bool(requirements) and not missing and not outside
    install = "" if complete or not requirements else line_for(name)
    return ExtraHealth(name=name, complete=complete, missing=missing, outside=outside, install=install)


def line_for(extra: str | None) -> str:
    """The command that installs an extra, None for edgekit itself; empty if the extra does not exist for this Python."""
    if extra is not None and not wanted().get(extra, True):
        return ""
    return own_environment_line(extra) if extra in OWN_ENVIRONMENT else pip_line(extra)


def _normal(name: str) -> str:
    return name.lower().replace("_", "-")
