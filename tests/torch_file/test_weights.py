"""Weights that are damaged, missing or too short are told by their names before PyTorch reads them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgekit.errors import ModelError
from edgekit.torch_file.program import copy_program, require_program

from .conftest import members, tensor, zipped

DIGITS = Path(__file__).resolve().parents[2] / "examples" / "pytorch" / "digits.pt2"
STRIDES = [{"as_int": 64}, {"as_int": 1}]


def table(**changes: object) -> bytes:
    """The table of weights, whose one has (10, 64) floats."""
    meta = {**tensor(10, 64), "strides": STRIDES, **changes}
    entry = {"path_name": "weight_0", "is_param": True, "use_pickle": False, "tensor_meta": meta}
    return json.dumps({"config": {"dense.w": entry}}).encode()


def refusal(path: Path, target: Path) -> ModelError:
    with pytest.raises(ModelError, match="the program is damaged") as caught:
        copy_program(path, target / "copy.pt2", trust=True)
    assert caught.value.exit_code == 2 and "copy or download the file again" in caught.value.next_step
    return caught.value


def test_bytes_that_were_changed_are_told_by_the_weight_that_they_are_of(tmp_path):
    content = bytearray(DIGITS.read_bytes())
    content[content.index(b"digits/data/weights/weight_3") + 400] ^= 1
    (path := tmp_path / "net.pt2").write_bytes(content)
    found = refusal(path, tmp_path)
    assert found.received.startswith("data/weights/weight_3, which holds ") and "Bad CRC-32" in found.received
    assert ".weight" in found.received


def test_a_weight_that_is_missing_or_too_short_is_named(written, tmp_path):
    whole = members(data__weights__model_weights_configDOTjson=table())
    require_program(written(whole), trust=False)
    short = {**whole, "data/weights/weight_0": bytes(4 * 640 - 1)}
    assert refusal(written(short), tmp_path).received == "data/weights/weight_0 has 2559 bytes, and dense.w needs 2560"
    gone = {name: content for name, content in whole.items() if name != "data/weights/weight_0"}
    assert refusal(written(gone), tmp_path).received == "data/weights/weight_0 is missing, which holds dense.w"


@pytest.mark.parametrize(
    "changes",
    [
        {"dtype": 99},
        {"layout": 2},
        {"sizes": [{"as_expr": {"expr_str": "s0"}}]},
        {"storage_offset": None},
        {"sizes": [{"as_int": 0}, {"as_int": 64}]},
    ],
)
def test_of_what_is_not_known_nothing_is_said(written, changes):
    found = {**members(data__weights__model_weights_configDOTjson=table(**changes)), "data/weights/weight_0": b""}
    assert require_program(written(found), trust=True).inputs


def test_a_weight_in_the_middle_of_a_storage_reaches_to_its_last_item(written, tmp_path):
    offset = members(data__weights__model_weights_configDOTjson=table(storage_offset={"as_int": 1}))
    assert "needs 2564" in refusal(written(offset), tmp_path).received


def test_a_program_whose_text_is_damaged_names_its_member(written, tmp_path):
    content = bytearray(zipped(members()))
    content[content.index(b'"graph_module"') + 3] ^= 1
    assert refusal(written(bytes(content)), tmp_path).received.startswith("models/model.json is not as it was written")
