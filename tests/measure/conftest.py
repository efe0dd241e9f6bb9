"""A data set of random images for the golden models, spooled as the runtimes read it, and files that misbehave."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.ingest.dataset import INDEX_FILE, ArrayFile, Dataset, SplitFiles
from edgekit.values import to_json

GOLDEN = Path(__file__).parents[1] / "golden"


def write(folder: Path, name: str, array: np.ndarray) -> ArrayFile:
    np.save(folder / f"{name}.npy", array)
    return ArrayFile(
        path=f"{name}.npy", shape=array.shape, dtype=array.dtype.name, low=float(array.min()), high=float(array.max())
    )


def spool(folder: Path, inputs: list[np.ndarray], targets: list[np.ndarray], rows: np.ndarray | None = None) -> Dataset:
    """A data set with a test split only; `rows` makes it a part of its arrays."""
    folder.mkdir(parents=True, exist_ok=True)
    if rows is not None:
        np.save(folder / "rows.npy", rows)
    split = SplitFiles(
        inputs=tuple(write(folder, f"x{index}", array) for index, array in enumerate(inputs)),
        targets=tuple(write(folder, f"y{index}", array) for index, array in enumerate(targets)),
        rows=None if rows is None else "rows.npy",
        samples=len(inputs[0]) if rows is None else len(rows),
    )
    data = Dataset(root=str(folder), sha256="0" * 64, splits={"test": split})
    (folder / INDEX_FILE).write_text(to_json(data))
    return data


@pytest.fixture
def images() -> np.ndarray:
    """300 images of 8 x 8 in [0, 1]."""
    return np.random.default_rng(0).random((300, 8, 8, 1)).astype(np.float32)


@pytest.fixture
def dataset(tmp_path: Path, images: np.ndarray) -> Dataset:
    """The images with three classes drawn at random."""
    return spool(tmp_path / "data", [images], [np.random.default_rng(1).integers(0, 3, len(images))])


@pytest.fixture
def crashing(tmp_path: Path) -> Path:
    """A well-formed `.tflite` that sends LiteRT into endless recursion: a loop whose body is the main subgraph."""

    def recurse(options: object) -> None:
        options.bodySubgraphIndex = 0  # type: ignore[attr-defined]

    return changed(GOLDEN / "loop.tflite", tmp_path / "crashing.tflite", recurse)


@pytest.fixture
def endless(tmp_path: Path) -> Path:
    """A well-formed `.tflite` whose loop never ends: it goes on while a sum of zeros is above -1."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf((GOLDEN / "loop.tflite").read_bytes(), 0)
    (bound,) = (tensor for tensor in model.subgraphs[1].tensors if tensor.name == b"while/Greater/y")
    model.buffers[bound.buffer].data = np.frombuffer(np.float32(-1).tobytes(), np.uint8)
    builder = flatbuffers.Builder(4096)
    builder.Finish(model.Pack(builder), b"TFL3")
    (tmp_path / "endless.tflite").write_bytes(bytes(builder.Output()))
    return tmp_path / "endless.tflite"


@pytest.fixture
def refused(tmp_path: Path) -> Path:
    """A well-formed `.tflite` that LiteRT refuses: a convolution with a stride of 0."""

    def stop(options: object) -> None:
        if hasattr(options, "strideW"):
            options.strideW = 0

    return changed(GOLDEN / "float32.tflite", tmp_path / "refused.tflite", stop)


def changed(source: Path, target: Path, change: Callable[[object], None]) -> Path:
    """A copy of a `.tflite` with the options of its main subgraph's operators changed."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(source.read_bytes(), 0)
    for operator in model.subgraphs[0].operators:
        if operator.builtinOptions is not None:
            change(operator.builtinOptions)
    builder = flatbuffers.Builder(4096)
    builder.Finish(model.Pack(builder), b"TFL3")
    target.write_bytes(bytes(builder.Output()))
    return target


def repacked(source: Path, target: Path, change: Callable[[Any], None]) -> Path:
    """A copy of a `.tflite` with its unpacked form changed."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(source.read_bytes(), 0)
    change(model)
    builder = flatbuffers.Builder(4096)
    builder.Finish(model.Pack(builder), b"TFL3")
    target.write_bytes(bytes(builder.Output()))
    return target


@pytest.fixture
def remade(tmp_path: Path) -> Callable[[str, Callable[[Any], None]], Path]:
    """`repacked` from a golden file into the test's folder, by its stem."""
    return lambda stem, change: repacked(GOLDEN / f"{stem}.tflite", tmp_path / f"{change.__name__}.tflite", change)


@pytest.fixture
def make_dataset(tmp_path: Path) -> Callable[..., Dataset]:
    """`spool` into a new folder each time."""
    count = iter(range(100))
    return lambda *arrays: spool(tmp_path / f"data-{next(count)}", *arrays)
