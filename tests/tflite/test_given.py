"""Which files a build takes as its model, and how their weights are stored already."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

from edgekit.devices.profile_file import NumericsTable
from edgekit.errors import ModelError
from edgekit.tflite.flat.tree import Table, read_tree, table
from edgekit.tflite.flat.write import write_tree
from edgekit.tflite.given import ENDS, is_tflite, quantized_as, require_usable
from edgekit.tflite.reader import parse_tflite, read_tflite
from edgekit.tflite.schema import TENSOR_TYPES
from edgekit.verdict.checks import INDEX_DTYPES

GOLDEN = Path(__file__).parent.parent / "golden"
FLOAT, CUSTOM, VAR_HANDLE, CAST = GOLDEN / "float32.tflite", 32, 142, 53


def changed(change: Callable[[Table], Table], stem: str = "float32") -> bytes:
    """A golden file with its root changed."""
    path = GOLDEN / f"{stem}.tflite"
    return write_tree(change(read_tree(path.read_bytes(), str(path)).root))


def refusal(content: bytes) -> ModelError:
    with pytest.raises(ModelError) as caught:
        require_usable(parse_tflite(content, where="net.tflite"))
    return caught.value


def with_code(number: int, name: str | None = None) -> Callable[[Table], Table]:
    """The last operator, a softmax, as another one."""

    def change(root: Table) -> Table:
        new = table("OperatorCode", deprecated_builtin_code=min(number, 127), builtin_code=number)
        named = new if name is None else new.with_fields(custom_code=name)
        return root.with_fields(operator_codes=(*root.tables("operator_codes")[:-1], named))

    return change


def with_shape(place: int, shape: tuple[int, ...], signature: tuple[int, ...]) -> Callable[[Table], Table]:
    def change(root: Table) -> Table:
        graph = root.tables("subgraphs")[0]
        tensors = [*graph.tables("tensors")]
        tensors[place] = tensors[place].with_fields(shape=shape, shape_signature=signature)
        return root.with_fields(subgraphs=(graph.with_fields(tensors=tuple(tensors)),))

    return change


@pytest.mark.parametrize(
    ("stem", "kind"),
    [
        ("float32", None), ("clustered_float32", None), ("lstm", None), ("two_inputs", None), ("float16", "float16"),
        ("dynamic_range", "hybrid"), ("int8", "int8"), ("int8_float_io", "int8"), ("int16x8", "int16x8"),
        ("int8_float_fallback", "int8"),
    ],
)  # fmt: skip
def test_how_weights_are_stored_is_seen_in_the_bytes(stem, kind):
    model = read_tflite(GOLDEN / f"{stem}.tflite")
    require_usable(model)
    assert quantized_as(model) == kind


def test_operators_that_no_quantizer_knows_are_named():
    flex = refusal(changed(with_code(CUSTOM, "FlexErf")))
    assert flex.received == "FlexErf" and "TensorFlow itself" in flex.what
    custom = refusal(changed(with_code(CUSTOM, "MyNms")))
    assert custom.received == "MyNms" and "custom operators" in custom.what and custom.exit_code == 2
    state = refusal(changed(with_code(VAR_HANDLE)))
    assert state.received == "VAR_HANDLE" and "state" in state.what
    assert refusal((GOLDEN / "coded_int8.tflite").read_bytes()).received == "TFLM_DECODE"
    assert all(one.where == "net.tflite" and one.next_step for one in (flex, custom, state))


def test_free_sizes_and_other_batches_are_named():
    free = refusal(changed(with_shape(0, (1, 1, 8, 1), (-1, -1, 8, 1))))
    assert free.what == "'image' has free sizes" and free.received == "(any, any, 8, 1)"
    batch = refusal(changed(with_shape(0, (4, 8, 8, 1), (4, 8, 8, 1))))
    assert batch.what == "the batch of 'image' is not 1" and batch.received == "(4, 8, 8, 1)"


def test_files_that_compute_nothing_or_contradict_themselves_are_refused():
    def graph(**fields: object) -> Callable[[Table], Table]:
        return lambda root: root.with_fields(subgraphs=(root.tables("subgraphs")[0].with_fields(**fields),))

    def named_elsewhere(root: Table) -> Table:
        (one,) = root.tables("signature_defs")
        entry = one.tables("inputs")[0].with_fields(tensor_index=4)
        return root.with_fields(signature_defs=(one.with_fields(inputs=(entry,)),))

    def complex_input(root: Table) -> Table:
        main = root.tables("subgraphs")[0]
        entry, *rest = main.tables("tensors")
        tensors = (entry.with_fields(type=TENSOR_TYPES.index("complex64")), *rest)
        return root.with_fields(subgraphs=(main.with_fields(tensors=tensors),))

    assert refusal(changed(graph(operators=()))).what == "the file computes nothing"
    assert refusal(changed(complex_input)).what == "'image' holds complex numbers"
    empty = refusal(changed(with_shape(0, (1, 0, 8, 1), (1, 0, 8, 1))))
    assert empty.what == "'image' is empty" and empty.received == "(1, 0, 8, 1)"
    constant = refusal(
        changed(lambda root: with_shape(2, (1, 4), (1, 4))(graph(inputs=(2,))(root).with_fields(signature_defs=None)))
    )
    assert constant.what == "an input is a constant of the file"
    strange = refusal(changed(named_elsewhere))
    assert "neither an input nor an output" in strange.what and strange.received == "'image'"
    assert all(one.next_step and one.exit_code == 2 for one in (empty, constant, strange))


def with_ends(dtype: str, *, output: bool = False) -> Callable[[Table], Table]:
    """A cast between the model and an input of another dtype, or from its output, with the port's name."""

    def change(root: Table) -> Table:
        main, (one,) = root.tables("subgraphs")[0], root.tables("signature_defs")
        side, codes = "outputs" if output else "inputs", root.tables("operator_codes")
        (old,), new = main.numbers(side), len(main.tables("tensors"))
        port = main.tables("tensors")[old].with_fields(type=TENSOR_TYPES.index(dtype))
        given, made = (old, new) if output else (new, old)
        cast = table("Operator", opcode_index=len(codes), inputs=(given,), outputs=(made,))
        inner = main.tables("operators")
        named = one.with_fields(**{side: (one.tables(side)[0].with_fields(tensor_index=new),)})
        graph = main.with_fields(
            tensors=(*main.tables("tensors"), port),
            operators=(*inner, cast) if output else (cast, *inner),
            **{side: (new,)},
        )
        code = table("OperatorCode", deprecated_builtin_code=CAST, builtin_code=CAST)
        return root.with_fields(subgraphs=(graph,), signature_defs=(named,), operator_codes=(*codes, code))

    return change


@pytest.mark.parametrize("output", [False, True])
@pytest.mark.parametrize("dtype", TENSOR_TYPES)
def test_inputs_and_outputs_that_no_device_takes_are_refused_before_any_work(dtype, output):
    content, name = changed(with_ends(dtype, output=output)), "classes" if output else "image"
    if dtype in (*get_args(get_args(get_type_hints(NumericsTable)["input_output"])[0]), *INDEX_DTYPES):
        assert dtype in ENDS
        require_usable(parse_tflite(content, where="net.tflite"))
        return
    found = refusal(content)
    assert found.what.startswith(f"{name!r} ") and found.received == dtype and found.where == "net.tflite"
    assert found.allowed and found.next_step and found.exit_code == 2
    if dtype in ("float16", "bfloat16", "float64", "uint16", "uint32", "uint64", "int4"):
        assert found.allowed == "inputs and outputs in float32, int8, uint8, int16, int32, int64 or bool"


def test_several_signatures_and_ports_without_names_are_refused():
    def twice(root: Table) -> Table:
        (one,) = root.tables("signature_defs")
        return root.with_fields(signature_defs=(one, one.with_fields(signature_key="other")))

    assert refusal(changed(twice)).received == "'serving_default', 'other'"
    nameless = refusal(changed(lambda root: root.with_fields(signature_defs=None), "two_inputs"))
    assert "without names of their own" in nameless.what
    require_usable(read_tflite(GOLDEN / "two_inputs.tflite"))


def test_a_file_is_told_by_its_name_or_its_first_bytes(tmp_path):
    other = tmp_path / "net.bin"
    other.write_bytes(FLOAT.read_bytes())
    assert is_tflite(other) and is_tflite(tmp_path / "gone.tflite")
    other.write_bytes(b"PK\x03\x04")
    folder = tmp_path / "folder.tflite"
    folder.mkdir()
    assert is_tflite(folder)
    (folder / "saved_model.pb").write_bytes(b"")
    assert not is_tflite(folder), "a SavedModel may have any name"
    assert not is_tflite(other) and not is_tflite(tmp_path) and not is_tflite(tmp_path / "net.keras")
