"""The hooks of docs/api.md, run as they stand on that page against the real packages."""

from __future__ import annotations

import re
import types
from pathlib import Path

import pytest

from edgekit.documents.events import Event, Finished, TrialFinished
from edgekit.documents.report import Metric
from edgekit.machine.extras import is_installed

ROOT = Path(__file__).resolve().parents[2]
FIGURES = {
    "flash": Metric(value=45_400, unit="B", basis="measured", source=""),
    "ram": Metric(value=None, unit="B", basis=None, source="", reason="not known"),
}


def hook(name: str) -> str:
    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    found = re.search(rf"<!-- hook: {name} -->\n```python\n(.*?)```", text, re.DOTALL)
    assert found, f"docs/api.md has no hook for {name}"
    return found[1]


def run(name: str, folder: Path) -> None:
    """Execute the page's lines with a build that only tells what a build tells."""

    def build(*, project: str, device: str, on_event: object) -> None:
        for number, (candidate, outcome) in enumerate((("float32", "pass"), ("int8", "fail")), start=1):
            on_event(
                TrialFinished(
                    device=device, candidate=candidate, number=number, known=2, outcome=outcome, reason="flash",
                    took_s=1.0, metrics=FIGURES,
                )
            )  # fmt: skip
        on_event(
            Finished(
                device=device, outcome="pass", summary="", candidate="float32", metrics=FIGURES,
                paths={"folder": str(folder)},
            )
        )  # fmt: skip

    exec(compile(hook(name), f"docs/api.md: {name}", "exec"), {"edgekit": types.SimpleNamespace(build=build)})


@pytest.mark.parametrize("name", ["mlflow", "tensorboard"])
def test_a_hook_is_about_ten_lines_and_knows_the_kinds(name):
    text = hook(name)
    body = [line for line in text.splitlines() if line.strip() and not line.startswith(("import", "edgekit.build"))]
    assert len(body) <= 11
    kinds = {kind.__struct_config__.tag for kind in Event.__subclasses__()}
    assert set(re.findall(r'"(\w+)"', "".join(re.findall(r"event\.kind .*", text)))) <= kinds


@pytest.mark.tf
def test_the_hook_for_tensorboard_writes_each_figure_over_the_trials(tmp_path, monkeypatch):
    pytest.importorskip("tensorboard", reason="tensorboard is not installed (the `dev` extra)")
    if not is_installed("tensorflow"):
        pytest.skip("TensorFlow is not installed (the `build` extra)")
    from edgekit.make.workshop.door import door

    tf = door().tf  # first: what imports TensorFlow before it spoils it for every later test of the process
    monkeypatch.chdir(tmp_path)
    run("tensorboard", tmp_path)
    (file,) = (tmp_path / "runs" / "edgekit").glob("events.out.tfevents.*")
    found = [
        (event.step, value.tag, tf.make_ndarray(value.tensor))
        for event in tf.compat.v1.train.summary_iterator(str(file))
        for value in event.summary.value
    ]
    assert [(step, tag, float(value)) for step, tag, value in found if tag == "rpi4/flash"] == [
        (1, "rpi4/flash", 45_400), (2, "rpi4/flash", 45_400),
    ]  # fmt: skip
    assert not [tag for _, tag, _ in found if tag == "rpi4/ram"], "what is not known is no figure"
    assert [str(value) for _, tag, value in found if tag == "rpi4/candidate"][1].startswith("b'int8: fail")


def test_the_hook_for_mlflow_makes_a_run_for_each_trial_and_keeps_the_files(tmp_path, monkeypatch):
    mlflow = pytest.importorskip("mlflow", reason="mlflow is not installed: it is no dependency of edgekit")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "report.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/mlflow.db")
    run("mlflow", tmp_path / "out")
    runs = mlflow.search_runs(output_format="list", search_all_experiments=True)
    names = sorted((one.data.tags["mlflow.runName"], one.data.tags["event"]) for one in runs)
    assert names == [("rpi4 float32", "finished"), ("rpi4 float32", "trial_finished"), ("rpi4 int8", "trial_finished")]
    assert all(one.data.metrics == {"flash": 45_400.0} for one in runs)
    last = next(one for one in runs if one.data.tags["event"] == "finished")
    assert [file.path for file in mlflow.artifacts.list_artifacts(run_id=last.info.run_id)] == ["report.json"]
