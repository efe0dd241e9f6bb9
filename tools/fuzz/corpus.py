"""Sound files of every kind to begin with: what the repository has, and small ones that are made once.

The models are those of the workshop's tests, the reports and the cache those of a real build of a tiny project.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
from tiny_project import ROOT, images, write_project

from edgekit.jobs.cache import versions

LARGEST = 300_000
TOML = """device = "rpi4"
seed = 3
time_budget = "20min"
[model]
source = "models:plain"
import = []
version = "1"
[data]
source = "data.npz"
validation = 0.25
image_size = [8, 8]
grayscale = true
scale = 0.5
offset = -1.0
[goal]
max_drop = 100
metric = "accuracy"
output = 0
currency = "download"
search = "first"
[budget]
flash = "512KiB"
download = "200KiB"
ram = "64MiB"
latency = "20ms"
[training]
epochs = 1
batch_size = 16
learning_rate = 1e-3
[calibration]
samples = 16
"""


def make(folder: Path) -> None:
    """Make what has to be made, unless the folder has it; takes a minute, nearly all of it TensorFlow."""
    source = versions()["edgekit"]  # another source would not find what this one has cached
    if (folder / "made").is_file() and (folder / "made").read_text() == source:
        return
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "models").mkdir(parents=True)
    make_models = ROOT / "tests" / "make" / "workshop" / "make_models.py"
    subprocess.run([sys.executable, make_models, folder / "models"], check=True, capture_output=True)
    write_project(folder / "project")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "EDGEKIT_CACHE": str(folder / "cache")}
    command = [
        sys.executable,
        "-m",
        "edgekit",
        "build",
        "--device",
        "rpi4",
        "--quiet",
        "--lock",
        "--out",
        str(folder / "out"),
    ]
    done = subprocess.run(command, cwd=folder / "project", env=environment, capture_output=True, text=True)
    if done.returncode not in (0, 1):  # a result that fails a check is as good to begin with
        raise SystemExit(f"the build of the corpus failed:\n{done.stderr}")
    (folder / "sound.png").write_bytes(_pictures()[0])
    (folder / "made").write_text(source)


def _archive(arrays: dict[str, np.ndarray]) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def _archives() -> list[bytes]:
    plain = images(0)
    one_hot = {**plain, "y_train": np.eye(4, dtype=np.float32)[plain["y_train"]], "y_test": np.eye(4)[plain["y_test"]]}
    several = {"x_train_0": plain["x_train"], "x_train_1": np.ones((48, 3)), "y_train_0": np.ones((48, 1)),
               "x_test_0": plain["x_test"], "x_test_1": np.ones((32, 3)), "y_test_0": np.ones((32, 1))}  # fmt: skip
    pickled = {**plain, "y_train": np.array([{"label": 1}] * 48, dtype=object)}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **plain, x_val=plain["x_test"][:8], y_val=plain["y_test"][:8])
    return [_archive(plain), _archive(one_hot), _archive(several), _archive(pickled), buffer.getvalue()]


def files(folder: Path) -> dict[str, list[bytes]]:
    """The sound files of each kind, as bytes."""
    out, models = folder / "out" / "rpi4", folder / "models"
    tomls = [ROOT / "examples/digits/edgekit.toml", ROOT / "edgekit/cli/edgekit.toml.template"]
    found = {
        "tflite": _read(sorted((ROOT / "tests" / "golden").glob("*.tflite"))),
        "keras": _read(sorted(models.glob("*.keras"))),
        "h5": _read(sorted(models.glob("*.h5"))),
        "onnx": _onnx(),
        "pt2": _programs(),
        "project": [TOML.encode(), TOML.encode(), *_read([*tomls, folder / "project" / "edgekit.toml"])],
        "profile": _read(sorted((ROOT / "device_profiles").glob("*.toml"))),
        "report": _read([out / "report.json"]),
        "plan": _read([out / "plan.json"]),
        "lock": _read([folder / "project" / "edgekit.lock"]),
        "manifest": _read([out / "manifest.json"]),
    }
    return {**found, "npz": _archives(), "csv": _tables(), "picture": _pictures(), "parquet": _parquets()}


def _onnx() -> list[bytes]:
    """Networks in ONNX: the example's, and small ones with a branch, a function of their own, a recurrent layer, a constant in another file."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    def weight(name: str, *shape: int) -> onnx.TensorProto:
        return numpy_helper.from_array(np.random.default_rng(0).standard_normal(shape).astype(np.float32), name)

    def model(nodes: list, shape: list, constants: list, **more: object) -> bytes:
        entry = helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)
        graph = helper.make_graph(nodes, "g", [entry], [helper.make_empty_tensor_value_info("y")], constants)
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=8, **more).SerializeToString()

    branches = [
        helper.make_graph([helper.make_node(kind, ["x"], ["b"])], kind, [], [helper.make_empty_tensor_value_info("b")])
        for kind in ("Relu", "Tanh")
    ]
    chosen = helper.make_node("If", ["c"], ["y"], then_branch=branches[0], else_branch=branches[1])
    twice = helper.make_function(
        "own", "twice", ["a"], ["b"], [helper.make_node("Add", ["a", "a"], ["b"])], [helper.make_opsetid("", 17)]
    )
    apart = TensorProto(name="w", data_type=1, dims=[4, 2], data_location=1)
    apart.external_data.add(key="location", value="w.bin")
    lstm = [
        helper.make_node("LSTM", ["x", "w", "r"], ["", "h"], hidden_size=3),
        helper.make_node("Squeeze", ["h"], ["y"]),
    ]
    return [
        (ROOT / "examples" / "onnx" / "digits.onnx").read_bytes(),
        model([chosen], ["n", 4], [numpy_helper.from_array(np.array(True), "c")]),
        model([helper.make_node("twice", ["x"], ["y"], domain="own")], ["n", 4], [], functions=[twice]),
        model([helper.make_node("MatMul", ["x", "w"], ["y"])], ["n", 4], [apart]),
        model(lstm, [5, 1, 4], [weight("w", 1, 12, 4), weight("r", 1, 12, 3)]),
    ]  # fmt: skip


def _programs() -> list[bytes]:
    """Programs of PyTorch: the example's, and one whose sizes and guards are texts that PyTorch evaluates."""
    content = (ROOT / "examples" / "pytorch" / "digits.pt2").read_bytes()
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as opened, zipfile.ZipFile(made, "w") as free:
        for info in opened.infolist():
            member = opened.read(info)
            if info.filename.endswith("models/model.json"):
                program = json.loads(member)
                for value in program["graph_module"]["graph"]["tensor_values"].values():
                    value["sizes"][:1] = [
                        {"as_expr": {"expr_str": "Symbol('s77', integer=True)", "hint": {"as_int": 2}}}
                    ]
                program["guards_code"] = ["L['image'].size()[0] >= 2"]
                member = json.dumps(program).encode()
            free.writestr(info.filename, member)
    return [content, content, made.getvalue()]


def _tables() -> list[bytes]:
    """Tables with classes, amounts, missing values, splits, in several dialects."""
    rows = [("ax", "ay", "who", "fold", "label")]
    rows += [(f"{n}", f"{n / 4}", f"p{n % 5}", ("train", "val", "test")[n % 3], "abc"[n % 3]) for n in range(60)]
    texts = ["\n".join(separator.join(row) for row in rows) for separator in (",", ";", "\t", "|")]
    texts.append(texts[1].replace(".", ","))
    texts.append("\n".join(",".join((row[0], row[1], "1", "train", row[1])) for row in rows))
    texts.append(texts[0].replace("a\n", '"a ""b"", c"\n').replace(",0.5,", ",,"))
    return [text.encode() for text in texts]


def _parquets() -> list[bytes]:
    """A Parquet file, compressed and not."""
    import pyarrow
    import pyarrow.parquet

    table = pyarrow.table(
        {"ax": list(range(60)), "ay": [n / 4 for n in range(60)], "label": ["abc"[n % 3] for n in range(60)]}
    )
    found = []
    for compression in ("none", "snappy", "zstd"):
        buffer = io.BytesIO()
        pyarrow.parquet.write_table(table, buffer, compression=compression)
        found.append(buffer.getvalue())
    return found


def _pictures() -> list[bytes]:
    """Small pictures of every format and mode that is read."""
    from PIL import Image

    rgb = Image.fromarray(np.random.default_rng(0).integers(0, 256, (12, 10, 3), dtype=np.uint8))
    deep = Image.fromarray(np.arange(120, dtype=np.uint16).reshape(12, 10) * 500)
    turned = Image.Exif()
    turned[0x0112] = 6
    moving = {"save_all": True, "append_images": [rgb.rotate(90 * n, expand=False) for n in (1, 2)]}
    wanted = [
        (rgb, "PNG", {}), (deep, "PNG", {}), (rgb.convert("LA"), "PNG", {}), (rgb.quantize(16), "PNG", {"transparency": 3}), (rgb.convert("1"), "PNG", {}),
        (rgb, "PNG", moving), (rgb, "JPEG", {"exif": turned}), (rgb.convert("CMYK"), "JPEG", {}), (rgb.convert("L"), "JPEG", {"progressive": True}),
        (rgb, "BMP", {}), (rgb.quantize(16), "GIF", {}), (rgb, "GIF", moving), (rgb, "WEBP", {"lossless": True}), (rgb, "WEBP", moving),
        (rgb, "TIFF", {}), (deep, "TIFF", {}), (rgb.convert("F"), "TIFF", {}), (rgb, "TIFF", {"compression": "tiff_lzw"}),
    ]  # fmt: skip
    found = []
    for image, kind, options in wanted:
        buffer = io.BytesIO()
        image.save(buffer, kind, **options)
        found.append(buffer.getvalue())
    return found


def _read(paths: list[Path]) -> list[bytes]:
    return [content for path in paths if len(content := path.read_bytes()) <= LARGEST]
