"""Inputs held at values: constants are folded, `If` chooses its branch, onnxruntime is fed the value; and a refused `If` says which input to hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgekit.errors import DataError, ProjectError, RefusedOperators
from edgekit.onnx_file.held import HeldInput

pytestmark = pytest.mark.tf


def branch(name: str, *nodes: Any, constants: dict[str, np.ndarray] | None = None, output: str = "") -> Any:
    """A branch whose last node makes its output."""
    onnx = pytest.importorskip("onnx", reason="needs the `onnx` extra")
    held = [onnx.numpy_helper.from_array(array, one) for one, array in (constants or {}).items()]
    end = onnx.helper.make_empty_tensor_value_info(output or nodes[-1].output[0])
    return onnx.helper.make_graph(list(nodes), name, [], [end], held)


def node(operator: str, inputs: list[str], output: str, **attributes: Any) -> Any:
    onnx = pytest.importorskip("onnx", reason="needs the `onnx` extra")
    return onnx.helper.make_node(operator, inputs, [output], **attributes)


def of_rates(small: Any) -> tuple[Any, str]:
    """A network for each of two rates, in the branches of an `If`, that use the same names for what they make; a second `If` uses them too."""
    model = small()
    x, sr = model.entry("batch", 4), model.entry(name="sr", dtype="int64")
    condition = model.node("Equal", sr, model.constant(np.int64(16000)))
    wide, narrow = (np.full((4, 3), value, np.float32) for value in (0.5, -0.25))
    first = model.node(
        "If", condition, name="rates",
        then_branch=branch("a", node("MatMul", [x, "w"], "m"), node("Relu", ["m"], "end"), constants={"w": wide}),
        else_branch=branch("b", node("MatMul", [x, "w"], "m"), node("Sigmoid", ["m"], "end"), constants={"w": narrow}),
    )  # fmt: skip
    second = model.node(
        "If", model.node("Not", condition), name="again",
        then_branch=branch("c", node("Neg", [first], "m"), node("Tanh", ["m"], "end")),
        else_branch=branch("d", node("Exp", [first], "m"), node("Tanh", ["m"], "end")),
    )  # fmt: skip
    return model, model.node("Add", first, second)


@pytest.mark.parametrize(("rate", "weight"), [(16000, 0.5), (8000, -0.25)])
def test_the_value_chooses_the_branch_and_the_input_is_gone(small, imported_alike, rate, weight):
    model, end = of_rates(small)
    found = imported_alike(model, end, held={"sr": rate})
    assert [port.name for port in found.inputs] == ["x"] and [one.name for one in found.held] == ["sr"]
    (kernel,) = found.model.get_weights()
    assert kernel[0, 0] == weight
    row = np.array([[1.0, 2.0, -0.5, 0.25]], np.float32)
    product = row @ np.full((4, 3), weight)
    first = np.maximum(product, 0) if rate == 16000 else 1 / (1 + np.exp(-product))
    second = np.tanh(np.exp(first) if rate == 16000 else -first)
    np.testing.assert_allclose(np.asarray(found.model([row])), first + second, atol=1e-6)


def test_branches_in_branches_are_chosen_too_and_may_give_a_constant(small, imported_alike):
    model = small()
    x, mode = model.entry("batch", 4), model.entry(1, name="mode", dtype="int32")
    one, two = (model.node("Equal", model.node("Squeeze", mode), model.constant(np.array(n, np.int32))) for n in (1, 2))
    inner = node(
        "If", [two], "inner",
        then_branch=branch("t", node("Relu", [x], "r"), node("Neg", ["r"], "end2")),
        else_branch=branch("e", constants={"k": np.full((1, 4), 3, np.float32)}, output="k"),
    )  # fmt: skip
    outer = model.node(
        "If", one, then_branch=branch("a", node("Sigmoid", [x], "end")),
        else_branch=branch("b", inner, node("Add", ["inner", "c"], "end"), constants={"c": np.ones(4, np.float32)}),
    )  # fmt: skip
    for value in (1, 2, 3):
        found = imported_alike(model, outer, held={"mode": value})
        row = np.array([[-2.0, -1.0, 1.0, 2.0]], np.float32)
        expected = {1: 1 / (1 + np.exp(-row)), 2: 1 - np.maximum(row, 0), 3: np.full((1, 4), 4)}[value]
        np.testing.assert_allclose(np.asarray(found.model([row])), expected, atol=1e-6)


def test_a_useless_operator_leaves_nothing_behind(small, imported_alike, kinds):
    """As silero's voice detector adds zero times its sample rate to the state."""
    model = small()
    x, sr = model.entry("batch", 4), model.entry(name="sr", dtype="int64")
    zero = model.node("Mul", model.node("Cast", sr, to=1), model.constant(np.float32(0)))
    end = model.node("Add", model.node("MatMul", x, model.weight(4, 3)), zero)
    found = imported_alike(model, end, held={"sr": 16000})
    assert "Cast" not in kinds(found.model) and len(found.inputs) == 1


def test_one_value_stands_for_a_whole_tensor(small, imported_alike):
    model = small()
    x, mask = model.entry("batch", 4), model.entry("batch", 4, name="mask", dtype="float16")
    end = model.node("Mul", x, model.node("Cast", mask, to=1))
    found = imported_alike(model, end, held={"mask": 0.5})
    np.testing.assert_array_equal(np.asarray(found.model([np.ones((1, 4), np.float32)])), np.full((1, 4), 0.5))


def of_fixed_batch(small: Any) -> tuple[Any, str]:
    """A convolution of a batch of 2, whose file has a mask for each of the two."""
    model = small()
    x, mask = model.entry(2, 3, 4, 4), model.entry(2, 3, 4, 4, name="mask")
    return model, model.node("Conv", model.node("Mul", x, mask), model.weight(2, 3, 3, 3))


def test_a_value_is_that_of_one_sample_where_the_file_fixes_the_batch(small, imported_alike, tools, tmp_path):
    from edgekit.onnx_graph.build import imported

    model, end = of_fixed_batch(small)
    assert imported_alike(model, end, held={"mask": 0.5}).model.output_shape == (None, 2, 2, 2)
    value = [np.full((3, 4, 4), sample).tolist() for sample in (1.0, 2.0)]
    held = HeldInput(name="mask", dtype="float32", shape=(2, 3, 4, 4), value=value)
    with pytest.raises(ProjectError, match="another value for each sample of a batch") as caught:
        imported(model.saved(tmp_path, end), tools.keras3, held=[held])
    assert caught.value.where == "edgekit.toml: model.held.mask" and "all 2 samples" in caught.value.allowed


def refused(model: Any, end: str, tools: Any, folder: Any) -> RefusedOperators:
    from edgekit.onnx_graph.build import imported

    with pytest.raises(RefusedOperators) as caught:
        imported(model.saved(folder, end), tools.keras3)
    return caught.value


def test_a_refused_choice_says_the_line_to_write(small, tools, tmp_path):
    model, end = of_rates(small)
    problem = refused(model, end, tools, tmp_path)
    assert "If 'rates'" in problem.received and "If 'again'" in problem.received
    assert problem.next_step == (
        "the input 'sr' alone chooses a branch: hold it at the value that it has on the device, in [model] of edgekit.toml, "
        "as in held = { sr = 16000 }"
    )


def either(small: Any, decide: Any) -> tuple[Any, str]:
    model = small()
    x = model.entry("batch", 4)
    condition = decide(model, x)
    ends = {name: branch(name, node(kind, [x], f"{kind}_end")) for name, kind in (("then_branch", "Relu"), ("else_branch", "Neg"))}  # fmt: skip
    return model, model.node("If", condition, **ends)


def test_several_inputs_that_choose_together_are_named_together(small, tools, tmp_path):
    def decide(model: Any, x: str) -> str:
        level, on = model.entry(1, name="the level", dtype="float32"), model.entry(name="on", dtype="bool")
        high = model.node("Greater", level, model.constant(np.float32(0.5)))
        return model.node("And", model.node("Squeeze", high), on)

    step = refused(*either(small, decide), tools, tmp_path).next_step
    assert "the inputs 'the level', 'on' alone choose a branch" in step
    assert step.endswith('held = { "the level" = 0.5, on = true }')


@pytest.mark.parametrize("size", [4, 64])
def test_where_data_decide_holding_is_no_advice(small, tools, tmp_path, size):
    """Data, all that there is to feed, or an input of many numbers."""

    def decide(model: Any, x: str) -> str:
        value = x if size == 4 else model.entry("batch", size, name="more")
        return model.node("Greater", model.node("ReduceSum", value, keepdims=0), model.constant(np.float32(0)))

    step = refused(*either(small, decide), tools, tmp_path).next_step
    assert "held" not in step and "constant conditions" in step


def test_a_value_with_which_no_network_runs_is_told_with_the_sizes(small, tools, tmp_path):
    """The branch that it leaves takes another width than the data have."""
    from edgekit.onnx_file.held import HeldInput
    from edgekit.onnx_graph.build import imported

    model = small()
    x, on = model.entry("batch", "width"), model.entry(name="on", dtype="bool")
    ends = {
        name: branch(name, node("MatMul", [x, "w"], f"{name}_end"), constants={"w": np.ones((width, 2), np.float32)})
        for name, width in (("then_branch", 4), ("else_branch", 6))
    }
    path = model.saved(tmp_path, model.node("If", on, **ends))
    held = [HeldInput(name="on", dtype="bool", shape=(), value=False)]
    with pytest.raises(DataError, match="nor does it in onnxruntime") as caught:
        imported(path, tools.keras3, {"x": (4,)}, held)
    assert "x: 1 x 4; on held at false. MatMul" in caught.value.received
    assert caught.value.next_step.endswith("and hold inputs at the values that it was trained with")
    assert imported(path, tools.keras3, {"x": (6,)}, held).inputs[0].shape == (1, 6)
