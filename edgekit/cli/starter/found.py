"""What was found in a folder: models and data that a build could use, and why others cannot be used."""

from __future__ import annotations

from typing import Literal

from edgekit.values import Value
from edgekit.verdict.targets import TargetFacts

Library = Literal["Keras", "PyTorch"]
Targets = Literal["classes", "one-hot", "labels", "numbers", "floats"]


class ModelFound(Value):
    """A model: `source` is its name for `edgekit.toml`; the rest is None if it could not be read without Keras.

    Shapes are without the batch; `outputs` is the size of the last axis of the one output; `rescales` says whether a
    layer of the model scales its input. `library` is that of a function's model.
    """

    source: str
    kind: Literal[".keras", ".h5", "SavedModel", ".onnx", ".pt2", ".tflite", "function"]
    input_shape: tuple[int | None, ...] | None = None
    outputs: int | None = None
    activation: str | None = None
    loss: str | None = None
    rescales: bool | None = None
    library: Library = "Keras"
    notes: tuple[str, ...] = ()


class Images(Value):
    """What the headers of a folder's images say: the sizes (height, width) that occur, the most frequent first."""

    looked_at: int
    sizes: tuple[tuple[int, int], ...] = ()
    gray: bool = False


class TableFound(Value):
    """What a table's first lines tell: a likely target column and why, columns of text, a column of splits, a test table.

    `lacking` says that values are missing.
    """

    names: tuple[str, ...]
    target: str
    why: str
    drop: tuple[str, ...] = ()
    split: str | None = None
    test_source: str | None = None
    lacking: bool = False


class DataFound(Value):
    """Data: `source` is its name for `edgekit.toml`; `labels` counts the classes that occur.

    `facts` are those of the first training targets, if they could be read. `splits` is false for a table, and for a
    folder with class folders but no split folders, which may be something else than data.
    """

    source: str
    kind: Literal["npz", "table", "folder", "function"]
    sample_shape: tuple[int, ...] | None = None
    targets: Targets | None = None
    labels: int | None = None
    facts: TargetFacts | None = None
    images: Images | None = None
    table: TableFound | None = None
    splits: bool = True
    notes: tuple[str, ...] = ()


class NearMiss(Value):
    """Something that looks like a model or data but cannot be used as it is, with the reason."""

    source: str
    what: Literal["model", "data"]
    reason: str


class Missing(Value):
    """What was not found: where it was looked for, and what would be accepted."""

    what: Literal["model", "data"]
    looked: str
    accepted: str
    near: tuple[NearMiss, ...] = ()


class Found(Value):
    """The result for a folder: what was chosen, what else there is, and the other values for `edgekit.toml`.

    `ready` says that `edgekit build` can begin; `problems` are errors that it would then meet, as far as can be seen.
    """

    ready: bool
    model: ModelFound | None
    data: DataFound | None
    missing: tuple[Missing, ...] = ()
    other_models: tuple[str, ...] = ()
    other_data: tuple[str, ...] = ()
    near: tuple[NearMiss, ...] = ()
    metric: str = "accuracy"
    metric_reason: str = ""
    image_size: tuple[int, int] | None = None
    image_size_reason: str = ""
    grayscale: bool = False
    shape: tuple[int, ...] | None = None
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
