"""The contract of a technique's file, held for every file of the folder the moment it is there."""

from __future__ import annotations

import functools
import importlib.metadata
import inspect
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit import techniques as package
from edgekit.devices.bundled import profile_ids
from edgekit.devices.profile import DeviceProfile, load_profile
from edgekit.documents.candidate import Declined
from edgekit.documents.facts import LayerFacts, ModelFacts, TensorFacts
from edgekit.errors import ProjectError
from edgekit.project.project import AIM_OF, Goal
from edgekit.techniques import masks, technique, techniques
from edgekit.techniques.clustering import _values_in_scales
from edgekit.techniques.interface import Conversion, Evidence, Task, TrainingTechnique
from edgekit.techniques.zeros import Asked, judge
from edgekit.tflite.reader import read_tflite
from edgekit.values import from_json, to_builtins, to_json
from edgekit.verdict.limits import Limit, Limits, limits_of
from edgekit.verdict.metric_spec import MetricSpec

FOLDER = Path(package.__file__).parent
GOLDEN = Path(__file__).parent.parent / "golden"
NAMES = sorted(techniques())
# Which golden file a technique made, with which settings; tools/make_golden.py makes them.
MADE = {
    "float16": ("float16", {}),
    "dynamic_range": ("dynamic_range", {}),
    "int8": ("int8", {"io": "int8"}),
    "int8_per_tensor": ("int8_per_tensor", {"io": "int8"}),
    "int8_float_fallback": ("int8_float_fallback", {}),
    "int8_mixed": ("int8_mixed", {}),
    "int16x8": ("int16x8", {}),
    "quantization_aware": ("quantization_aware_int8", {}),
    "pruning": ("pruned_int8", {"sparsity": 0.75}),
    "structured_pruning": ("narrowed_int8", {"left": 0.5, "whole": 36 + 36 + 144 * 8 + 8 * 3}),
    "clustering": ("clustered_int8", {"clusters": 4}),
    "int8_lookup_tables": ("lookup_tables_int8", {}),
    "int8_coded": ("coded_int8", {}),
    "student": ("int8_float_fallback", {"parameters": 475, "kernels": (36, 432)}),
    "low_rank": ("low_rank_int8", {"left": 0.3}),
    "l1": ("pruned_int8", {"sparsity": 0.75}),
    "int8_sparse": ("sparse_int8", {"io": "int8"}),
    "as_given": ("int8", {"stored": "int8"}),
}
UNSEEN = ("float32", "fine_tuning")
"""The baseline and the control: there is nothing that they would add to a float32 file."""


def network(filters: int, *more: LayerFacts) -> ModelFacts:
    layers = (
        LayerFacts(name="image", kind="InputLayer", output_shape=(8, 8, 1)),
        LayerFacts(
            name="convolution", kind="Conv2D", inputs=("image",), output_shape=(6, 6, filters),
            parameters=10 * filters, macs=324 * filters, kernel=(3, 3, 1, filters),
        ),
        *more,
    )  # fmt: skip
    image = TensorFacts(name="image", shape=(8, 8, 1), dtype="float32")
    return ModelFacts(
        sha256="0" * 64, format="keras", inputs=(image,), outputs=(image,), layers=layers, output_kinds=("linear",)
    )


def user_limits(limits: dict[str, float]) -> Limits:
    """Limits that the user gave, and nothing of a board."""
    return Limits(deciding={name: Limit(value=value, origin="user") for name, value in limits.items()})


def a_task(profile: DeviceProfile, facts: ModelFacts, currency: Any = "download", **limits: float) -> Task:
    goal = Goal(max_drop_points=1.0, metric=MetricSpec(), aim=AIM_OF[currency], search="first")
    return Task(profile=profile, facts=facts, goal=goal, limits=user_limits(limits))


@functools.cache
def tasks() -> list[Task]:
    return [
        a_task(profile, network(filters), currency, **limits)
        for profile in [load_profile(device) for device in profile_ids()]
        for currency in ("flash", "download", "ram", "latency")
        for limits in ({}, {"download": 1000.0})
        for filters in (1, 100, 200)
    ]


def test_the_listing_is_the_folder_and_the_entry_points():
    files = {path.stem for path in FOLDER.glob("*.py") if "    name = " in path.read_text(encoding="utf-8")}
    points = {point.name for point in importlib.metadata.entry_points(group="edgekit.techniques")}
    assert set(NAMES) == files | points
    assert set(MADE) | set(UNSEEN) == files, "a new technique needs a golden file of its own, or a word why not"


def test_a_technique_of_an_installed_package_is_listed(tmp_path, monkeypatch):
    text = (FOLDER / "float16.py").read_text(encoding="utf-8").replace('name = "float16"', 'name = "halves"')
    (tmp_path / "their_technique.py").write_text(text, encoding="utf-8")
    info = tmp_path / "theirs-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text("[edgekit.techniques]\nhalves = their_technique:Float16\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    techniques.cache_clear()
    try:
        assert techniques()["halves"].label(technique("halves").settings_type()) == "halves"
        for wrong in (
            "halves = their_technique",
            "halves = their_technique:Settings",
            "quarters = their_technique:Float16",
        ):
            (info / "entry_points.txt").write_text(f"[edgekit.techniques]\n{wrong}\n", encoding="utf-8")
            techniques.cache_clear()
            with pytest.raises(ProjectError, match=r"entry point .* of edgekit\.techniques"):
                techniques()
        (info / "entry_points.txt").write_text(
            "[edgekit.techniques]\nhalves = their_technique:Float16\n", encoding="utf-8"
        )
        (tmp_path / "their_technique.py").unlink()
        monkeypatch.delitem(__import__("sys").modules, "their_technique")
        techniques.cache_clear()
        with pytest.raises(ProjectError, match="of the installed package theirs cannot be imported"):
            techniques()
    finally:
        techniques.cache_clear()


def test_an_unknown_technique_suggests_the_nearest():
    with pytest.raises(ProjectError) as caught:
        technique("prunning")
    assert caught.value.next_step == "did you mean 'pruning'?"


@pytest.mark.parametrize("name", NAMES)
def test_it_is_a_class_of_its_kind_and_says_what_it_does(name):
    method = technique(name)
    assert method.name == name and inspect.getdoc(method) and inspect.getdoc(inspect.getmodule(method))
    assert isinstance(method, TrainingTechnique if method.kind == "training" else Conversion)
    own = [part for part in vars(type(method)).values() if inspect.isfunction(part)]
    assert own and all(part.__doc__ for part in own)


@pytest.mark.parametrize("name", NAMES)
def test_settings_are_frozen_and_go_through_json(name):
    method = technique(name)
    proposed = [s for task in tasks() for s in _settings(method.propose(task))]
    for one in [method.settings_type(), *proposed]:
        assert from_json(to_json(one), method.settings_type) == one
        with pytest.raises(AttributeError):
            one.anything = 1
    with pytest.raises(Exception, match="unknown key"):
        from_json(b'{"no_such_setting": 1}', method.settings_type)


def _settings(answer):
    return () if isinstance(answer, Declined) else answer


@pytest.mark.parametrize("name", NAMES)
def test_it_proposes_settings_or_declines_with_a_reason(name):
    method = technique(name)
    for task in tasks():
        before = to_json(task)
        answer = method.propose(task)
        assert answer == method.propose(task) and to_json(task) == before, "pure"
        if isinstance(answer, Declined):
            assert answer.technique == name and len(answer.reason.strip()) > 15
        else:
            assert all(isinstance(one, method.settings_type) for one in answer)
            assert len({to_json(one) for one in answer}) == len(answer), "nothing is proposed twice"


@pytest.mark.parametrize("name", NAMES)
def test_every_bundled_device_gives_distinct_labels(name):
    method = technique(name)
    for task in tasks():
        labels = [method.label(one) for one in _settings(method.propose(task))]
        assert len(set(labels)) == len(labels)
        assert all(label.startswith(name) and "+" not in label and " " not in label for label in labels)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 99), st.integers(2, 128), st.sampled_from(["constant", "polynomial"]))
def test_labels_tell_strengths_apart(percent, clusters, schedule):
    pruning, clustering = technique("pruning"), technique("clustering")
    label = pruning.label(pruning.settings_type(sparsity=percent / 100, schedule=schedule))
    assert label == f"pruning_{percent}" + ("_constant" if schedule == "constant" else "")
    assert clustering.label(clustering.settings_type(clusters=clusters)) == f"clustering_{clusters}"


def test_every_code_is_one_value_whatever_its_scale():
    scales = np.random.default_rng(0).normal(size=(500, 1)).astype("float32")
    for code in range(1, 127):
        matrix = scales * np.array([[1, code / 127]], "float32")
        assert _values_in_scales(abs(matrix)) == 2, code


def test_a_label_and_the_evidence_round_no_sparsity_up_to_all():
    pruning = technique("pruning")
    assert pruning.label(pruning.settings_type(sparsity=0.999)) == "pruning_99.9"
    detail = pruning.ensures(read_tflite(GOLDEN / "float32.tflite"), pruning.settings_type(sparsity=0.999)).detail
    assert "99.9% asked for" in detail


def test_the_evidence_of_two_of_four_counts_whole_groups_and_says_so():
    """Rows of 21 weights: the last of each is in no group and stays."""
    kernel = np.random.default_rng(0).normal(size=(33, 21))
    (mask,) = masks.two_of_four([kernel])
    chosen = Asked(sparsity=0.9, pattern="2:4")
    found = judge("pruning", [kernel * mask], chosen)
    assert found.holds and found.detail.startswith(
        "50.0% zeros in whole groups of four in the least sparse of 1 kernels"
    )
    assert judge("pruning", [kernel, kernel * mask], chosen, 1).holds, "the one that was left out is not counted"
    broken = judge("pruning", [kernel * mask, kernel], chosen)
    assert not broken.holds and "165 groups with more than two weights" in broken.detail
    assert not judge("pruning", [kernel[:, :3]], chosen).holds, "no group at all shows nothing"


@pytest.mark.parametrize("name", MADE)
def test_the_evidence_is_in_the_file_that_it_made_and_not_in_the_float32_file(name):
    method, (stem, given_settings) = technique(name), MADE[name]
    chosen = method.settings_type(**given_settings)
    made = method.ensures(read_tflite(GOLDEN / f"{stem}.tflite"), chosen)
    assert isinstance(made, Evidence) and made.technique == name and made.holds, made.detail
    plain = method.ensures(read_tflite(GOLDEN / "float32.tflite"), chosen)
    assert not plain.holds and any(letter.isdigit() for letter in plain.detail)


@pytest.mark.parametrize("name", ["pruning", "clustering"])
@pytest.mark.parametrize("kind", ["ConvLSTM2D", "Embedding", "BatchNormalization", "DepthwiseConv2D"])
def test_training_of_weights_is_for_layers_that_it_can_be_seen_in(name, kind):
    large = LayerFacts(name="large", kind=kind, output_shape=(8,), parameters=4096, kernel=(64, 64))
    profile = load_profile("rpi4")
    answer = technique(name).propose(a_task(profile, network(4, large)))
    assert isinstance(answer, Declined)
    kinds = "Conv1D, Conv2D, Dense, LSTM, GRU, SimpleRNN or Bidirectional"
    assert f"no kernel of a {kinds} layer has 256 weights" in answer.reason and "36" in answer.reason
    alone = network(4, large)
    alone = msgspec.structs.replace(alone, layers=(alone.layers[0], large))
    assert f"there are {kind}" in technique(name).propose(a_task(profile, alone)).reason
    for other in ("Dense", "LSTM", "Bidirectional"):
        worked = msgspec.structs.replace(large, kind=other)
        assert not isinstance(technique(name).propose(a_task(profile, network(4, worked))), Declined), other


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("pruning", ["pruning_50", "pruning_75", "pruning_90_global", "pruning_95_global", "pruning_98_global"]),
        ("clustering", [f"clustering_{count}" for count in (32, 16, 8, 4, 2)]),
    ],
)
def test_two_strengths_are_proposed_and_each_stronger_one_follows_the_last(name, labels):
    method = technique(name)
    found = list(method.propose(a_task(load_profile("rpi4"), network(100))))
    assert len(found) == 2
    while (heavier := method.stronger(found[-1])) is not None:
        found.append(heavier)
    assert [method.label(one) for one in found] == labels
    strengths = [method.strength(one) for one in found]
    assert strengths == sorted(strengths) and len(set(strengths)) == len(labels)


def test_zeros_are_kept_by_clusters_that_have_a_value_for_them():
    method = technique("clustering")
    assert method.keeps(method.settings_type(clusters=2), ()) and method.keeps(
        method.settings_type(clusters=3), ("pruning",)
    )
    assert not method.keeps(method.settings_type(clusters=2), ("pruning",))
    assert not method.keeps(method.settings_type(clusters=2), ("l1",))
    assert technique("pruning").stronger(technique("pruning").settings_type(pattern="2:4")) is None


def test_one_scale_a_tensor_is_proposed_where_the_scales_count():
    """100 channels take 9 bytes each of a file of 4 KB."""
    method, board = technique("int8_per_tensor"), load_profile("nucleo-l4r5zi")
    assert not isinstance(method.propose(a_task(board, network(100), "flash")), Declined)
    assert isinstance(method.propose(a_task(board, network(100), "latency")), Declined)
    wide = LayerFacts(name="wide", kind="Dense", output_shape=(10,), kernel=(50_000, 10), parameters=500_000)
    heavy = method.propose(a_task(board, network(1, wide), "flash"))
    assert isinstance(heavy, Declined) and "few channels for so many weights" in heavy.reason
    npu = method.propose(a_task(load_profile("corstone-300"), network(100), "flash"))
    assert isinstance(npu, Declined) and "compiler" in npu.reason
    balanced = Goal(max_drop_points=1.0, metric=MetricSpec())
    for device, own, proposed in (("rpi4", {}, False), ("rpi4", {"flash": 1e5}, True), ("nucleo-l4r5zi", {}, True)):
        limits = user_limits(limits_of(load_profile(device), own).values)
        task = Task(profile=load_profile(device), facts=network(100), goal=balanced, limits=limits)
        assert isinstance(method.propose(task), tuple) is proposed, "nobody counts the bytes of a card"


def three_layers(*sizes: int) -> ModelFacts:
    """Dense layers of 16 inputs one after another."""
    facts, before = network(1), "image"
    layers = list(facts.layers[:1])
    for index, size in enumerate(sizes):
        layers.append(
            LayerFacts(name=f"dense_{index}", kind="Dense", inputs=(before,), output_shape=(size,), kernel=(16, size))
        )
        before = f"dense_{index}"
    return msgspec.structs.replace(facts, layers=tuple(layers))


@pytest.mark.parametrize("name", ["pruning", "clustering"])
def test_light_ends_and_what_the_project_names_are_left_out(name):
    task = a_task(load_profile("rpi4"), three_layers(20, 800, 600, 30))
    (first, *_) = technique(name).propose(task)
    assert first.exclude == ("dense_0", "dense_3"), "320 and 480 of 23,200 weights"
    heavy = a_task(load_profile("rpi4"), three_layers(200, 800, 600, 300))
    assert technique(name).propose(heavy)[0].exclude == (), "the ends hold more than a twentieth each"
    named = msgspec.structs.replace(heavy, exclude=("dense_[12]",))
    assert technique(name).propose(named)[0].exclude == ("dense_1", "dense_2")
    everything = technique(name).propose(msgspec.structs.replace(heavy, exclude=("*",)))
    assert isinstance(everything, Declined) and "left out" in everything.reason


def test_quantization_aware_training_leaves_out_what_the_project_names():
    named = msgspec.structs.replace(a_task(load_profile("rpi4"), network(100)), exclude=("conv*",))
    assert technique("quantization_aware").propose(named)[0].exclude == ("convolution",)


def test_techniques_work_on_keras_3_but_for_tfmot():
    forms = {
        name: found.form(found.settings_type()) for name, found in techniques().items() if found.kind == "training"
    }
    assert set(forms.values()) == {"keras3"}
    method = technique("quantization_aware")
    assert method.form(method.settings_type(engine="tfmot")) == "tf_keras"


@pytest.mark.parametrize(("filters", "declined"), [(113, True), (114, False)])
def test_dynamic_range_is_for_kernels_that_the_converter_quantizes(filters, declined):
    vector = LayerFacts(name="folded", kind="BatchNormalization", output_shape=(2000,), parameters=8000, kernel=(2000,))
    answer = technique("dynamic_range").propose(a_task(load_profile("rpi4"), network(filters, vector)))
    assert isinstance(answer, Declined) is declined
    assert not declined or ("below 1024" in answer.reason and f"largest has {9 * filters}" in answer.reason)


@pytest.mark.parametrize("name", ["float16", "int16x8", "int8_float_fallback"])
def test_a_model_without_kernels_has_nothing_that_these_store_otherwise(name):
    """Vectors and tables of embeddings are no kernels; int8 still makes its activations integers."""
    table = LayerFacts(name="table", kind="Embedding", output_shape=(8, 16), parameters=1600, kernel=(100, 16))
    vector = LayerFacts(name="scale", kind="LayerScale", output_shape=(64,), parameters=64, kernel=(64,))
    facts = network(4)
    without = msgspec.structs.replace(facts, layers=(facts.layers[0], table, vector))
    answer = technique(name).propose(a_task(load_profile("rpi4"), without))
    assert isinstance(answer, Declined) and answer.reason == "no layer has a kernel"
    assert not isinstance(technique(name).propose(a_task(load_profile("rpi4"), facts)), Declined)
    assert not isinstance(technique("int8").propose(a_task(load_profile("rpi4"), without)), Declined)


@pytest.mark.parametrize(("device", "io"), [("rpi4", "float32"), ("nucleo-l4r5zi", "int8"), ("esp32-s3", "int8")])
def test_a_float_operator_inside_leaves_the_ends_as_the_device_takes_them(device, io):
    (found,) = technique("int8_float_fallback").propose(a_task(load_profile(device), network(100)))
    assert found.io == io


@pytest.mark.parametrize("stem", ["int8", "float32", "clustered_int8"])
def test_channels_that_hold_no_more_weights_than_clusters_are_no_evidence(stem):
    """The large kernel of these files has 144 weights a channel."""
    method = technique("clustering")
    assert method.ensures(read_tflite(GOLDEN / "clustered_int8.tflite"), method.settings_type(clusters=143)).holds
    found = method.ensures(read_tflite(GOLDEN / f"{stem}.tflite"), method.settings_type(clusters=256))
    assert found.holds is False and "channels too small to tell" in found.detail


@pytest.mark.parametrize("name", UNSEEN)
def test_the_baseline_and_the_control_hold_on_the_float32_file(name):
    assert technique(name).ensures(read_tflite(GOLDEN / "float32.tflite"), technique(name).settings_type()).holds


@pytest.mark.parametrize("name", ["pruning", "clustering"])
def test_evidence_of_more_than_was_made_does_not_hold(name):
    method, (stem, given_settings) = technique(name), MADE[name]
    stronger = {"sparsity": 0.95} if name == "pruning" else {"clusters": 2}
    made = read_tflite(GOLDEN / f"{stem}.tflite")
    assert not method.ensures(made, method.settings_type(**{**given_settings, **stronger})).holds
    assert not method.ensures(read_tflite(GOLDEN / "int8.tflite"), method.settings_type(**given_settings)).holds


def test_float_kernels_are_no_evidence_of_simulated_rounding():
    method = technique("quantization_aware")
    found = method.ensures(read_tflite(GOLDEN / "float32.tflite"), method.settings_type())
    assert not found.holds and found.detail == "0 of 4 kernels are int8"


@pytest.mark.parametrize("name", NAMES)
def test_evidence_of_any_golden_file_is_a_sentence(name):
    method = technique(name)
    for path in sorted(GOLDEN.glob("*.tflite")):
        found = method.ensures(read_tflite(path), method.settings_type())
        assert found.technique == name and found.detail and isinstance(found.holds, bool)
        assert to_builtins(found)
