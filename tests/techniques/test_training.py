"""Each technique through the real jobs on a tiny model: what it promises is seen in the stage and in the file's bytes."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.api.check import check
from edgekit.cost.lowering import lower
from edgekit.devices.profile import load_profile
from edgekit.documents.candidate import Step
from edgekit.documents.facts import ModelFacts
from edgekit.ingest.dataset import Dataset
from edgekit.ingest.spool import spool_result
from edgekit.jobs.pool import ENVIRONMENT, MODULE
from edgekit.jobs.worker import Done, Worker
from edgekit.progress import no_progress
from edgekit.project.project_file import DataTable
from edgekit.techniques import technique
from edgekit.techniques.sites import MINIMUM_WEIGHTS, file_kernels
from edgekit.techniques.steps import on_device, settled, typed
from edgekit.tflite.model import TfliteModel
from edgekit.tflite.numerics import float_operators
from edgekit.tflite.reader import read_tflite
from edgekit.tflite.weights import distinct_values, kernels
from edgekit.values import read, to_builtins

pytestmark = pytest.mark.tf
USER = Path(__file__).parent / "user"
SAMPLES, CLASSES = 32, 4
MODELS = ("plain", "residual", "unknown_to_tfmot", "sine", "embedding", "recurrent")
PRUNING = {"technique": "pruning", "settings": {"sparsity": 0.5}}
L1 = {"technique": "l1", "settings": {"sparsity": 0.75}}
PRUNING_CONSTANT = {"technique": "pruning", "settings": {"sparsity": 0.75, "schedule": "constant"}}
CLUSTERING = {"technique": "clustering", "settings": {"clusters": 8}}
STRUCTURED_PRUNING = {"technique": "structured_pruning", "settings": {"left": 0.5}}
QUANTIZATION_AWARE = {"technique": "quantization_aware", "settings": {}}
FINE_TUNING = {"technique": "fine_tuning", "settings": {}}
INT8 = {"technique": "int8", "settings": {"io": "int8"}}
FLOAT32 = {"technique": "float32", "settings": {}}


def quantization_aware(engine: str) -> dict[str, Any]:
    return {"technique": "quantization_aware", "settings": {"engine": engine}}


def int8_float_fallback(io: str) -> dict[str, Any]:
    return {"technique": "int8_float_fallback", "settings": {"io": io}}


class Line:
    """A warm worker that loads, trains and converts, as the build does, without its cache."""

    def __init__(self, worker: Worker, dataset: Dataset, folder: Path) -> None:
        self._worker, self._dataset, self._folder, self._count = worker, dataset, folder, 0
        self._stages: dict[str, tuple[Path, Any]] = {}
        loaded = {name: self._load(name) for name in MODELS}
        self.models = {name: folder for name, (folder, _) in loaded.items()}
        self.facts = {name: answer for name, (_, answer) in loaded.items()}

    def make(self, *steps: dict[str, Any], model: str = "plain") -> tuple[TfliteModel, Path, list[dict[str, Any]]]:
        """The file of a candidate, its path, and the evidence of each stage and of the conversion."""
        folder, evidence, steps = self.models[model], [], self._settled(model, steps)
        for count in range(1, len(steps)):
            folder, answer = self._stage(folder, steps[:count])
            evidence += answer["evidence"]
        folder, answer = self._ask(
            do="convert", model=str(folder), steps=steps, dataset=self._dataset.root, samples=16, keep_names=True, inputs=["image"],
            outputs=["classes"],
        )  # fmt: skip
        path = folder / "model.tflite"
        return read_tflite(path), path, [*evidence, *answer["evidence"]]

    def _settled(self, model: str, steps: Sequence[dict[str, Any]]) -> tuple[dict[str, Any], ...]:
        """The steps as the planner hands them on: with what they take from the model's graph."""
        graph = lower(read(self.facts[model], ModelFacts, where="facts"))
        asked = on_device(load_profile("nucleo-l4r5zi"), [typed(read(step, Step, where="step")) for step in steps])
        found = settled(graph, asked)
        return tuple(to_builtins(step.published) for step in found)

    def digest(self, *steps: dict[str, Any]) -> str:
        self._stages.clear()
        return hashlib.sha256(self.make(*steps)[1].read_bytes()).hexdigest()

    def _load(self, name: str) -> tuple[Path, Any]:
        return self._ask(do="load", source=f"models:{name}", is_function=True, sha256="0" * 64, trust=False)

    def _stage(self, folder: Path, steps: tuple[dict[str, Any], ...]) -> tuple[Path, Any]:
        """A stage, trained once: several tests look at the same."""
        name = f"{folder}: {steps}"
        if name not in self._stages:
            self._stages[name] = self._train(folder, steps)
        return self._stages[name]

    def _train(self, folder: Path, steps: tuple[dict[str, Any], ...]) -> tuple[Path, Any]:
        training = {"epochs": 2, "batch_size": 8, "learning_rate": 1e-3, "distillation": 0.5, "temperature": 4.0}
        return self._ask(
            do="train", model=str(folder), steps=steps, dataset=self._dataset.root, training=training,
            losses=["sparse_categorical_crossentropy"],
        )  # fmt: skip

    def _ask(self, **job: Any) -> tuple[Path, Any]:
        self._count += 1
        target = self._folder / str(self._count)
        target.mkdir()
        job |= {"root": str(USER), "imports": [], "seed": 0, "target": str(target)}
        answer = self._worker.run(job, progress=no_progress, time_limit_s=120)
        assert isinstance(answer, Done), answer
        return target, answer.value


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Random images in [0, 1] of four classes."""
    generator = np.random.default_rng(0)
    x = generator.random((SAMPLES, 8, 8, 1), dtype=np.float32)
    y = np.arange(SAMPLES) % CLASSES
    arrays = {"x_train": x, "y_train": y, "x_val": x, "y_val": y, "x_test": x, "y_test": y}
    options = to_builtins(DataTable(source="data"))
    return spool_result(
        arrays, tmp_path_factory.mktemp("data"), names=("image",), options=options, seed=0, progress=no_progress
    )


@pytest.fixture(scope="session")
def line(dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    with Worker(MODULE, environment=ENVIRONMENT) as worker:
        yield Line(worker, dataset, tmp_path_factory.mktemp("line"))


def holds(evidence: list[dict[str, Any]]) -> bool:
    return all(found["holds"] for found in evidence)


def dtypes(tflite: TfliteModel, ends: str) -> list[str]:
    return [tflite.tensors[index].dtype for index in getattr(tflite, ends)]


@pytest.mark.micro
def test_clusters_are_packed_into_look_up_tables_bit_for_bit(line):
    pytest.importorskip("tflite_micro")
    plain, _, _ = line.make(CLUSTERING, INT8)
    packed, path, evidence = line.make(CLUSTERING, {"technique": "int8_lookup_tables", "settings": {"io": "int8"}})
    assert holds(evidence) and [found["technique"] for found in evidence][-2:] == ["clustering", "int8_lookup_tables"]
    lookups = [tensor.coding for tensor in packed.tensors if tensor.coding is not None]
    assert lookups and all(lookup.bits == 3 and lookup.axis == 0 for lookup in lookups), "8 clusters, by channel"
    assert packed.size_bytes < plain.size_bytes
    for mine, theirs in zip(kernels(packed), kernels(plain), strict=True):
        np.testing.assert_array_equal(mine.array, theirs.array)
    checked = check(path, device="nucleo-l4r5zi", cache=False)
    assert {one.name: one.outcome for one in checked.checks}["decoded_weights"] == "pass" and checked.outcome == "pass"


@pytest.mark.micro
def test_zeros_are_coded_bit_for_bit_and_still_seen(line):
    pytest.importorskip("tflite_micro")
    plain, _, _ = line.make(PRUNING_CONSTANT, INT8)
    coded, path, evidence = line.make(
        PRUNING_CONSTANT, {"technique": "int8_coded", "settings": {"io": "int8", "least_macs": 0}}
    )
    assert holds(evidence) and [found["technique"] for found in evidence][-2:] == ["pruning", "int8_coded"]
    assert "B in place of" in evidence[-1]["detail"] and coded.size_bytes < plain.size_bytes
    for mine, theirs in zip(kernels(coded), kernels(plain), strict=True):
        np.testing.assert_array_equal(mine.array, theirs.array)
    checked = check(path, device="nucleo-l4r5zi", cache=False)
    assert {one.name: one.outcome for one in checked.checks}["decoded_weights"] == "pass" and checked.outcome == "pass"


def test_zeros_are_left_out_bit_for_bit_where_litert_expands_the_kernels(line):
    plain, _, _ = line.make(PRUNING_CONSTANT, INT8)
    sparse, path, evidence = line.make(PRUNING_CONSTANT, {"technique": "int8_sparse", "settings": {"io": "int8"}})
    assert holds(evidence) and [found["technique"] for found in evidence][-2:] == ["pruning", "int8_sparse"]
    assert "B of values and places in place of" in evidence[-1]["detail"] and sparse.size_bytes < plain.size_bytes
    for mine, theirs in zip(kernels(sparse), kernels(plain), strict=True):
        np.testing.assert_array_equal(mine.array.ravel(), theirs.array.ravel())
    checked = check(path, device="host", cache=False)
    assert {one.name: one.outcome for one in checked.checks}["operators"] == "pass" and checked.outcome == "pass"
    assert sparse.macs == plain.macs and sparse.parameters == plain.parameters


@pytest.mark.parametrize("threshold", ["layer", "global"])
def test_what_is_drawn_to_zero_is_zero_in_the_model_and_in_the_file(line, threshold):
    step = {"technique": "l1", "settings": {"sparsity": 0.75, "threshold": threshold}}
    tflite, _, evidence = line.make(step, INT8)
    assert holds(evidence) and [found["technique"] for found in evidence] == ["l1", "l1", "int8"]
    found = [kernel for kernel in kernels(tflite) if kernel.array.size >= MINIMUM_WEIGHTS]
    zeros, size = (
        sum(count) for count in zip(*((k.sparsity * k.array.size, k.array.size) for k in found), strict=True)
    )
    assert zeros / size >= 0.74
    small = [kernel for kernel in kernels(tflite) if kernel.array.size < MINIMUM_WEIGHTS]
    assert small and all(kernel.sparsity < 0.3 for kernel in small), "small kernels are left alone"


def test_zeros_of_l1_stay_in_what_follows(line):
    """Three quarters of L1 under half of pruning, then few values, then rounding."""
    _, _, evidence = line.make(L1, PRUNING, CLUSTERING, QUANTIZATION_AWARE, INT8)
    assert holds(evidence), evidence
    assert [found["technique"] for found in evidence].count("l1") == 5, "after each stage and in the file"


def test_float32_and_its_control(line):
    tflite, _, evidence = line.make(FLOAT32)
    tuned, _, tuned_evidence = line.make(FINE_TUNING, FLOAT32)
    assert holds(evidence) and holds(tuned_evidence)
    assert {kernel.dtype for kernel in kernels(tflite)} == {"float32"}
    before, after = (np.concatenate([kernel.array.ravel() for kernel in kernels(found)]) for found in (tflite, tuned))
    assert before.shape == after.shape and not np.allclose(before, after)


def test_float16(line):
    tflite, _, evidence = line.make({"technique": "float16", "settings": {}})
    assert holds(evidence)
    assert {kernel.dtype for kernel in kernels(tflite)} == {"float16"}


def test_dynamic_range(line):
    tflite, _, evidence = line.make({"technique": "dynamic_range", "settings": {}})
    assert holds(evidence)
    large = [kernel for kernel in kernels(tflite) if kernel.array.size >= 1024]
    assert large and {kernel.dtype for kernel in large} == {"int8"}
    assert dtypes(tflite, "inputs") == ["float32"]


def test_dynamic_range_of_a_table(line):
    _, _, evidence = line.make({"technique": "dynamic_range", "settings": {}}, model="embedding")
    assert holds(evidence) and evidence[0]["detail"].startswith("1 of 1 kernels"), evidence


@pytest.mark.parametrize("io", ["int8", "uint8", "float32"])
def test_int8_with_the_ends_that_are_asked_for(line, io):
    tflite, _, evidence = line.make({"technique": "int8", "settings": {"io": io}})
    assert holds(evidence)
    assert dtypes(tflite, "inputs") == dtypes(tflite, "outputs") == [io]
    assert {kernel.dtype for kernel in kernels(tflite)} == {"int8"}
    assert [one.name for one in float_operators(tflite)] == (["SOFTMAX"] if io == "float32" else [])


def test_int8_per_tensor_saves_the_scales_that_it_is_predicted_to(line):
    """Scale and zero point of the weights take 12 bytes, and so do those of the biases, which the prediction counts alike."""
    plain, _, _ = line.make(INT8)
    tflite, path, evidence = line.make({"technique": "int8_per_tensor", "settings": {"io": "int8"}})
    assert holds(evidence) and tflite.size_bytes < plain.size_bytes
    found = kernels(tflite)
    assert [len(tflite.tensors[kernel.index].scales) for kernel in found] == [1] * len(found)
    assert all(len(plain.tensors[kernel.index].scales) > 1 for kernel in kernels(plain))
    channels = sum(len(plain.tensors[kernel.index].scales) - 1 for kernel in kernels(plain))
    assert 12 * channels <= plain.size_bytes - tflite.size_bytes <= 40 * channels
    report = check(path, device="nucleo-l4r5zi", cache=False)
    assert {one.name: one.outcome for one in report.checks}["runtime"] == "pass"


def test_zeros_are_kept_by_one_scale_a_tensor(line):
    _, _, evidence = line.make(PRUNING, {"technique": "int8_per_tensor", "settings": {"io": "int8"}})
    assert holds(evidence) and evidence[-2]["technique"] == "pruning"


def test_int8_with_float_fallback(line):
    tflite, _, evidence = line.make(int8_float_fallback("float32"))
    assert holds(evidence)
    assert {kernel.dtype for kernel in kernels(tflite)} == {"int8"}
    assert dtypes(tflite, "inputs") == ["float32"]


def test_int8_with_float_fallback_on_a_microcontroller(line):
    """The ends are int8 as its applications feed them, one operator inside is float, and its runtime takes the file."""
    tflite, path, evidence = line.make(int8_float_fallback("int8"), model="sine")
    assert holds(evidence) and "float: SIN" in evidence[0]["detail"]
    assert dtypes(tflite, "inputs") == dtypes(tflite, "outputs") == ["int8"]
    assert [operator.name for operator in float_operators(tflite)] == ["SIN"]
    report = check(path, device="nucleo-l4r5zi")
    outcomes = {found.name: found.outcome for found in report.checks}
    assert {outcomes[name] for name in ("runtime", "operators", "input_dtype", "output_dtype")} == {"pass"}, outcomes


@pytest.mark.parametrize("io", ["int16", "float32"])
def test_int16x8(line, io):
    tflite, _, evidence = line.make({"technique": "int16x8", "settings": {"io": io}})
    assert holds(evidence)
    assert {kernel.dtype for kernel in kernels(tflite)} == {"int8"}
    assert dtypes(tflite, "inputs") == [io]
    convolution = next(operator for operator in tflite.operators if operator.name == "CONV_2D")
    assert tflite.tensors[convolution.outputs[0]].dtype == "int16"


@pytest.mark.parametrize("step", [PRUNING, PRUNING_CONSTANT])
def test_pruned_weights_are_zero_in_the_stage_and_in_the_file(line, step):
    tflite, _, evidence = line.make(step, INT8)
    assert [found["technique"] for found in evidence] == ["pruning", "pruning", "int8"]
    assert holds(evidence)
    large = file_kernels(tflite)
    assert [kernel.array.size for kernel in large] == [3 * 3 * 16 * 16, 4 * 4 * 16 * CLASSES]
    assert all((kernel.array == 0).mean() >= step["settings"]["sparsity"] - 0.01 for kernel in large)


@pytest.mark.parametrize("budget", ["parameters", "macs", "activations", "latency"])
def test_fewer_channels_are_in_the_stage_and_in_a_smaller_file(line, budget):
    step = {"technique": "structured_pruning", "settings": {"left": 0.5, "budget": budget}}
    tflite, path, evidence = line.make(step, INT8)
    assert [found["technique"] for found in evidence] == ["structured_pruning", "structured_pruning", "int8"]
    assert holds(evidence), evidence
    plain, plain_path, _ = line.make(INT8)
    sizes, before = ([kernel.array.size for kernel in kernels(one)] for one in (tflite, plain))
    assert before == [9 * 16, 9 * 16 * 16, 4 * 4 * 16 * CLASSES]
    assert path.stat().st_size < plain_path.stat().st_size and sum(sizes) < sum(before)
    assert budget != "parameters" or sum(sizes) <= sum(before) / 2
    assert budget != "macs" or tflite.macs <= plain.macs / 2
    report = check(path, device="rpi4")
    assert {found.name: found.outcome for found in report.checks}["operators"] == "pass"


def test_a_file_as_large_as_before_is_no_evidence_of_fewer_channels(line):
    plain, method = line.make(INT8)[0], technique("structured_pruning")
    whole = sum(kernel.array.size for kernel in kernels(plain))
    found = method.ensures(plain, method.settings_type(left=0.9, whole=whole))
    assert not found.holds and "3,472 of 3,472 weights, 100.0%; 90% asked for" in found.detail
    assert not method.ensures(plain, method.settings_type(left=0.9)).holds, "of what is not known"


@pytest.mark.parametrize("conversion", [INT8, FLOAT32])
def test_clustered_weights_have_few_values_in_the_stage_and_in_the_file(line, conversion):
    tflite, _, evidence = line.make(CLUSTERING, conversion)
    assert [found["technique"] for found in evidence] == ["clustering", "clustering", conversion["technique"]]
    assert holds(evidence)
    assert all(kernel.array.size >= MINIMUM_WEIGHTS for kernel in file_kernels(tflite))
    assert all(distinct_values(kernel.array, kernel.channel_axis) <= 8 for kernel in file_kernels(tflite))


@pytest.mark.parametrize("settings", [{"threshold": "global"}, {"pattern": "2:4"}, {"pattern": "block", "block": 4}])
def test_a_pattern_of_zeros_is_in_the_stage_and_in_the_file(line, settings):
    tflite, _, evidence = line.make({"technique": "pruning", "settings": settings}, INT8)
    assert holds(evidence), evidence
    rows = [kernel.array.reshape(kernel.array.shape[0], -1) for kernel in file_kernels(tflite)]
    if settings.get("pattern") == "2:4":
        assert all(((row.reshape(-1, 4) != 0).sum(axis=1) <= 2).all() for row in rows)
    elif settings.get("pattern") == "block":
        assert all((row.reshape(-1, 4) == 0).all(axis=1).mean() >= 0.49 for row in rows)
    else:
        zeros = [(row == 0).mean() for row in rows]
        assert abs(zeros[0] - zeros[1]) > 0.02, "one threshold leaves kernels with different shares"


def test_layers_left_out_keep_their_weights(line):
    names = [layer["name"] for layer in line.facts["plain"]["layers"] if layer["kind"] == "Dense"]
    step = {"technique": "pruning", "settings": {"sparsity": 0.9, "exclude": names}}
    tflite, _, evidence = line.make(step, INT8)
    assert holds(evidence), evidence
    convolution, classifier = ((kernel.array == 0).mean() for kernel in file_kernels(tflite))
    assert convolution >= 0.89 and classifier < 0.2


def test_clusters_are_the_same_bytes_in_every_channel(line):
    """The codebook is on the grid of int8 and each channel has its scale: a whole kernel has as many bytes as clusters."""
    tflite, _, _ = line.make(CLUSTERING, INT8)
    assert all(distinct_values(kernel.array) <= 8 for kernel in file_kernels(tflite))


@pytest.mark.parametrize(
    "steps", [(PRUNING, QUANTIZATION_AWARE), (CLUSTERING, QUANTIZATION_AWARE), (PRUNING, CLUSTERING),
              (PRUNING, CLUSTERING, QUANTIZATION_AWARE), (STRUCTURED_PRUNING, QUANTIZATION_AWARE),
              (STRUCTURED_PRUNING, PRUNING, CLUSTERING, QUANTIZATION_AWARE)]
)  # fmt: skip
@pytest.mark.parametrize("model", ["plain", "residual"])
def test_a_chain_keeps_what_it_made(line, steps, model):
    tflite, _, evidence = line.make(*steps, INT8, model=model)
    assert holds(evidence), evidence
    techniques = [step["technique"] for step in steps]
    stages = [name for count in range(len(steps)) for name in techniques[: count + 1]]
    assert [found["technique"] for found in evidence] == [*stages, *techniques, "int8"]
    for kernel in file_kernels(tflite):
        assert "pruning" not in techniques or (kernel.array == 0).mean() >= 0.49
        assert "clustering" not in techniques or distinct_values(kernel.array) <= 8


@pytest.mark.parametrize("last", [(), pytest.param((QUANTIZATION_AWARE,), marks=pytest.mark.slow)])
def test_a_chain_keeps_what_it_made_of_a_recurrent_layer(line, last):
    """Of a fused LSTM each gate has a scale of its own, and so few values; its zeros are counted in all gates of a kernel together."""
    tflite, _, evidence = line.make(PRUNING, CLUSTERING, *last, INT8, model="recurrent")
    assert holds(evidence), evidence
    assert "of 3 kernels" in evidence[-3 - len(last)]["detail"], evidence
    gates = [kernel.array for kernel in kernels(tflite) if kernel.operator.name == "UNIDIRECTIONAL_SEQUENCE_LSTM"]
    assert [gate.shape for gate in gates] == [(16, 8)] * 4 + [(16, 16)] * 4
    assert all(distinct_values(gate) <= 8 for gate in gates)
    assert all(np.mean([(gate == 0).mean() for gate in half]) >= 0.49 for half in (gates[:4], gates[4:]))


def test_a_stage_that_loses_zeros_is_seen(line):
    """Fine-tuning keeps nothing by itself: without the constraint of what came before, the zeros are gone."""
    folder, _ = line._stage(line.models["plain"], (PRUNING,))
    _, answer = line._stage(folder, (FINE_TUNING,))
    assert [found["technique"] for found in answer["evidence"]] == ["fine_tuning"]
    _, kept = line._stage(folder, (PRUNING, FINE_TUNING))
    assert holds(kept["evidence"]) and kept["evidence"][0]["technique"] == "pruning"


@pytest.mark.parametrize("model", ["plain", "unknown_to_tfmot"])
def test_quantization_aware_gives_an_integer_file(line, model):
    tflite, _, evidence = line.make(QUANTIZATION_AWARE, INT8, model=model)
    assert [found["technique"] for found in evidence] == ["quantization_aware", "quantization_aware", "int8"]
    assert holds(evidence), evidence
    assert {kernel.dtype for kernel in kernels(tflite)} == {"int8"}
    assert not list(float_operators(tflite))
    assert dtypes(tflite, "inputs") == dtypes(tflite, "outputs") == ["int8"]


def test_quantization_aware_ranges_are_those_of_the_values_after_a_short_run_too(line):
    """A rectified value has no negative range: half of its int8 would be for nothing."""
    for engine in ("edgekit", "tfmot"):
        tflite, _, _ = line.make(quantization_aware(engine), INT8)
        rectified = [
            tensor
            for tensor in tflite.tensors
            if "Relu" in tensor.name and tensor.dtype == "int8" and tensor.shape[0] == 1
        ]
        assert rectified and all(tensor.zero_points == (-128,) for tensor in rectified)


def test_tfmot_is_an_engine_for_those_who_ask_for_it(line):
    """It takes a Keras 3 model that tf_keras can have, and its file shows the marks of its quantizers."""
    tflite, _, evidence = line.make(quantization_aware("tfmot"), INT8)
    assert holds(evidence), evidence
    assert "layers simulate int8" in evidence[0]["detail"]
    assert "1 of 1 trained ranges" in evidence[1]["detail"]
    assert {kernel.dtype for kernel in kernels(tflite)} == {"int8"}


def test_trained_ranges_are_in_the_file(line):
    """Those of the input, of two rectified values and of what goes into the softmax; with no operator more than in a file of plain int8."""
    trained, _, evidence = line.make(QUANTIZATION_AWARE, INT8)
    (kept,) = re.findall(r"(\d+) of (\d+) trained ranges", evidence[1]["detail"])
    assert int(kept[0]) == int(kept[1]) == 4
    plain = line.make(INT8)[0]
    assert [one.name for one in trained.operators] == [one.name for one in plain.operators]


def test_a_file_without_trained_ranges_is_no_evidence_of_them(line):
    """The same model, calibrated in place of trained."""
    from edgekit.make.workshop.door import door
    from edgekit.make.workshop.store import open_model, steps_of

    method = technique("quantization_aware")
    folder, _ = line._stage(line.models["plain"], (QUANTIZATION_AWARE,))
    tools, job = door(), {"imports": [], "root": str(USER), "steps": [QUANTIZATION_AWARE]}
    model = open_model(tools, folder, steps_of(job), job)
    found = method.ensures_kept(tools, model, line.make(INT8)[0], method.settings_type(), technique("int8"))
    assert not found.holds and re.search(r"3 of 3 kernels are int8, [01] of \d trained ranges", found.detail)


@pytest.mark.parametrize("conversion", ["int8_float_fallback", "int16x8"])
def test_other_conversions_follow_a_trained_rounding(line, conversion):
    """16x8 keeps the rounded kernels, and calibrates its activations."""
    last = {"technique": conversion, "settings": {"io": "float32"}}
    tflite, _, evidence = line.make(QUANTIZATION_AWARE, last)
    assert holds(evidence), evidence
    assert {kernel.dtype for kernel in kernels(tflite)} == {"int8"}
    rounded = {kernel.array.tobytes() for kernel in kernels(line.make(QUANTIZATION_AWARE, INT8)[0])}
    assert {kernel.array.tobytes() for kernel in kernels(tflite)} == rounded


def test_the_same_bytes_after_other_trials_and_in_a_fresh_worker(line, dataset, tmp_path):
    """The worker of this session has made a dozen files by now; the fresh one makes these in the opposite order."""
    trials = [(PRUNING, INT8), (STRUCTURED_PRUNING, INT8), (CLUSTERING, INT8), (QUANTIZATION_AWARE, INT8), (INT8,)]
    first = [line.digest(*steps) for steps in trials]
    assert line.digest(*trials[0]) == first[0]
    with Worker(MODULE, environment=ENVIRONMENT) as worker:
        fresh = Line(worker, dataset, tmp_path)
        assert [fresh.digest(*steps) for steps in reversed(trials)] == first[::-1]
