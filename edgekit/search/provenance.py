"""What a result was made of: hashes of all inputs, versions, the seed, and what was not tried for lack of time."""

from __future__ import annotations

from pathlib import Path

import msgspec

from edgekit.devices.profile import DeviceProfile
from edgekit.emit import Provenance
from edgekit.ingest.materials import Materials
from edgekit.jobs.cache import digest_of, file_digest, processor, versions
from edgekit.project.project import PROJECT_FILE
from edgekit.search.loop import Search


def provenance_of(materials: Materials, profile: DeviceProfile, found: Search) -> Provenance:
    """The provenance of a device's result, for its manifest."""
    settings = materials.project
    inputs = {
        "model": materials.model.facts.sha256,
        "data": materials.dataset.content_sha256,
        "profile": digest_of(profile),
        "settings": digest_of(msgspec.structs.replace(settings, root="")),
    }
    project_file = Path(settings.root) / PROJECT_FILE
    if project_file.is_file():
        inputs[PROJECT_FILE] = file_digest(project_file)
    return Provenance(
        inputs=inputs,
        seed=settings.seed,
        versions=versions(),
        processor=processor(),
        time_cut_search=bool(found.not_tried or found.unfinished) or any(one.cut for one in found.finished),
        not_tried=found.not_tried,
    )
