"""What is a model of PyTorch, told without PyTorch, and what of it counts before it is opened."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from edgekit.errors import MissingExtraError, ModelError
from edgekit.ingest import from_torch
from edgekit.ingest.model import open_model
from edgekit.ingest.spool import spool_result
from edgekit.jobs.cache import Cache
from edgekit.jobs.worker import Done, Failed
from edgekit.machine.torch_python import VARIABLE
from edgekit.progress import no_progress
from edgekit.project.project_file import DataTable, ModelTable
from edgekit.values import to_builtins

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "examples" / "pytorch" / "digits.pt2"


@pytest.fixture
def project(tmp_path) -> Path:
    (tmp_path / "net.py").write_text("import torch\ndef made(): return torch.nn.Linear(2, 2)\n")
    (tmp_path / "by_others.py").write_text("from net import made as made_there\ndef made(): return made_there()\n")
    (tmp_path / "both.py").write_text("import torch, keras\ndef made(): return 1\n")
    (tmp_path / "plain.py").write_text("import json\ndef made(): return 1\n")
    return tmp_path


def test_a_function_is_of_pytorch_by_what_its_module_imports(project):
    assert from_torch.is_pytorch("net:made", project) and from_torch.is_pytorch("by_others:made", project)
    assert not from_torch.is_pytorch("both:made", project) and not from_torch.is_pytorch("plain:made", project)
    assert not from_torch.is_pytorch("nowhere:made", project) and not from_torch.is_pytorch(object(), project)


def test_a_file_is_of_pytorch_by_its_name(project):
    assert all(from_torch.is_pytorch(name, project) for name in ("net.pt2", "net.pt", "net.pth", "net.jit"))
    assert not any(
        from_torch.is_pytorch(name, project) for name in ("net.keras", "net.onnx", "net.py", "folder.pt2/net.h5")
    )


def test_sizes_of_the_data_are_needed_where_the_model_tells_none(project):
    assert from_torch.needs_sizes("net:made", project) and from_torch.needs_sizes("net.pt", project)
    assert not from_torch.needs_sizes("plain:made", project) and not from_torch.needs_sizes("net.keras", project)
    assert not from_torch.needs_sizes(PROGRAM.name, PROGRAM.parent) and not from_torch.needs_sizes(None, project)


def test_a_program_tells_what_it_takes_before_it_is_converted():
    wanted = from_torch.wanted_by(PROGRAM.name, PROGRAM.parent)
    assert (wanted.names, wanted.input_shapes) == (("image",), ((1, 8, 8),))


class NoJobs:
    """A pool that nothing may ask: the model must be refused before."""

    def run(self, job, **more):
        raise AssertionError("a job was run")

    def stop(self):
        """Nothing runs."""


def opened(source: str, root: Path, **more):
    with Cache(root / "cache") as cache:
        return open_model(
            ModelTable(source=source), root=root, cache=cache, pool=NoJobs(), seed=0, trust=more.pop("trust", False), progress=no_progress, **more
        )  # fmt: skip


def test_torchscript_and_junk_are_refused_before_pytorch_is_asked_for(project, monkeypatch):
    monkeypatch.setenv(VARIABLE, "/no/such/python")
    (project / "net.pt2").write_bytes(b"junk")
    with pytest.raises(ModelError, match=r"not a program of torch\.export"):
        opened("net.pt2", project)
    (project / "net.pt").write_bytes(b"junk")
    with pytest.raises(ModelError, match="not a file of TorchScript"):
        opened("net.pt", project, trust=True)
    with pytest.raises(ModelError, match="does not exist"):
        opened("gone.pt2", project)


def test_without_pytorch_the_line_that_installs_it_is_told(project, monkeypatch):
    pytest.importorskip("onnxruntime", reason="needs the `onnx` extra")
    monkeypatch.setenv(VARIABLE, "/no/such/python")
    with pytest.raises(MissingExtraError, match="cannot be started") as caught:
        opened("net:made", project)
    assert caught.value.exit_code == 3 and caught.value.where == "/no/such/python"


class Stopped:
    """A child that gives no result, for such a reason."""

    answer = Failed(reason="")

    def __init__(self, *given, **named):
        self.named = named

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        """Nothing runs."""

    def run(self, job, **more):
        return self.answer


@pytest.fixture
def stopped(project, monkeypatch):
    """What is said where the child that has PyTorch gives no result."""
    pytest.importorskip("onnxruntime", reason="needs the `onnx` extra")
    monkeypatch.setattr(from_torch, "Worker", Stopped)
    monkeypatch.setattr(from_torch, "torch_versions", lambda: {"torch": "2.13.0"})
    monkeypatch.setattr(from_torch, "torch_python", lambda: "/its/python")

    def said(source: str, answer: Failed) -> ModelError:
        monkeypatch.setattr(Stopped, "answer", answer)
        root = project if "net:" in source else PROGRAM.parent
        with pytest.raises(ModelError) as caught:
            opened(source, root, time_limit_s=600.0)
        assert caught.value.exit_code == 2
        return caught.value

    return said


def test_a_function_that_takes_too_long_is_told_its_limit(stopped, project):
    found = stopped("net:made", Failed(reason="was stopped at its time limit of 600 s", timed_out=True))
    assert found.what == "PyTorch did not convert the model in time" and found.where == f"{project}/net.py:2"
    assert "600 s" in found.allowed and "--time-budget" in found.next_step


def test_a_function_that_ends_its_process_is_told_how_to_see_it(stopped, project):
    found = stopped("net:made", Failed(reason="the process ended with exit code 7", detail="loading\nbye\n"))
    assert found.where == f"{project}/net.py:2" and found.received.endswith("exit code 7; the log ends with: bye")
    assert found.next_step.endswith(f"cd {project} && /its/python -c 'import net; net.made()'")


def test_a_program_that_crashes_pytorch_is_told_by_its_file(stopped):
    found = stopped(PROGRAM.name, Failed(reason="the process ended with signal SIGSEGV"))
    assert found.where == PROGRAM.name and "damaged" in found.next_step


class Listening(Stopped):
    """A child that keeps the samples that it was given."""

    given: ClassVar[dict[str, np.ndarray]] = {}

    def run(self, job, **more):
        self.given.update({path.stem: np.load(path) for path in Path(job["samples"]).iterdir()})
        return Done(value={})


def test_the_model_itself_is_asked_with_the_values_that_inputs_are_held_at(tmp_path, monkeypatch):
    """In their places among its inputs, for each sample; the data have none for them."""
    onnx = pytest.importorskip("onnx", reason="needs the `onnx` extra")
    graph, helper = onnx.GraphProto(), onnx.helper
    for name, kind, shape in (("a", 1, [1, 4]), ("rate", 7, []), ("b", 1, [1, 3]), ("mask", 9, [1, 2])):
        graph.input.append(helper.make_tensor_value_info(name, kind, shape))
    graph.node.append(helper.make_node("Add", ["a", "b"], ["y"]))
    graph.name = "g"
    onnx.save(helper.make_model(graph), tmp_path / "net.onnx")
    arrays = tuple(np.ones((20, *shape), np.float32) for shape in ((4,), (3,)))
    (tmp_path / "data").mkdir()
    dataset = spool_result({"train": (arrays, np.zeros(20)), "test": (arrays, np.zeros(20))}, tmp_path / "data", names=("a", "b"), options=to_builtins(DataTable(source="d")), seed=0, progress=no_progress)  # fmt: skip
    monkeypatch.setattr(from_torch, "Worker", Listening)
    monkeypatch.setattr(from_torch, "torch_python", lambda: "/its/python")
    job = {"source": str(tmp_path / "net.onnx"), "held": {"rate": 16000, "mask": True}, "original": {"job": {}, "is_trusted": True}}  # fmt: skip
    with Cache(tmp_path / "cache") as cache:
        from_torch.answers_on_data(job, dataset, [(), ()], 5, tmp_path, cache, no_progress)
    given = Listening.given
    assert {place: array.shape for place, array in given.items()} == {"0": (5, 4), "1": (5,), "2": (5, 3), "3": (5, 1, 2)}  # fmt: skip
    assert set(given["1"].tolist()) == {16000} and given["3"].all()
