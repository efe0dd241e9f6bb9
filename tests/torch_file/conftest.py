"""Programs written by hand, as torch.export.save of PyTorch 2.13 lays them out: no test here needs PyTorch."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Written = Callable[..., Path]


def zipped(members: dict[str, bytes], *, method: int = zipfile.ZIP_STORED, folder: str = "net") -> bytes:
    """An archive of members in one folder; equal members give equal bytes, whatever the time is."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", method) as archive:
        for name, member in members.items():
            archive.writestr(zipfile.ZipInfo(f"{folder}/{name}"), member, method)
    return content.getvalue()


def tensor(*sizes: int | str) -> dict[str, Any]:
    """The description of a tensor in the JSON of a program."""
    named = [{"as_int": size} if isinstance(size, int) else {"as_expr": {"expr_str": size}} for size in sizes]
    return {"dtype": 7, "sizes": named, "strides": [{"as_int": 1}], "storage_offset": {"as_int": 0}, "layout": 7}


def program(*, batch: int | str = 1, **changes: Any) -> dict[str, Any]:
    """The JSON of a program with a weight, from `x` to `y`; `changes` replace parts of its top."""
    weight = {"parameter": {"arg": {"name": "p_w"}, "parameter_name": "w"}}
    signature = {
        "input_specs": [weight, {"user_input": {"arg": {"as_tensor": {"name": "x"}}}}],
        "output_specs": [{"user_output": {"arg": {"as_tensor": {"name": "y"}}}}],
    }
    values = {"p_w": tensor(10, 64), "x": tensor(batch, 1, 8, 8), "y": tensor(batch, 10)}
    nodes = [{"target": "torch.ops.aten.linear.default", "inputs": [], "outputs": [], "metadata": {}}]
    graph = {"inputs": [], "outputs": [], "nodes": nodes, "tensor_values": values}
    calls = [{"fqn": "", "signature": {"in_spec": '[1, {"type": "builtins.tuple"}]', "out_spec": "[1, null]"}}]
    inner = {"graph": graph, "signature": signature, "module_call_graph": calls}
    found = {
        "graph_module": inner,
        "schema_version": {"major": 8, "minor": 17},
        "torch_version": "2.13.0",
        "guards_code": [],
    }
    return {**found, **changes}


def pickled(value: object) -> bytes:
    """A value as torch.save lays it out."""
    return zipped({"data.pkl": pickle.dumps(value, protocol=2), "version": b"3\n"}, folder="archive")


TORCHSCRIPT = {
    "data.pkl": b"\x80\x02N.",
    "constants.pkl": b"\x80\x02).",
    "code/__torch__.py": b"def f(): pass",
    "version": b"3\n",
}
"""The members of an archive of torch.jit.save."""


def members(document: Any = None, **more: bytes) -> dict[str, bytes]:
    """The members of the archive of a program; `more` replaces some, with `__` for `/`."""
    entry = {"path_name": "weight_0", "is_param": True, "use_pickle": False, "tensor_meta": tensor(10, 64)}
    found = {
        "archive_format": b"pt2",
        "archive_version": b"0",
        "models/model.json": json.dumps(program() if document is None else document).encode(),
        "data/weights/model_weights_config.json": json.dumps({"config": {"w": entry}}).encode(),
        "data/weights/weight_0": bytes(4 * 640),
        "data/constants/model_constants_config.json": b'{"config": {}}',
        "data/sample_inputs/model.pt": pickled(((), {})),
        "byteorder": b"little",
        ".data/serialization_id": b"1",
    }
    return found | {name.replace("__", "/").replace("DOT", "."): content for name, content in more.items()}


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """Writes an archive of such members."""

    def write(found: dict[str, bytes] | bytes, name: str = "net.pt2") -> Path:
        path = tmp_path / name
        path.write_bytes(found if isinstance(found, bytes) else zipped(found))
        return path

    return write
