"""What a caller asks for: what its arguments put out of force of the project's own is said."""

from __future__ import annotations

import pytest

from edgekit.errors import ProjectError
from edgekit.project.request import settle

PROJECT = 'model = "a.keras"\n[student]\n'


@pytest.mark.parametrize("student", ["b.keras", object()], ids=["a source", "an object"])
@pytest.mark.parametrize(
    ("keys", "said"), [("width = 0.5", "width = 0.5"), ("width = 0.5\ndepth = 0.25", "width = 0.5 and depth = 0.25")]
)
def test_a_student_in_place_of_one_that_would_be_derived_is_said(tmp_path, keys, said, student):
    (tmp_path / "edgekit.toml").write_text(PROJECT + keys)
    (note,) = settle(None, None, tmp_path, student=student).notes
    assert note.startswith(f"[student] {said} of edgekit.toml is not used")
    assert settle(None, None, tmp_path).notes == ()


@pytest.mark.parametrize("name", ["model", "data", "student"])
def test_no_source_of_a_caller_is_not_the_working_folder(tmp_path, name):
    (tmp_path / "edgekit.toml").write_text('model = "a.keras"')
    given = {"model": None, "data": None, "student": None, name: ""}
    with pytest.raises(ProjectError, match=f"no source\n  where: --{name}"):
        settle(given["model"], given["data"], tmp_path, student=given["student"])


def test_a_student_in_place_of_another_network_is_the_ordinary_case(tmp_path):
    (tmp_path / "edgekit.toml").write_text(PROJECT + 'model = "c.keras"\nepochs = 9\nfeatures = 3')
    found = settle(None, None, tmp_path, student="b.keras")
    assert found.notes == ()
    assert (found.replacement.source, found.replacement.epochs, found.replacement.features) == ("b.keras", 9, 3)


HOLDING = '[model]\nsource = "net.onnx"\nheld = { sr = 16000 }\n'


@pytest.mark.parametrize("form", ["net.onnx", "./sub/../net.onnx", "absolute"])
def test_the_projects_own_model_keeps_its_held_inputs_however_it_is_named(tmp_path, monkeypatch, form):
    (tmp_path / "edgekit.toml").write_text(HOLDING)
    (tmp_path / "net.onnx").write_bytes(b"x")
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path)
    for project in (None, tmp_path):
        found = settle(str(tmp_path / "net.onnx") if form == "absolute" else form, None, project)
        assert (found.model.held, found.notes) == ({"sr": 16000}, ())


@pytest.mark.parametrize("model", ["other.onnx", object()], ids=["a source", "an object"])
def test_held_inputs_of_the_project_are_none_of_another_model_and_that_is_said(tmp_path, model):
    (tmp_path / "edgekit.toml").write_text(HOLDING)
    found = settle(model, None, tmp_path)
    (note,) = found.notes
    assert note.startswith("[model] held of edgekit.toml (sr) is not used")
    if isinstance(model, str):
        assert (found.model.source, found.model.held) == ("other.onnx", {})
