"""What a `.pt2` says without PyTorch, and what in it is code: sizes, guards and pickles that PyTorch would evaluate."""

from __future__ import annotations

import copy
import json
import zipfile

import pytest

from edgekit.errors import ModelError, TrustError
from edgekit.torch_file.program import copy_program, require_program

from .conftest import members, pickled, program, tensor, zipped

SAID = "__import__('os').system('true')"


def test_inputs_and_outputs_are_known_with_the_sizes_that_are_free(written):
    found = require_program(written(members(program(batch="s77"))), trust=False)
    (entry,), (answer,) = found.inputs, found.outputs
    assert (entry.name, entry.shape) == ("x", ("s77", 1, 8, 8))
    assert (answer.name, answer.shape, found.torch_version, found.code) == ("y", ("s77", 10), "2.13.0", "")


class Runs:
    """A pickle of it would run a command."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, ("run",)


def with_weight(**changes: object) -> bytes:
    """The table of weights with a changed entry."""
    entry = {"path_name": "weight_0", "is_param": True, "use_pickle": False, "tensor_meta": tensor(10, 64), **changes}
    return json.dumps({"config": {"w": entry}}).encode()


HOSTILE = {
    "a size": members(program(batch=SAID)),
    "a guard": members(program(guards_code=[SAID])),
    "a guard by an attribute": members(program(guards_code=["L['x'].__class__"])),
    "an enumeration": members(program(more={"in_spec": '["__enum__"]'})),
    "an escaped enumeration": members(program(more={"out_spec": '["\\\\u005f_en\\\\u0075m"]'})),
    "example inputs": members(data__sample_inputs__modelDOTpt=pickled(Runs())),
    "weights of an older version": members(data__weights__modelDOTpt=pickled(Runs())),
    "a pickled weight": members(data__weights__model_weights_configDOTjson=with_weight(use_pickle=True)),
    "a weight elsewhere": members(data__weights__model_weights_configDOTjson=with_weight(path_name="../../x")),
    "an object": members(data__constants__custom_obj_0=b"x"),
    "compiled code": members(data__aotinductor__model__netDOTso=b"\x7fELF"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_code_is_refused_with_its_place_unless_it_is_trusted(written, kind):
    path = written(HOSTILE[kind])
    with pytest.raises(TrustError) as caught:
        require_program(path, trust=False)
    assert caught.value.exit_code == 2 and caught.value.received and "--trust" in str(caught.value.next_step)
    assert require_program(path, trust=True).inputs[0].name == "x"


BROKEN = {
    "junk": b"junk",
    "an empty archive": zipped({}),
    "compressed members": zipped(members(), method=zipfile.ZIP_DEFLATED),
    "no program": {name: part for name, part in members().items() if not name.startswith("models/")},
    "another format": members(archive_format=b"zip"),
    "no JSON": members(models__modelDOTjson=b"{"),
    "deep JSON": members(models__modelDOTjson=b"[" * 100_000),
    "other JSON": members([1, 2]),
    "another schema": members(program(schema_version={"major": 9})),
    "two programs": members(models__otherDOTjson=b"{}"),
    "an older version": members(serialized_exported_programDOTjson=b"{}"),
    "a table that is none": members(data__weights__model_weights_configDOTjson=b"[]"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_what_is_no_program_is_refused_with_what_was_found(written, kind):
    with pytest.raises(ModelError, match=r"not a program of torch\.export") as caught:
        require_program(written(BROKEN[kind]), trust=True)
    assert caught.value.received and "torch.export.save" in str(caught.value.next_step)


def test_members_over_each_other_are_refused(tmp_path):
    """The directory of the archive names one stretch of the file often: a bomb without compression."""
    path = tmp_path / "net.pt2"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members(data__weights__weight_1=bytes(100_000)).items():
            archive.writestr(f"net/{name}", content)
        for number in range(2, 9):
            again = copy.copy(archive.getinfo("net/data/weights/weight_1"))
            again.filename = f"net/data/weights/weight_{number}"
            archive.filelist.append(again)
    with pytest.raises(ModelError, match="not a program") as caught:
        require_program(path, trust=True)
    assert "larger than the file" in caught.value.received


def test_an_input_that_is_no_tensor_is_named(written):
    document = program()
    document["graph_module"]["signature"]["input_specs"][1] = {"user_input": {"arg": {"as_int": 3}}}
    with pytest.raises(ModelError) as caught:
        require_program(written(members(document)), trust=True)
    assert "no tensor (int)" in caught.value.received


def test_the_copy_that_pytorch_reads_has_what_was_judged_and_nothing_else(written, tmp_path):
    sound = zipped(members())
    path = written(zipped({"models/model.json": b"hidden"}, folder="other") + sound)
    copy_program(path, tmp_path / "copy.pt2", trust=False)
    with zipfile.ZipFile(tmp_path / "copy.pt2") as archive:
        found = {name.removeprefix("program/"): archive.read(name) for name in archive.namelist()}
    assert found == members() and b"hidden" not in (tmp_path / "copy.pt2").read_bytes()
    with pytest.raises(TrustError):
        copy_program(written(HOSTILE["a size"]), tmp_path / "none.pt2", trust=False)
    assert not (tmp_path / "none.pt2").exists()
