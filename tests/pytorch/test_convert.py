"""A model of PyTorch becomes an ONNX file with its batch normalization, in a child that has PyTorch; its own answers are kept beside it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from edgekit.errors import MissingExtraError, ModelError, TrustError
from edgekit.ingest.from_torch import MODULE, ONLY_TENSORS
from edgekit.jobs.worker import Done, Failed, Worker
from edgekit.torch_file.program import require_program
from edgekit.torch_file.saved import require_torchscript

onnx = pytest.importorskip("onnx", reason="needs the `onnx` extra")
onnxruntime = pytest.importorskip("onnxruntime", reason="needs the `onnx` extra")
pytestmark = pytest.mark.slow
HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def files(torch_python: str, shared: Callable[..., Path]) -> Path:
    """The folder that `networks.py` wrote."""

    def write(folder: Path) -> None:
        done = subprocess.run([torch_python, str(HERE / "networks.py"), str(folder)], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-4000:]

    return shared("pytorch", write)


@pytest.fixture(scope="module")
def child(torch_python: str) -> Iterator[Worker]:
    """A warm child with PyTorch, which makes only tensors of what is pickled."""
    with Worker(MODULE, environment=ONLY_TENSORS, python=torch_python) as worker:
        yield worker


class Exported:
    """Asks the child to convert, and looks at what it wrote."""

    def __init__(self, child: Worker, folder: Path) -> None:
        self._child, self.folder = child, folder

    def convert(self, source: object, form: str, sizes: list[list[int]] | None = None) -> str:
        """The kind that the child names."""
        answer = self.ask("convert", source, form, sizes, seed=0)
        return answer.value["kind"]

    def ask(self, do: str, source: object, form: str, sizes: list[list[int]] | None = None, **more: object) -> Done:
        job = {
            "do": do,
            "source": str(source),
            "named": str(source),
            "form": form,
            "root": str(HERE),
            "sizes": sizes,
            "target": str(self.folder),
            **more,
        }
        answer = self._child.run(job, time_limit_s=120)
        assert isinstance(answer, Done), answer
        return answer

    def arrays(self, kind: str) -> list[np.ndarray]:
        return [np.load(path) for path in sorted(self.folder.glob(f"{kind}_*.npy"))]

    def operators(self) -> list[str]:
        return [node.op_type for node in onnx.load(self.folder / "model.onnx").graph.node]

    def error(self) -> float:
        """How far onnxruntime is from the model's own answers."""
        session = onnxruntime.InferenceSession(str(self.folder / "model.onnx"), providers=["CPUExecutionProvider"])
        names = [one.name for one in session.get_inputs()]
        found = session.run(None, {name: array[0] for name, array in zip(names, self.arrays("x"), strict=True)})
        return max(float(np.abs(one - wanted[0]).max()) for one, wanted in zip(found, self.arrays("y"), strict=True))


@pytest.fixture
def exported(child: Worker, tmp_path: Path) -> Exported:
    return Exported(child, tmp_path)


@pytest.mark.parametrize("name", ["fixed", "free", "two", "gru"])
def test_a_program_is_judged_sound_and_answers_as_its_onnx_file(exported, files, name):
    outline = require_program(files / f"{name}.pt2", trust=False)
    assert exported.convert(files / f"{name}.pt2", "program").startswith("PyTorch 2.")
    assert exported.error() < 1e-5
    assert len(outline.inputs) == len(exported.arrays("x")) and len(outline.outputs) == len(exported.arrays("y"))
    if name in ("fixed", "free"):
        assert exported.operators().count("BatchNormalization") == exported.operators().count("Conv") == 2


def test_modules_by_function_with_example_inputs_with_the_datas_sizes_and_with_a_batch(exported):
    exported.convert("networks:with_examples", "function")
    first = exported.arrays("y")[0]
    assert exported.error() < 1e-5
    exported.convert("networks:bare", "function", [[8, 10, 3]])
    assert np.allclose(exported.arrays("y")[0], first)
    assert "module" in exported.convert("networks:batched", "function")
    assert exported.arrays("y")[0].shape == (1, 3, 4) and exported.error() < 1e-5
    assert exported.operators().count("BatchNormalization") == 2
    assert require_program(exported.folder / "program.pt2", trust=False).inputs[0].shape[1:] == (3, 8, 10)


def test_the_model_answers_samples_in_its_axes_and_with_its_batch(exported, files):
    samples = exported.folder / "samples"
    samples.mkdir()
    for name, sample, shape in (
        ("fixed", (3, 8, 10), (4, 1, 4)),
        ("free", (3, 8, 10), (4, 2, 4)),
        ("gru", (7, 3), (4, 7, 1, 5)),
    ):
        np.save(samples / "0.npy", np.random.default_rng(0).standard_normal((4, *sample)))
        answer = exported.ask("answer", files / f"{name}.pt2", "program", samples=str(samples))
        assert answer.value == {"samples": 4} and exported.arrays("y")[0].shape == shape
    assert exported.arrays("x")[0].shape == (4, 7, 1, 3)


def test_torchscript_keeps_its_batch_normalization_too(exported, files):
    with pytest.raises(TrustError):
        require_torchscript(files / "script.pt", trust=False)
    require_torchscript(files / "script.pt", trust=True)
    assert exported.convert(files / "script.pt", "torchscript", [[3, 8, 10]]).endswith("TorchScript")
    assert [one.name for one in onnx.load(exported.folder / "model.onnx").graph.input] == ["image"]
    assert exported.error() < 1e-5 and exported.operators().count("BatchNormalization") == 2


def test_what_holds_no_network_says_what_to_do(files):
    for name, said in (("weights.pt", "weights, and no network"), ("module.pt", "pickled module")):
        with pytest.raises(ModelError, match=said):
            require_torchscript(files / name, trust=True)


OF_FUNCTIONS = [
    ("no_module", None, "returned no PyTorch module", "int"),
    ("nothing", None, "returned no PyTorch module", "None"),
    ("weights_alone", None, "returned no PyTorch module", "a state_dict"),
    ("three", None, "returned no PyTorch module", "a tuple of 3: Residual, Tensor, Tensor"),
    ("a_program", None, "returned no PyTorch module", "a program of torch.export"),
    ("a_class", None, "returned no PyTorch module", "the class Residual"),
    ("bare", None, "sizes of the module's inputs are not known", ""),
    ("no_samples", None, "example input is empty", "(0, 3, 8, 10)"),
    ("no_examples", None, "example input is empty", "no tensor"),
    ("no_tensors", None, "example inputs are no tensors", "a list of 2: float, float"),
    ("an_example_without_numbers", None, "example input has no numbers", "meta"),
    ("a_number_beside", None, "outputs of the model that are no tensors", "Tensor, int"),
]
"""Functions that give no network, the sizes of the data, and what is said and received."""
IN_USERS_CODE = [
    ("bare", [[2, 2]], "cannot be called on samples of the sizes of the data", "self.stem(image)"),
    ("other_sizes", None, "cannot trace the module", "self.stem(image)"),
    ("untraceable", None, "cannot trace the module", "x.sum() > 0"),
    ("asks", None, "the function raised an error", "input("),
]
"""Functions whose own code fails, and what stands in the line that is told."""


@pytest.mark.parametrize(("source", "sizes", "said", "received"), OF_FUNCTIONS)
def test_a_function_that_gives_no_network_is_an_error_of_the_model(exported, source, sizes, said, received):
    with pytest.raises(ModelError, match=said) as caught:
        exported.convert(f"networks:{source}", "function", sizes)
    assert caught.value.where == f"networks:{source}" and not (exported.folder / "model.onnx").exists()
    assert received in (caught.value.received or "") and caught.value.next_step


@pytest.mark.parametrize(("source", "sizes", "said", "line"), IN_USERS_CODE)
def test_what_fails_in_a_users_code_is_placed_at_the_users_line(exported, source, sizes, said, line):
    with pytest.raises(ModelError, match=said) as caught:
        exported.convert(f"networks:{source}", "function", sizes)
    file, number = caught.value.where.rsplit(":", 1)
    assert Path(file) == HERE / "networks.py" and line in Path(file).read_text().splitlines()[int(number) - 1]
    assert caught.value.received and caught.value.next_step and not (exported.folder / "model.onnx").exists()


def test_a_module_without_numbers_is_placed_at_the_function(exported):
    with pytest.raises(ModelError, match="cannot be brought to the CPU") as caught:
        exported.convert("networks:without_numbers", "function")
    assert caught.value.where == "networks:without_numbers" and "meta" in caught.value.received


def test_what_a_function_writes_goes_to_the_log(exported):
    assert "module" in exported.convert("networks:loud", "function") and exported.error() < 1e-5


def test_a_function_that_ends_its_process_is_a_failure_that_says_how(child, exported):
    job = {"do": "convert", "source": "networks:leaves", "named": "here", "form": "function", "root": str(HERE)}
    answer = child.run({**job, "sizes": None, "target": str(exported.folder), "seed": 0}, time_limit_s=120)
    assert isinstance(answer, Failed) and answer.reason == "the process ended with exit code 7"


def test_a_pytorch_that_cannot_be_imported_is_a_part_of_the_environment(torch_python, tmp_path, monkeypatch):
    """As where a file of the user's bears the name of a package of the exporter."""
    (tmp_path / "onnxscript.py").write_text("raise ImportError('a library is too old')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with Worker(MODULE, python=torch_python) as worker, pytest.raises(MissingExtraError) as caught:
        worker.run({"do": "convert"}, time_limit_s=120)
    assert caught.value.exit_code == 3 and "a library is too old" in caught.value.received
    assert "onnx.py" in caught.value.next_step
