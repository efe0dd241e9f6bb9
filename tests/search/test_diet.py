"""The diet of a build's files: the chosen one is proven, another is not written, and the report keeps what names told."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from edgekit.devices.profile import load_profile
from edgekit.diff.sides import open_side
from edgekit.jobs.cache import Cache
from edgekit.jobs.semaphore import JobSemaphore
from edgekit.make.maker import BeforeDiet
from edgekit.planner.proposal import Proposal
from edgekit.planner.trial import Trial
from edgekit.progress import no_progress
from edgekit.search.diet import proven
from edgekit.search.trials import Finished, TrialRunner
from edgekit.tflite.diet.whole import dieted
from edgekit.tflite.labels import labels
from edgekit.tflite.reader import read_tflite

GOLDEN = Path(__file__).parents[1] / "golden"


@pytest.fixture
def runner(tmp_path):
    """A runner of trials with nothing but what the proof needs: a device, a cache and the turns of jobs."""
    with Cache(tmp_path / "cache") as cache:
        found = TrialRunner.__new__(TrialRunner)
        found.profile, found._cache, found._semaphore = load_profile("rpi4"), cache, JobSemaphore(1)
        yield found


def chosen(after: Path, before: Path | None, reason: str | None = None) -> Finished:
    told = BeforeDiet(path=None if before is None else str(before), labels=("a",), reason=reason)
    trial = Trial(candidate=Proposal(name="int8", steps=(), role="candidate"), seconds=1)
    return Finished(trial=trial, tflite=str(after), before=told)


def test_a_file_that_computes_the_same_is_written(runner, tmp_path):
    before, after = GOLDEN / "int8.tflite", tmp_path / "after.tflite"
    after.write_bytes(dieted(before.read_bytes(), where="it").content)
    slim = proven(chosen(after, before), runner, progress=no_progress)
    assert slim.path == str(after)
    assert slim.diet.reason is None and slim.diet.flash_before == before.stat().st_size
    (proof,) = slim.diet.proof.runtimes
    assert proof.outcome == "same" and proof.inputs == 200 and proof.delegated
    assert "200 random inputs on LiteRT" in slim.note


def test_a_file_that_computes_something_else_is_not_written(runner, tmp_path):
    """Here the file after is of another quantization, which a faulty diet might make of it."""
    before, other = GOLDEN / "int8.tflite", GOLDEN / "quantization_aware_int8.tflite"
    slim = proven(chosen(other, before), runner, progress=no_progress)
    assert slim.path == str(before)
    assert slim.diet.proof.outcome == "different"
    assert slim.note.startswith("warning: the file is kept as it was converted") and slim.diet.reason in slim.note


def test_a_file_with_nothing_to_drop_says_so(runner):
    slim = proven(chosen(GOLDEN / "int8.tflite", None, "it has nothing that can go"), runner, progress=no_progress)
    assert slim.path == str(GOLDEN / "int8.tflite") and slim.note is None
    assert slim.diet.reason == "it has nothing that can go" and slim.diet.proof is None


@pytest.mark.tf
def test_a_build_drops_the_names_and_its_report_keeps_what_they_told(edgekit_command, tiny_project, tmp_path):
    def run(*words: object) -> str:
        done = edgekit_command(*words, folder=tiny_project, cache=tmp_path / "cache")
        assert done.returncode in (0, 1), done.stderr
        return done.stdout

    run("build", "--device", "rpi4", "--out", "dropped")
    run("build", "--device", "rpi4", "--out", "kept", "--keep-names")
    dropped, kept = tiny_project / "dropped" / "rpi4", tiny_project / "kept" / "rpi4"
    model, named = read_tflite(dropped / "model.tflite"), read_tflite(kept / "model.tflite")
    ends = {*model.inputs, *model.outputs}
    assert not any(tensor.name for tensor in model.tensors if tensor.index not in ends)
    assert all(model.tensors[index].name for index in ends)
    chosen = open_side(dropped).report.chosen
    assert chosen.diet.proof.outcome == "same"
    size = (dropped / "model.tflite").stat().st_size
    assert chosen.metrics["flash"].value == size < (kept / "model.tflite").stat().st_size
    assert chosen.diet.flash_before == size + sum(one.saved_bytes for one in chosen.diet.savings)
    assert labels(named) == chosen.layers, "the same layers, by the names that the other file kept"

    seen = json.loads(run("inspect", dropped / "model.tflite", "--json"))
    assert {row["label"] for row in seen["operators"]} == set(chosen.layers)
    alone = shutil.copy(dropped / "model.tflite", tmp_path)
    unnamed = json.loads(run("inspect", alone, "--json"))
    assert {row["label"] for row in unnamed["operators"]} != set(chosen.layers), "no report lies beside it"
    changes = json.loads(run("compare", dropped, kept, "--json"))["file"]
    assert changes["operators"] == [] and changes["equal_operators"] == len(model.operators)
