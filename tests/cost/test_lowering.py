"""Which layers become operators, and what they take with them."""

from __future__ import annotations

from msgspec.structs import replace

from edgekit.cost.graph import Packed
from edgekit.cost.lowering import lower
from edgekit.documents.facts import LayerFacts, ModelFacts, TensorFacts


def test_the_keyword_spotters_operators_are_those_of_its_reference_file(keyword_spotter: ModelFacts) -> None:
    graph = lower(keyword_spotter)
    # kws_ref_model.tflite: 9 convolutions, pool, reshape, dense (its softmax is an operator of its own there).
    assert [node.name for node in graph.nodes][:3] == ["first", "depthwise0", "pointwise0"]
    assert len(graph.nodes) == 12
    assert graph.weights == 40 * 64 + 4 * 9 * 64 + 4 * 64 * 64 + 64 * 12
    assert sum(node.biases for node in graph.nodes) == 9 * 64 + 12
    assert graph.inputs == {"input": 490}
    assert graph.outputs == ("dense",)


def test_batch_normalization_gives_a_bias_to_who_has_none() -> None:
    layers = (
        LayerFacts(name="in", kind="InputLayer", output_shape=(4, 4, 1)),
        LayerFacts(
            name="conv", kind="Conv2D", inputs=("in",), output_shape=(4, 4, 8), parameters=72, kernel=(3, 3, 1, 8)
        ),
        LayerFacts(name="norm", kind="BatchNormalization", inputs=("conv",), output_shape=(4, 4, 8), parameters=32),
    )
    (node,) = lower(facts_of(layers)).nodes
    assert (node.weights, node.biases) == (72, 8)


def test_a_recurrent_layer_reads_its_input_and_its_own_units() -> None:
    """A GRU with two biases a gate, and a layer of both directions, each of which reads both; of a dense layer behind, the shapes tell."""
    layers = (
        LayerFacts(name="in", kind="InputLayer", output_shape=(7, 3)),
        LayerFacts(
            name="gru", kind="GRU", inputs=("in",), output_shape=(7, 4), parameters=12 * (3 + 4 + 2), kernel=(4, 12), biases=2 * 12
        ),
        LayerFacts(
            name="both", kind="Bidirectional", inputs=("gru",), output_shape=(10,), parameters=2 * 5 * (4 + 5), kernel=(5, 5)
        ),
        LayerFacts(name="head", kind="Dense", inputs=("both",), output_shape=(2,), parameters=22, kernel=(10, 2)),
    )  # fmt: skip
    found = [(node.weights, node.biases, node.width, node.reads) for node in lower(facts_of(layers)).nodes]
    assert found == [(12 * (3 + 4), 2 * 12, 4, 3 + 4), (2 * 5 * (4 + 5), 0, 10, 2 * (4 + 5)), (20, 2, 2, 10)]


def test_a_convolution_has_the_axes_that_it_moves_over_and_its_groups() -> None:
    """The sizes of its kernel, its input and its output; none where channels come first, or for other layers."""
    layers = (
        LayerFacts(name="in", kind="InputLayer", output_shape=(9, None, 8)),
        LayerFacts(name="conv", kind="Conv2D", inputs=("in",), output_shape=(5, None, 6), kernel=(3, 2, 8, 6)),
        LayerFacts(name="norm", kind="BatchNormalization", inputs=("conv",), output_shape=(5, None, 6)),
        LayerFacts(name="grouped", kind="Conv2D", inputs=("norm",), output_shape=(5, None, 4), kernel=(1, 1, 3, 4)),
        LayerFacts(name="first", kind="Conv2D", inputs=("norm",), output_shape=(7, 5, 3), kernel=(1, 1, 5, 7)),
        LayerFacts(
            name="depthwise", kind="DepthwiseConv2D", inputs=("norm",), output_shape=(5, 1, 6), kernel=(3, 3, 6, 1)
        ),
        LayerFacts(name="dense", kind="Dense", inputs=("norm",), output_shape=(5, 1, 6), kernel=(6, 6)),
    )
    found = {
        node.name: (node.kernel_size, node.places_in, node.places_out, node.filter_groups)
        for node in lower(facts_of(layers)).nodes
    }
    assert found["conv"] == ((3, 2), (9, 1), (5, 1), 1)
    assert found["grouped"] == ((1, 1), (5, 1), (5, 1), 2)
    assert {found[name] for name in ("first", "depthwise", "dense")} == {((), (), (), 1)}


def test_batch_normalization_that_follows_nothing_stays() -> None:
    layers = (
        LayerFacts(name="in", kind="InputLayer", output_shape=(4, 4, 2)),
        LayerFacts(name="norm", kind="BatchNormalization", inputs=("in",), output_shape=(4, 4, 2), parameters=8),
    )
    (node,) = lower(facts_of(layers)).nodes
    assert node.weights == 2 * 2


def test_a_sequential_model_needs_no_input_layer() -> None:
    layers = (LayerFacts(name="dense", kind="Dense", inputs=("x",), output_shape=(3,), parameters=15, kernel=(4, 3)),)
    facts = ModelFacts(
        sha256="0", format="keras", outputs=(), layers=layers, output_kinds=("linear",),
        inputs=(TensorFacts(name="x", shape=(4,), dtype="float32"),),
    )  # fmt: skip
    assert lower(facts).inputs == {"x": 4}


def facts_of(layers: tuple[LayerFacts, ...]) -> ModelFacts:
    return ModelFacts(sha256="0", format="keras", inputs=(), outputs=(), layers=layers, output_kinds=("linear",))


def test_in_float_is_the_lowered_graph_again_whatever_storage_a_technique_gave_it(keyword_spotter: ModelFacts) -> None:
    graph = lower(keyword_spotter)
    stored = replace(
        graph.changed(
            lambda node: {
                "weight_bits": 4, "bias_bytes": 2, "activation_bytes": 1, "resident_bytes": 1, "scales": 3, "widened": 1,
                "arithmetic": "int8", "zeros": 0.5, "distinct": 4, "packed": Packed(kind="tables", low=9, usual=9, high=9),
            }
        ),
        input_bytes=1, may_stay_float=True, float_weights=7, float_bytes=2,
    )  # fmt: skip
    assert stored.in_float == graph != stored
    assert {node.kind for node in graph.nodes} > {"Conv2D", "DepthwiseConv2D", "Dense"}
