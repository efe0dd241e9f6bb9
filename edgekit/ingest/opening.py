"""The model and the data of a project, opened: the caller's own objects, else what the caller or the project names.

It only decides which of them applies: `model` opens paths and functions, `objects` the caller's objects.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from edgekit.errors import ModelError, TrustError
from edgekit.ingest import from_onnx, from_torch
from edgekit.ingest.dataset import Dataset
from edgekit.ingest.derived import derived
from edgekit.ingest.laid_out import laid_out
from edgekit.ingest.match import match_inputs
from edgekit.ingest.model import OpenedModel, open_data, open_model
from edgekit.ingest.objects import keep_data, keep_model
from edgekit.ingest.same_ports import require_same_ports
from edgekit.ingest.wanted import Wanted, wanted_of
from edgekit.jobs.cache import Cache
from edgekit.jobs.pool import Jobs
from edgekit.progress import Progress
from edgekit.project.project import Project
from edgekit.project.userfunction import is_function

OBJECT = "an object of the caller's"
Sizes = tuple[tuple[int, ...], ...] | None
"""The shape of a sample of each input, as the data has it; None where nobody needs it."""
LEAST_OPENING_S = 600.0
"""Loading the model and reading the data may each take at least this long, even if the time budget is shorter:
a function may train the model, and its result is cached."""


def open_project_model(
    model: Any,
    settings: Project,
    cache: Cache,
    pool: Jobs,
    *,
    trust: bool,
    progress: Progress,
    to_train: bool = False,
    sizes: Sizes = None,
) -> OpenedModel:
    """The caller's model, else the project's, with its facts: from the cache, or loaded in a worker.

    `to_train` says that its weights are not those of a trained model yet; `sizes` are those of the data's samples, as `free_sizes` gives them.
    """
    root, table = Path(settings.root), settings.model
    if model is not None and not isinstance(model, str | Path):
        table, trust = keep_model(model, cache), True
    assert table is not None
    return open_model(
        table,
        root=root,
        cache=cache,
        pool=pool,
        seed=settings.seed,
        imports=settings.imports,
        trust=trust,
        progress=progress,
        time_limit_s=max(settings.time_budget_s, LEAST_OPENING_S),
        to_train=to_train,
        sizes=sizes,
    )


def open_project_student(
    student: Any,
    settings: Project,
    model: OpenedModel,
    cache: Cache,
    pool: Jobs,
    *,
    trust: bool,
    progress: Progress,
    sizes: Sizes = None,
) -> OpenedModel | None:
    """The caller's student, else the project's, opened as a model is or derived from it; None where there is none.

    None too where the model is a file that nothing is trained of. Raises `ModelError`, also where it does not take and give what the model does or
    cannot be trained itself, and `TrustError`; both say that it is the student.
    """
    offered = settings.replacement
    if model.facts.untrainable:  # the technique that would train it declines for the same reason
        return None
    if student is not None and not isinstance(student, str | Path):
        with _said_of_the_student():
            table, source, trust = keep_model(student, cache), OBJECT, True
    elif offered is None:
        return None
    elif offered.as_model is None:
        return derived(model, offered, cache, pool, progress=progress)
    else:
        table, source = offered.as_model, _short(offered.as_model.source)
    own = msgspec.structs.replace(settings, model=table)
    with _said_of_the_student():
        found = open_project_model(None, own, cache, pool, trust=trust, progress=progress, to_train=True, sizes=sizes)
    if found.facts.untrainable:
        raise ModelError(
            "a student is trained", where=f"the student: {source}", received=found.facts.untrainable,
            allowed="a network that can be trained: of Keras, PyTorch or ONNX", next_step="name such a network as the student, or leave it out",
        )  # fmt: skip
    require_same_ports(model.facts, found.facts, where=f"the student: {source}")
    return msgspec.structs.replace(found, source=source)


@contextlib.contextmanager
def _said_of_the_student() -> Iterator[None]:
    """An error within the block says that it is the student's."""
    try:
        yield
    except (ModelError, TrustError) as problem:
        problem.where = f"the student: {problem.where}" if problem.where else "the student"
        raise


def free_sizes(
    model: Any, student: Any, data: Any, settings: Project, cache: Cache, *, trust: bool, progress: Progress
) -> Sizes:
    """The sizes of the data's samples, if the model or the student is an ONNX file that leaves some free, or of PyTorch: the data is read before it then.

    None also where no data is named, as a plan may have none: the import asks for it then.
    """
    if data is None and settings.data is None:
        return None
    root = Path(settings.root)
    offered = None if settings.replacement is None else settings.replacement.source
    held = _held(model, settings)
    sources: tuple[tuple[Any, Mapping[str, Any]], ...] = (
        ((settings.model.source if settings.model else None) if model is None else model, held),
        (offered if student is None else student, {}),
    )
    wanted = next((found for one, of_it in sources if (found := _wanted_before(one, root, of_it)) is not None), None)
    if wanted is None:
        return None
    dataset = _read(data, settings, wanted, cache, trust=trust, progress=progress)
    return tuple(array.shape[1:] for array in dataset.splits["train"].inputs)


def require_fit(
    sizes: Sizes, data: Any, settings: Project, opened: OpenedModel, cache: Cache, *, trust: bool, progress: Progress
) -> None:
    """Raise `DataError` for data that gave a model its `sizes` and whose samples are not what it takes: a build would refuse them later."""
    if sizes is not None:
        match_inputs(opened.facts, open_project_data(data, settings, opened, cache, trust=trust, progress=progress))


def _held(model: Any, settings: Project) -> Mapping[str, Any]:
    """The values that inputs of the model are held at; the project's are none of those of an object of the caller's."""
    is_named = model is None or isinstance(model, str | Path)
    return settings.model.held if is_named and settings.model is not None else {}


def _wanted_before(source: Any, root: Path, held: Mapping[str, Any]) -> Wanted | None:
    """What a model takes, where the data must be read before it; None where they need not."""
    if from_torch.needs_sizes(source, root, held):
        return from_torch.wanted_by(source, root, held)
    return from_onnx.wanted_by(source, root, held) if from_onnx.has_free_sizes(source, root, held) else None


def open_project_data(
    data: Any, settings: Project, opened: OpenedModel, cache: Cache, *, trust: bool, progress: Progress
) -> Dataset:
    """The caller's data, else the project's, checked and split, named after the model's inputs and outputs, and in its order of the axes."""
    dataset = _read(
        data, settings, wanted_of(opened.facts, opened.job.get("held", {})), cache, trust=trust, progress=progress
    )
    return laid_out(dataset, opened.facts, settings.data.channels if settings.data else None, cache)


def _read(data: Any, settings: Project, wanted: Wanted, cache: Cache, *, trust: bool, progress: Progress) -> Dataset:
    root, seed = Path(settings.root), settings.seed
    if data is not None and not isinstance(data, str | Path):
        return keep_data(data, settings.data, wanted=wanted, seed=seed, cache=cache, progress=progress)
    assert settings.data is not None
    return open_data(
        settings.data, root=root, cache=cache, seed=seed, wanted=wanted, trust=trust,
        progress=progress, time_limit_s=max(settings.time_budget_s, LEAST_OPENING_S),
    )  # fmt: skip


def student_notes(student: OpenedModel | None) -> tuple[str, ...]:
    """What a reader of a report must know about how the student was read; nothing where there is none."""
    notes = () if student is None else student.facts.notes
    return tuple(f"student: {note.removeprefix('model: ')}" for note in notes)


def _short(source: str) -> str:
    """A source for a report: of a path only its last name, since a report is for other machines too."""
    return source if is_function(source) else Path(source).name
