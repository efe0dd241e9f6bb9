"""The proof that two files compute the same, on the real interpreters, and that it sees what is not the same."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from edgekit.documents.diet import Proof
from edgekit.errors import InputError
from edgekit.measure.same import prove_same
from edgekit.tflite.diet.whole import dieted
from edgekit.tflite.flat.kinds import schema
from edgekit.tflite.flat.tree import Table, read_tree, table
from edgekit.tflite.flat.write import write_tree
from edgekit.tflite.schema import BUILTIN_OPERATORS

GOLDEN = Path(__file__).resolve().parent.parent / "golden"
INPUTS = 24
MICRO = ["tflite_micro"]
RANDOM = schema().unions["BuiltinOptions"].index("RandomOptions")


@pytest.fixture
def against(tmp_path: Path) -> Callable[..., Proof]:
    """The proof of a golden file against what a function makes of its bytes."""

    def prove(name: str, change: Callable[[bytes], bytes], runtimes: list[str] | None = None) -> Proof:
        after = tmp_path / "after.tflite"
        after.write_bytes(change((GOLDEN / f"{name}.tflite").read_bytes()))
        return prove_same(GOLDEN / f"{name}.tflite", after, inputs=INPUTS, runtimes=runtimes)

    return prove


def diet(content: bytes) -> bytes:
    return dieted(content, where="test").content


def of_tensors(change: Callable[[Table, int], Table]) -> Callable[[bytes], bytes]:
    """A file with its tensors changed; the number of the tensor is given too."""

    def changed(content: bytes) -> bytes:
        root = read_tree(content, "test").root
        graphs = tuple(
            graph.with_fields(tensors=tuple(change(one, at) for at, one in enumerate(graph.tables("tensors"))))
            for graph in root.tables("subgraphs")
        )
        return write_tree(root.with_fields(subgraphs=graphs))

    return changed


@pytest.mark.parametrize("name", ["int8", "lstm", "loop", "float16", "two_inputs", "pruned_sparse_encoding", "int16x8"])
def test_a_diet_computes_the_same_on_every_runtime(name, against):
    proof = against(name, diet)
    assert proof.outcome == "same" and proof.reason is None
    default = proof.runtimes[0]
    assert default.outcome == "same" and (default.inputs, default.asked) == (INPUTS, INPUTS)
    assert "XNNPACK" in default.runtime and default.operators
    assert {one.outcome for one in proof.runtimes} <= {"same", "not run"}


def test_the_delegate_takes_what_it_took(against):
    """All but the SOFTMAX of a full-integer file, whose kernel XNNPACK does not have in int8."""
    default, alone = against("int8", diet, ["litert", "litert_builtin"]).runtimes
    assert (default.operators, default.delegated) == (6, 5) and (alone.operators, alone.delegated) == (6, 0)


@pytest.mark.micro
def test_the_arena_stays(against):
    pytest.importorskip("tflite_micro")
    (micro,) = against("lookup_tables_int8", diet, MICRO).runtimes
    assert micro.outcome == "same" and micro.arena_before == micro.arena_after > 0


def without_scales_of_biases(content: bytes) -> bytes:
    """What the diet must not do, though the interpreters compute without them."""
    bias = 2
    return of_tensors(lambda one, _: one.with_fields(quantization=None) if one.number("type") == bias else one)(content)


def test_biases_without_scales_are_seen_at_the_delegate(against):
    proof = against("int8", without_scales_of_biases, ["litert"])
    assert proof.outcome == "different" and "nodes" in proof.reason


def one_step(content: bytes) -> bytes:
    """The last bias of the file one step larger."""
    root = read_tree(content, "test").root
    biases = {one.number("buffer") for one in root.tables("subgraphs")[0].tables("tensors") if one.number("type") == 2}
    buffers = list(root.tables("buffers"))
    place = max(at for at in biases if len(buffers[at].fields.get("data", b"")) == 12)
    values = struct.unpack("<3i", buffers[place].fields["data"])
    buffers[place] = buffers[place].with_fields(data=struct.pack("<3i", values[0] + 300, *values[1:]))
    return write_tree(root.with_fields(buffers=tuple(buffers)))


@pytest.mark.parametrize("runtime", ["litert", "litert_builtin", "litert_reference", "tflite_micro"])
def test_another_bias_is_seen_in_the_outputs(runtime, against):
    if runtime == "tflite_micro":
        pytest.importorskip("tflite_micro")
    proof = against("int8", one_step, [runtime])
    assert proof.outcome == "different" and "output 0: the values differ" in proof.reason


def test_another_name_of_an_input_is_seen(against):
    proof = against("int8", of_tensors(lambda one, at: one.with_fields(name="other") if at == 0 else one), ["litert"])
    assert proof.outcome == "different" and "inputs are others" in proof.reason


def test_another_graph_of_a_loop_is_seen(against):
    """The body adds 2 in place of 1: nothing of the main graph is changed."""

    def faster(content: bytes) -> bytes:
        root = read_tree(content, "test").root
        ones = [at for at, one in enumerate(root.tables("buffers")) if one.fields.get("data") == struct.pack("<f", 1.0)]
        buffers = list(root.tables("buffers"))
        for at in ones:
            buffers[at] = buffers[at].with_fields(data=struct.pack("<f", 2.0))
        assert ones
        return write_tree(root.with_fields(buffers=tuple(buffers)))

    assert against("loop", faster, ["litert"]).outcome == "different"


def test_a_file_that_is_refused_afterwards_is_different(against):
    def unknown(content: bytes) -> bytes:
        root = read_tree(content, "test").root
        codes = tuple(
            code.with_fields(builtin_code=32, deprecated_builtin_code=32) for code in root.tables("operator_codes")
        )
        return write_tree(root.with_fields(operator_codes=codes))

    proof = against("int8", unknown, ["litert"])
    assert proof.outcome == "different" and "refuses the file afterwards" in proof.reason
    assert against("int8", unknown, []).outcome == "not run"


def test_a_crash_is_the_fault_of_the_file_after_where_the_file_before_runs(against):
    """An index far outside of its graph: tflite-micro checks none."""
    pytest.importorskip("tflite_micro")

    def wild(content: bytes) -> bytes:
        root = read_tree(content, "test").root
        graph = root.tables("subgraphs")[0]
        first, *others = graph.tables("operators")
        wilder = first.with_fields(inputs=(2**28, *first.numbers("inputs")[1:]))
        return write_tree(root.with_fields(subgraphs=(graph.with_fields(operators=(wilder, *others)),)))

    proof = against("int8", wild, MICRO)
    assert proof.outcome == "different" and "signal SIGSEGV" in proof.reason
    (GOLDEN / "int8.tflite").stat()


def test_a_runtime_that_crashes_at_the_file_before_was_not_run(tmp_path):
    pytest.importorskip("tflite_micro")
    root = read_tree((GOLDEN / "int8.tflite").read_bytes(), "test").root
    graph = root.tables("subgraphs")[0]
    first, *others = graph.tables("operators")
    wild = (first.with_fields(inputs=(2**28, *first.numbers("inputs")[1:])), *others)
    path = tmp_path / "crashes.tflite"
    path.write_bytes(write_tree(root.with_fields(subgraphs=(graph.with_fields(operators=wild),))))
    proof = prove_same(path, path, inputs=1, runtimes=MICRO)
    assert proof.outcome == "not run" and "SIGSEGV" in str(proof.reason)


def test_a_file_of_random_numbers_proves_nothing(tmp_path):
    """RANDOM_UNIFORM without a seed: the file differs from itself."""
    shape = table("Tensor", shape=(1,), type=2, buffer=1, name="shape")
    ends = (table("Tensor", shape=(4,), name="in"), table("Tensor", shape=(4,), name="out"))
    operator = table(
        "Operator", inputs=(0,), outputs=(2,), builtin_options_type=RANDOM, builtin_options=table("RandomOptions")
    )
    graph = table("SubGraph", tensors=(shape, *ends), inputs=(1,), outputs=(2,), operators=(operator,))
    code = table("OperatorCode", builtin_code=BUILTIN_OPERATORS.index("RANDOM_UNIFORM"), deprecated_builtin_code=127)
    buffers = (table("Buffer"), table("Buffer", data=struct.pack("<i", 4)))
    path = tmp_path / "random.tflite"
    path.write_bytes(write_tree(table("Model", version=3, operator_codes=(code,), subgraphs=(graph,), buffers=buffers)))
    proof = prove_same(path, path, inputs=3, runtimes=["litert_builtin"])
    assert proof.outcome == "not run" and "other outputs for the same input" in str(proof.reason)


def test_an_unknown_runtime_is_an_error(against):
    with pytest.raises(InputError):
        against("int8", diet, ["onnxruntime"])
