"""Techniques of installed packages that break the contract: each is refused, or fails its trial, and its package is named.

The packages are real: modules and entry points in a folder of installed packages. What is wrong with a class is found when it
is loaded; what its methods raise or answer, when they are asked.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from edgekit.devices.profile import load_profile
from edgekit.documents.candidate import Plan, Step
from edgekit.documents.facts import LayerFacts, ModelFacts, TensorFacts
from edgekit.errors import ProjectError
from edgekit.planner.chains import lighter_or_equal
from edgekit.planner.planner import Planner, outline
from edgekit.planner.proposal import Proposal
from edgekit.project.project import Goal
from edgekit.techniques import identity, technique, techniques
from edgekit.techniques.interface import Task
from edgekit.techniques.steps import TypedStep
from edgekit.verdict.limits import Limits
from edgekit.verdict.metric_spec import MetricSpec

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "installed package theirs"
GOOD = """
from msgspec.structs import replace

from edgekit.cost.graph import Graph, Node
from edgekit.documents.candidate import Declined
from edgekit.techniques.integer import IntegerConversion, integer
from edgekit.techniques.interface import Constraint, Conversion, Evidence, Technique, TrainingTechnique
from edgekit.values import Value


class Settings(Value):
    io: str = "float32"


class Good(IntegerConversion):
    name = "bad"
    settings_type = Settings

    def propose(self, task):
        return (Settings(),)

    def ensures(self, tflite, settings):
        return Evidence(technique=self.name, holds=True, detail="it is there")


class Trains(TrainingTechnique):
    name = "bad"
    settings_type = Settings

    def propose(self, task):
        return (Settings(),)

    def effect(self, graph, settings):
        return graph

    def apply(self, door, model, settings, training, before):
        training.fit(model)
        return model

    def ensures_in_model(self, door, model, settings):
        return Evidence(technique=self.name, holds=True, detail="it is there")

    def ensures(self, tflite, settings):
        return Evidence(technique=self.name, holds=True, detail="it is there")


"""


def distribution(site: Path, name: str, points: str) -> None:
    record = site / f"{name}-1.0.dist-info"
    record.mkdir(parents=True, exist_ok=True)
    (record / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
    (record / "entry_points.txt").write_text(f"[edgekit.techniques]\n{points}\n", encoding="utf-8")


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Installs the package `theirs`: its module's text after `GOOD`, and its entry points."""

    def install(body: str, points: str = "bad = theirs:Bad") -> None:
        (tmp_path / "theirs.py").write_text(GOOD + body, encoding="utf-8")
        distribution(tmp_path, "theirs", points)
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, "theirs", raising=False)
        techniques.cache_clear()

    yield install
    sys.modules.pop("theirs", None)
    monkeypatch.undo()
    techniques.cache_clear()


def a_task(**more: Any) -> Task:
    image = TensorFacts(name="image", shape=(8, 8, 1), dtype="float32")
    layers = (
        LayerFacts(name="image", kind="InputLayer", output_shape=(64,)),
        LayerFacts(name="dense", kind="Dense", inputs=("image",), output_shape=(10,), parameters=650, macs=640, kernel=(64, 10)),
    )  # fmt: skip
    facts = ModelFacts(
        sha256="0" * 64, format="keras", inputs=(image,), outputs=(image,), layers=layers, output_kinds=("linear",)
    )
    goal = Goal(max_drop_points=1.0, metric=MetricSpec(), aim="smallest", search="all")
    return Task(profile=load_profile("rpi4"), facts=facts, goal=goal, limits=Limits(), **more)


def planned() -> Plan:
    return outline(a_task())


NO_CLASSES = {
    "no such module": ("", "bad = nowhere:Bad", "cannot be imported", "ModuleNotFoundError"),
    "no such class": ("", "bad = theirs:Bad", "cannot be imported", "AttributeError"),
    "a module that raises": ("1 / 0", "bad = theirs:Bad", "cannot be imported", "ZeroDivisionError"),
    "a module with a fault of syntax": ("def", "bad = theirs:Bad", "cannot be imported", "SyntaxError"),
    "a module": ("", "bad = theirs", "is not the class of one", "theirs"),
    "a function": ("def Bad(): pass", "bad = theirs:Bad", "is not the class of one", "theirs:Bad"),
    "an instance": ("Bad = Good()", "bad = theirs:Bad", "is not the class of one", "theirs:Bad"),
    "the settings": ("", "bad = theirs:Settings", "is not the class of one", "theirs:Settings"),
    "a base of neither kind": (
        "class Bad(Technique): name = 'bad'",
        "bad = theirs:Bad",
        "is not the class of one",
        "theirs:Bad",
    ),
}
CLASSES = {
    "no methods": ("class Bad(TrainingTechnique): name = 'bad'", "lacks apply, effect, ensures, ensures_in_model, propose"),
    "both kinds": ("class Bad(Trains, Conversion):\n    def configure(self, *_): pass", "both trains and converts"),
    "no name": ("del Good.name\nBad = Good", "has another name than its entry point"),
    "another name": ("class Bad(Good): name = 'good'", "has another name than its entry point"),
    "no settings": ("del Trains.settings_type\nBad = Trains", "has a settings_type that is no Value"),
    "settings of no Value": ("class Bad(Good): settings_type = dict", "has a settings_type that is no Value"),
    "settings without defaults": ("class S(Value): k: int\nclass Bad(Good): settings_type = S", "has settings without defaults"),
    "a kind of its own": ("class Bad(Trains): kind = 'conversion'", "has a kind that its base class does not have"),
    "an unknown kind": ("class Bad(Good): kind = 'rewrite'", "has a kind that its base class does not have"),
    "the baseline": ("class Bad(Good): role = 'baseline'", "has the role of one of edgekit's own"),
    "a method that is none": ("class Bad(Good): effect = None", "has effect, which is no method"),
    "a place that is none": ("class Bad(Trains): place_in_chain = 'last'", "has a place_in_chain that is no number"),
    "calibration by a word": ("class Bad(Good): calibrated = 'yes'", "has a calibrated that is no bool"),
    "shapes by a word": ("class Bad(Trains): predicts_shapes = 'no'", "has a predicts_shapes that is no bool"),
    "factors by a number": ("class Bad(Trains): rescalable = 1", "has a rescalable that is no bool"),
    "a constructor that asks": ("class Bad(Good):\n    def __init__(self, k): pass", "cannot be made"),
    "a variant of nothing": ("class Bad(Good): variant_of = 'int7'", "names in variant_of a technique that there is not"),
    "a variant of a training": ("class Bad(Good): variant_of = 'pruning'", "names in variant_of a technique that there is not"),
    "keeps what is not": ("class Bad(Good): keeps_trained = ('prune',)", "names in keeps_trained a technique that there is not"),
    "keeps a word": ("class Bad(Good): keeps_trained = 'pruning'", "has a keeps_trained that is no tuple"),
}  # fmt: skip


@pytest.mark.parametrize("case", NO_CLASSES)
def test_an_entry_point_that_is_no_technique_is_refused(case, installed):
    body, points, what, received = NO_CLASSES[case]
    installed(body, points)
    with pytest.raises(ProjectError) as caught:
        techniques()
    assert caught.value.what == f"the technique 'bad' of the {PACKAGE} {what}"
    assert received in str(caught.value.received) and caught.value.exit_code == 2


@pytest.mark.parametrize("case", CLASSES)
def test_a_class_that_breaks_the_contract_is_refused(case, installed):
    body, what = CLASSES[case]
    installed(body)
    with pytest.raises(ProjectError) as caught:
        techniques()
    assert caught.value.what == f"the technique 'bad' of the {PACKAGE} {what}"
    assert "entry point 'bad' of edgekit.techniques (theirs)" in str(caught.value) and caught.value.allowed


def test_a_name_that_is_taken_is_refused(installed, tmp_path):
    installed("class Bad(Good): name = 'int8'", "int8 = theirs:Bad")
    with pytest.raises(ProjectError, match=f"'int8' of the {PACKAGE} has a name that is taken") as caught:
        techniques()
    assert caught.value.allowed == "another name: edgekit has a technique of this one"
    distribution(tmp_path, "others", "bad = theirs:Good")
    installed("", "bad = theirs:Good")
    with pytest.raises(ProjectError, match=r"'bad' of the installed package .* has a name that is taken") as caught:
        techniques()
    assert "theirs" in str(caught.value) and "others" in str(caught.value), "both packages are named"


ANSWERS = {
    "propose": {
        "None": "return None",
        "settings alone": "return Settings()",
        "a word": "return 'io'",
        "a generator": "yield Settings()",
        "nothing": "return ()",
        "no settings": "return ({'io': 'int8'},)",
        "another type's": "return (Graph(),)",
        "settings of wrong types": "return (Settings(io=1),)",
        "settings that are no number": "class S(Settings): x: float = 0\n        return (S(x=float('nan')),)",
        "declined for nothing": "return Declined(technique='bad', reason='')",
        "declined for another": "return Declined(technique='int8', reason='it is not for you')",
        "an exception": "raise KeyError('conv')",
        "an exit": "raise SystemExit(0)",
        "a file that is not there": "open('/nowhere')",
    },
    "label": {"no word": "return 3", "two words": "return 'bad one'", "a chain": "return 'bad+int8'", "an exception": "1 / 0"},
    "requires": {"a bool": "return True", "an exception": "1 / 0", "no reason": "return ''"},
    "effect": {
        "an exception": "1 / 0",
        "None": "return None",
        "no operators": "return replace(graph, nodes=())",
        "a list": "return list(graph.nodes)",
        "a graph of words": "return replace(graph, nodes=('dense',))",
        "a negative size": "return graph.changed(lambda node: {'weights': -1})",
        "no number": "return graph.changed(lambda node: {'zeros': float('nan')})",
        "half a weight": "return graph.changed(lambda node: {'weights': node.weights / 3})",
        "a size in words": "return graph.changed(lambda node: {'weights': '12'})",
        "more zeros than weights": "return graph.changed(lambda node: {'zeros': 1.5})",
        "no value at all": "return graph.changed(lambda node: {'distinct': 0})",
        "an unknown arithmetic": "return graph.changed(lambda node: {'arithmetic': 'int4'})",
        "no such field": "return graph.changed(lambda node: {'bits': 4})",
        "negative inputs": "return replace(graph, inputs={'image': -64})",
        "another operator": "return replace(graph, nodes=(Node(name='other', inputs=('dense',), elements=10),))",
        "an operator twice": "return replace(graph, nodes=graph.nodes * 2)",
        "an output of nothing": "return replace(graph, outputs=('other',))",
    },
}  # fmt: skip
ARGUMENTS = {
    "propose": "task", "label": "settings", "requires": "graph, settings", "effect": "graph, settings",
    "strength": "settings", "stronger": "settings", "keeps": "settings, before",
}  # fmt: skip
CASES = [(method, case) for method, cases in ANSWERS.items() for case in cases]


@pytest.mark.parametrize(("method", "case"), CASES, ids=[f"{method}: {case}" for method, case in CASES])
def test_what_a_method_raises_or_answers_names_its_package(method, case, installed):
    installed(f"class Bad(Good):\n    def {method}(self, {ARGUMENTS[method]}):\n        {ANSWERS[method][case]}\n")
    with pytest.raises(ProjectError) as caught:
        planned()
    assert f"the technique 'bad' of the {PACKAGE} does not keep its contract: {method} " in caught.value.what
    assert caught.value.where == f"theirs.Bad.{method}"


@pytest.mark.parametrize("answer", ["False", "1 / 0"])
def test_a_conversion_is_asked_with_care_whether_it_pays(answer, installed):
    installed(f"class Bad(Good):\n    def against(self, task, graph): return {answer}\n")
    planner = Planner(a_task())
    with pytest.raises(ProjectError, match=f"{PACKAGE} does not keep its contract: against "):
        while planner.ask() is not None:
            pass


def test_settings_that_are_proposed_together_have_labels_of_their_own(installed):
    installed("class Bad(Good):\n    def propose(self, task): return Settings(io='int8'), Settings()\n")
    with pytest.raises(ProjectError, match="propose returns settings with the same label: bad, bad"):
        planned()


@pytest.mark.parametrize(
    ("method", "answer"),
    [("strength", "'much'"), ("keeps", "None"), ("strength", "float('inf')"), ("strength", "1 / 0")],
)
def test_what_makes_chains_is_asked_with_care_too(method, answer, installed):
    installed(
        f"class Bad(Trains):\n    place_in_chain = 0.5\n    def {method}(self, {ARGUMENTS[method]}): return {answer}\n"
    )
    with pytest.raises(ProjectError, match=f"{PACKAGE} does not keep its contract: {method} "):
        planned()


def test_a_good_one_of_the_same_package_is_planned(installed):
    """What the cases above vary is no violation itself."""
    installed("class Two(Trains): name = 'two'", "bad = theirs:Good\ntwo = theirs:Two")
    names = {candidate.name for candidate in planned().candidates}
    assert {"bad", "two+int8"} <= names


def test_a_chain_names_it_with_settings_that_it_has(installed):
    installed("", "bad = theirs:Trains")
    steps = (Step(technique="bad", settings={"ioo": "int8"}), Step(technique="int8"))
    with pytest.raises(ProjectError, match="unknown key 'ioo'") as caught:
        outline(a_task(chains=(steps,)))
    assert "edgekit.toml: chain 1: step 1" in str(caught.value) and caught.value.next_step == "did you mean 'io'?"
    wrong = (Step(technique="bad", settings={"io": 8}), Step(technique="int8"))
    with pytest.raises(ProjectError, match="Expected `str`, got `int`"):
        outline(a_task(chains=(wrong,)))


def test_edgekits_own_faults_are_not_laid_on_a_package(monkeypatch):
    monkeypatch.setattr(type(technique("float16")), "propose", lambda self, task: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        planned()


def test_settings_without_a_strength_speak_neither_for_nor_against_one_another(installed):
    """Which of two settings is the lighter is known only where the technique says so."""
    installed("", "bad = theirs:Trains")
    method, end = technique("bad"), TypedStep(technique=technique("int8"), settings=technique("int8").settings_type())
    one, other = (
        Proposal(name=io, steps=(TypedStep(technique=method, settings=method.settings_type(io=io)), end))
        for io in ("int8", "uint8")
    )
    assert lighter_or_equal(one, one) and not lighter_or_equal(one, other) and not lighter_or_equal(other, one)
    installed("class Bad(Trains):\n    def strength(self, settings): return len(settings.io)\n")
    method = technique("bad")
    one, other = (
        Proposal(name=io, steps=(TypedStep(technique=method, settings=method.settings_type(io=io)), end))
        for io in ("int8", "uint8")
    )
    assert lighter_or_equal(one, other) and not lighter_or_equal(other, one)


MODEL = """
import keras
import numpy as np


def model():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((8,))
    return keras.Model(inputs, keras.layers.Dense(4, activation="softmax", name="dense")(inputs))


def data():
    x, y = np.random.default_rng(0).random((32, 8), np.float32), np.arange(32) % 4
    return {"train": (x, y), "validation": (x, y), "test": (x, y)}
"""
PROJECT = """
model = "tiny:model"
data = "tiny:data"
[goal]
max_drop = 100
search = "all"
[training]
epochs = 1
learning_rate = 1e-3
"""
IN_A_TRIAL = {
    "a_configure": ("Good", "configure", "raise ValueError('no such option')", "convert: ", "raises ValueError: no such option"),
    "a_finish": ("Good", "finish", "return None", "convert: ", "returns None, and not bytes"),
    "a_cut": ("Good", "finish", "return b'TFL3'", "convert: ", "returns bytes that are no .tflite file: "),
    "a_proof": ("Good", "ensures", "return True", "convert: ", "returns bool True, and not Evidence"),
    "a_count": ("Good", "ensures", "1 / 0", "convert: ", "raises ZeroDivisionError: division by zero"),
    "b_apply": ("Trains", "apply", "raise RuntimeError('no layer')", "train: ", "raises RuntimeError: no layer"),
    "b_none": ("Trains", "apply", "pass", "train: ", "returns None, and not the model"),
    "b_proof": ("Trains", "ensures_in_model", "return 'yes'", "train: ", "returns str 'yes', and not Evidence"),
    "b_scope": ("Trains", "scope", "return None", "convert: ", "returns None, and not a context manager"),
}  # fmt: skip


def test_what_a_constraint_of_an_earlier_stage_raises_is_its_own_techniques_fault(installed):
    body = "def after(step): 1 / 0\nclass Bad(Trains):\n    def keep(self, door, model, settings): return Constraint(after_step=after)\n"
    installed(body)
    kept = technique("bad").keep(None, None, technique("bad").settings_type())
    kept.settle()
    with pytest.raises(
        ProjectError, match=f"'bad' of the {PACKAGE} does not keep its contract: keep raises ZeroDivisionError"
    ):
        kept.after_step(1)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs a command in a project, with a package of techniques that all fail in a trial; `more` is what the package has besides."""
    folder, site = tmp_path_factory.mktemp("project"), tmp_path_factory.mktemp("site")
    (folder / "tiny.py").write_text(MODEL, encoding="utf-8")
    (folder / "edgekit.toml").write_text(PROJECT, encoding="utf-8")
    bodies = [
        f"class {name}({base}):\n    name = {name!r}\n    def propose(self, task): return (Settings(),)\n"
        f"    def {method}(self, *_):\n        {line}\n"
        for name, (base, method, line, *_) in IN_A_TRIAL.items()
    ]
    points = "\n".join(f"{name} = theirs:{name}" for name in IN_A_TRIAL)

    def run(*words: str, more: str = "", point: str = "") -> subprocess.CompletedProcess[str]:
        (site / "theirs.py").write_text(GOOD + "\n".join(bodies) + more, encoding="utf-8")
        distribution(site, "theirs", f"{points}\n{point}")
        paths = os.pathsep.join([str(ROOT), str(site)])
        environment = {**os.environ, "PYTHONPATH": paths, "EDGEKIT_CACHE": str(folder / "cache")}
        command = [sys.executable, "-m", "edgekit", *words]
        return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)

    return run


@pytest.mark.tf
def test_what_goes_wrong_in_a_trial_ends_the_trial_and_names_the_package(ran):
    done = ran("build", "--device", "rpi4", "--json")
    assert done.returncode == 0, done.stderr
    tried = {one["candidate"].partition("+")[0]: one for one in json.loads(done.stdout)["candidates"]}
    assert tried["int8"]["outcome"] == "pass"
    for name, (_, method, _, job, wrong) in IN_A_TRIAL.items():
        assert tried[name]["outcome"] == "failed", name
        said = f"{job}the technique {name!r} of the {PACKAGE} does not keep its contract: {method} {wrong}"
        assert tried[name]["reason"].startswith(said), tried[name]["reason"]


@pytest.mark.tf
@pytest.mark.parametrize(
    ("command", "body", "what"),
    [
        (
            "plan",
            "class Late(Good):\n    name = 'late'\n    def propose(self, task): 1 / 0",
            "does not keep its contract: propose raises",
        ),
        ("build", "Late = 0", "is not the class of one"),
    ],
)
def test_what_goes_wrong_before_ends_the_command_with_the_code_of_bad_input(ran, command, body, what):
    done = ran(command, "--device", "rpi4", more=body, point="late = theirs:Late")
    assert done.returncode == 2, done.stderr
    assert f"the technique 'late' of the {PACKAGE} {what}" in done.stderr
    assert "edgekit itself failed" not in done.stderr
    assert "trial" not in done.stderr and "finding" not in done.stderr, "it is said before the work"


def test_a_helper_module_of_a_package_counts_for_what_is_cached(installed, tmp_path):
    """The technique's own file stays the same, and its result does not."""
    (tmp_path / "their_helper.py").write_text("SHARE = 0.5\n", encoding="utf-8")
    installed("import their_helper\n", "bad = theirs:Good")
    before = identity(technique("bad"))
    assert before == identity(technique("bad")) != identity(technique("int8"))
    (tmp_path / "their_helper.py").write_text("SHARE = 0.25\n", encoding="utf-8")
    assert identity(technique("bad")) != before
