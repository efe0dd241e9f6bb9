"""Channels that change no output leave the model, with what they add folded in; what any input could change stays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from edgekit.keras_graph.flat_graph import FlatGraph
from edgekit.passes.dead_channels import DeadChannels
from edgekit.passes.run import Outcome, run_passes

pytestmark = pytest.mark.tf
PICTURE = (8, 8, 3)


@pytest.fixture
def without(tools: Any) -> Callable[[Any], Outcome]:
    """The outcome of the pass for a model whose weights are as they are."""
    from edgekit.make.workshop.flatten import flat_graph

    def made(model: Any) -> Outcome:
        outcome = run_passes(tools, flat_graph(tools, model, where="test"), [DeadChannels()])
        assert not any("not applied" in told for told in outcome.told), outcome.told
        return outcome

    return made


def built(tools: Any, entry: Any, outputs: Any) -> Any:
    """A model in which no channel is dead: weights above zero lift every channel above zero."""
    model = tools.keras3.Model(entry, outputs)
    generator = np.random.default_rng(0)
    for layer in model.layers:
        for weight in layer.weights:
            weight.assign(generator.uniform(0.1, 0.5, weight.shape))
    return model


def chained(tools: Any, shape: Any, *steps: Any) -> Any:
    x = entry = tools.keras3.Input(shape)
    for step in steps:
        x = step(x)
    return built(tools, entry, x)


def set_filters(layer: Any, filters: Any, kernel: float = 0.0, bias: float = 0.0) -> None:
    """Give filters one weight and one bias."""
    weights = layer.get_weights()
    weights[0][..., filters] = kernel
    if layer.use_bias:
        weights[1][filters] = bias
    layer.set_weights(weights)


def set_channels(layer: Any, channels: Any, **numbers: float) -> None:
    """Give channels of a batch normalization a scale, an offset, a mean or a variance."""
    for name, number in numbers.items():
        weight = getattr(layer, name)
        array = np.asarray(weight).copy()
        array[channels] = number
        weight.assign(array)


def widths(graph: FlatGraph) -> dict[str, int | None]:
    return {call.name: call.outputs[0].shape[-1] for call in graph.calls if hasattr(call.operation, "kernel")}


def answers(file: Any, samples: np.ndarray) -> np.ndarray:
    """What an int8 file answers to samples in LiteRT, in steps."""
    from edgekit.measure.runtimes.litert import LiteRt

    session = LiteRt().open(file.path)
    (port,) = session.inputs
    steps = np.clip(np.round(samples / port.scale) + port.zero_point, -128, 127).astype("int8")
    return np.concatenate([session.run([row[None]])[0] for row in steps]).astype(int)


def test_they_leave_a_chain_of_depthwise_blocks(tools: Any, layers: Any, without: Any, alike: Any) -> None:
    """As in a MobileNet after weight decay: a filter of nearly nothing, an offset that ReLU cuts, a scale of zero, filters that are not read.

    What the second normalization makes of the first channel is no longer zero, and becomes the bias of `point`.
    """
    conv = layers.Conv2D(6, 3, padding="same", use_bias=False, name="conv")
    depthwise = layers.DepthwiseConv2D(3, padding="same", use_bias=False, name="depthwise")
    norms = [layers.BatchNormalization(name=f"norm_{index}") for index in range(3)]
    point = layers.Conv2D(8, 1, use_bias=False, name="point")
    head = layers.Dense(4, name="head")
    own = chained(
        tools, PICTURE, conv, norms[0], layers.ReLU(6.0), depthwise, norms[1], layers.ReLU(), point, norms[2], layers.ReLU(),
        layers.GlobalAveragePooling2D(), layers.Dropout(0.1), head,
    )  # fmt: skip
    set_filters(conv, 1, 1e-20)
    set_channels(norms[0], 1, beta=-0.3, moving_mean=0.0)
    set_channels(norms[1], [3, 4], beta=-90.0)
    set_channels(norms[1], 1, beta=0.4, moving_mean=0.1)
    set_channels(norms[2], 5, gamma=0.0, beta=0.25)
    kernel, _ = head.get_weights()
    kernel[[0, 7]] = 0.0
    head.kernel.assign(kernel)
    graph, told = without(own)
    assert widths(graph) == {"conv": 3, "depthwise": 3, "point": 5, "head": 4}
    before = 3 * 3 * 3 * 6 + 6 * 4 + 3 * 3 * 6 + 6 * 4 + 6 * 8 + 8 * 4 + 8 * 4 + 4
    after = 3 * 3 * 3 * 3 + 3 * 4 + 3 * 3 * 3 + 3 * 4 + 3 * 5 + 5 + 5 * 4 + 5 * 4 + 4
    assert told == (f"{DeadChannels.words}: 6 of 14 channels of conv, point; {before - after} of {before} parameters",)
    alike(own, graph)


def test_what_a_constant_adds_goes_into_the_next_bias(tools: Any, layers: Any, without: Any, alike: Any) -> None:
    """Through a valid convolution, a point, a flatten and a dense layer; one without a bias gets one."""
    convs = [layers.Conv2D(4, 3, activation="sigmoid", name=f"conv_{index}") for index in range(2)]
    point = layers.Conv2D(5, 1, padding="same", strides=2, use_bias=False, activation="relu", name="point")
    dense = layers.Dense(6, activation="tanh", name="dense")
    own = chained(tools, PICTURE, *convs, point, layers.Flatten(), dense, layers.Dense(2, name="head"))
    set_filters(convs[0], 0, bias=0.7)
    set_filters(convs[1], [1, 2], bias=-0.4)
    set_filters(dense, 3, bias=2.0)
    set_filters(point, 4)
    graph, _ = without(own)
    assert widths(graph) == {"conv_0": 3, "conv_1": 2, "point": 4, "dense": 5, "head": 2}
    assert next(call for call in graph.calls if call.name == "point").operation.use_bias
    alike(own, graph)


def test_a_constant_is_not_folded_where_padding_ends_it(tools: Any, layers: Any, without: Any) -> None:
    """At the borders a padded convolution sees zeros, so that the share of the constant is another there."""
    for between in ([], [layers.ZeroPadding2D(1)], [layers.DepthwiseConv2D(3, padding="same")]):
        first, padding = layers.Conv2D(4, 3, name="first"), "valid" if between else "same"
        own = chained(tools, PICTURE, first, *between, layers.Conv2D(2, 3, padding=padding))
        set_filters(first, 1, bias=0.7)
        assert not without(own).told
        set_filters(first, 1, bias=0.0)
        if (
            between and between[0].__class__.__name__ == "DepthwiseConv2D"
        ):  # it adds its own bias, the same at every place
            assert widths(without(own).graph)["depthwise_conv2d"] == 3
        assert widths(without(own).graph)["first"] == 3


def test_a_constant_that_is_multiplied_by_place_is_none(tools: Any, layers: Any, without: Any, alike: Any) -> None:
    """It is another number at each place; zero stays zero, and one factor for all places leaves a constant."""
    by_place = np.linspace(0.5, 2.0, 36, dtype="float32").reshape(6, 6, 1)
    for factors, bias, left in ((by_place, 0.7, 4), (by_place, 0.0, 3), (np.full((6, 6, 1), 0.5, "float32"), 0.7, 3)):
        first, head = layers.Conv2D(4, 3, name="first"), layers.Conv2D(2, 1, name="head")
        own = chained(tools, PICTURE, first, lambda x, factors=factors: x * factors, head)
        set_filters(first, 1, bias=bias)
        graph, _ = without(own)
        assert widths(graph) == {"first": left, "head": 2}
        alike(own, graph)


def test_a_bias_that_relu_always_cuts(tools: Any, layers: Any, without: Any, alike: Any) -> None:
    """What feeds it is bounded, so no input lifts it above zero; a little more bias, and one could."""
    bounded, cut = layers.Dense(3, activation="relu6", name="bounded"), layers.Dense(4, activation="relu", name="cut")
    own = chained(tools, (5,), bounded, cut, layers.Dense(2))
    set_filters(cut, 2, 0.5, bias=-3 * 6 * 0.5)
    graph, _ = without(own)
    assert widths(graph)["cut"] == 3
    alike(own, graph)
    set_filters(cut, 2, 0.5, bias=-3 * 6 * 0.5 + 0.1)
    assert not without(own).told


def test_one_filter_stays_where_all_are_dead(tools: Any, layers: Any, without: Any, alike: Any) -> None:
    entry = tools.keras3.Input(PICTURE)
    branch = layers.Conv2D(5, 3, padding="same", activation="relu", name="inner")(entry)
    branch = layers.Conv2D(3, 1, name="outer")(branch)
    own = built(tools, entry, layers.Conv2D(4, 1, name="last")(branch + entry))
    set_filters(own.get_layer("inner"), slice(None), bias=-1.0)
    graph, _ = without(own)
    assert widths(graph) == {"inner": 1, "outer": 3, "last": 4}
    alike(own, graph)


def test_a_model_whose_outputs_depend_on_nothing_is_left_alone(tools: Any, layers: Any, without: Any) -> None:
    """A head of zeros, as before training."""
    head = layers.Dense(2, kernel_initializer="zeros", name="head")
    own = chained(tools, (4,), layers.Dense(6, name="first"), head)
    set_filters(head, slice(None))
    assert not without(own).told


def test_what_cannot_be_narrowed_stays(tools: Any, layers: Any, without: Any) -> None:
    """Layers that are shared, constrained or part of a loss, that look across channels, a user's own, a filter of a group, and outputs."""

    class Own(layers.Conv2D):  # type: ignore[misc, name-defined]
        pass

    entry = tools.keras3.Input(PICTURE)
    shared, out = layers.Conv2D(4, 3, name="shared"), layers.Conv2D(4, 3, name="out")(entry)
    dead = {
        "grouped": layers.Conv2D(4, 3, name="inner")(entry), "own": Own(4, 3, name="own")(entry),
        "constrained": layers.Conv2D(4, 3, kernel_constraint="max_norm", name="constrained")(entry),
        "lossy": layers.Conv2D(4, 3, activity_regularizer="l2", name="lossy")(entry),
        "across": layers.Conv2D(4, 3, name="before_norm")(entry), "first": shared(entry), "second": shared(layers.Identity()(entry)), "out": out,
    }  # fmt: skip
    ends = [
        layers.Conv2D(2, 1, groups=2)(dead["grouped"]), layers.Conv2D(2, 1)(dead["own"]), layers.Conv2D(2, 1)(dead["constrained"]),
        layers.Conv2D(2, 1)(dead["lossy"]), layers.Conv2D(2, 1)(layers.LayerNormalization()(dead["across"])),
        layers.Conv2D(2, 1)(dead["first"]), layers.Conv2D(2, 1)(dead["second"]), layers.Conv2D(2, 1)(out),
    ]  # fmt: skip
    own = built(tools, entry, [*ends, out])
    for layer in own.layers:
        if layer.name in ("inner", "own", "constrained", "lossy", "before_norm", "shared", "out"):
            set_filters(layer, 1)
    assert not without(own).told


def test_no_layer_of_the_user_is_changed(tools: Any, layers: Any, without: Any) -> None:
    first, last = layers.Dense(4, kernel_regularizer="l2", name="first"), layers.Dense(2, name="last")
    own = chained(tools, (3,), first, last)
    set_filters(first, 0, bias=1.0)
    before = [np.asarray(weight).copy() for weight in own.weights]
    graph, _ = without(own)
    assert widths(graph) == {"first": 3, "last": 2}
    assert graph.calls[0].operation.kernel_regularizer is not None
    for weight, kept in zip(own.weights, before, strict=True):
        np.testing.assert_array_equal(np.asarray(weight), kept)


def test_an_addition_loses_what_all_its_addends_lose(tools: Any, layers: Any, without: Any, alike: Any) -> None:
    """Constant in all of them, or read by nobody; what is constant in one of them stays, and its filter with it."""
    entry = tools.keras3.Input(PICTURE)
    stem = layers.Conv2D(6, 3, padding="same", activation="relu", name="stem")(entry)
    inner = layers.Conv2D(5, 3, padding="same", activation="relu", name="inner")(stem)
    branch = layers.BatchNormalization(name="norm")(layers.Conv2D(6, 1, name="branch")(inner))
    total = layers.ReLU()(layers.Add()([branch, stem]))
    more = layers.Conv2D(6, 3, padding="same", name="more")(total)
    last = layers.ReLU()(total + more)
    own = built(tools, entry, layers.Dense(2, name="head")(layers.GlobalAveragePooling2D()(last)))
    names = {name: own.get_layer(name) for name in ("stem", "inner", "branch", "more", "head")}
    set_filters(names["inner"], 3, bias=-1.0)
    for name in ("stem", "branch", "more"):  # each a constant of its own, and zero where the padded `more` looks
        set_filters(names[name], 0, bias=-1.0)
    set_channels(own.get_layer("norm"), 0, beta=-2.0, moving_mean=0.0)
    set_filters(names["stem"], 1, bias=-1.0)
    set_filters(names["branch"], 2, bias=0.4)
    for name in ("inner", "more", "head"):  # nobody reads it
        kernel, bias = names[name].get_weights()
        kernel[..., 5, :] = 0.0
        names[name].set_weights([kernel, bias])
    graph, _ = without(own)
    assert widths(graph) == {"stem": 4, "inner": 4, "branch": 4, "more": 4, "head": 2}
    alike(own, graph)


def test_parts_of_a_concatenation_lose_theirs(tools: Any, layers: Any, without: Any, alike: Any) -> None:
    entry = tools.keras3.Input(PICTURE)
    parts = [layers.Conv2D(4, 3, activation="relu6", name=f"part_{index}")(entry) for index in range(2)]
    joined = layers.Concatenate()([*parts, parts[0], layers.Cropping2D(1)(entry)])
    after = layers.Conv2D(3, 3, name="after")(layers.MaxPooling2D(2)(layers.BatchNormalization()(joined)))
    own = built(tools, entry, layers.Conv2D(2, 1, name="head")(after))
    set_filters(own.get_layer("part_1"), [0, 2], bias=9.0)
    set_filters(own.get_layer("part_0"), 3, bias=0.5)
    graph, _ = without(own)
    assert widths(graph) == {"part_0": 3, "part_1": 2, "after": 3, "head": 2}
    assert next(call for call in graph.calls if call.kind == "Concatenate").outputs[0].shape == (6, 6, 3 + 2 + 3 + 3)
    alike(own, graph)


def test_squeeze_and_excite_loses_the_gate_of_a_dead_channel(tools: Any, layers: Any, without: Any, alike: Any) -> None:
    """Nothing times a gate is nothing, so the gate is not read; hard swish is arithmetic with numbers."""
    entry = tools.keras3.Input(PICTURE)
    raw = layers.Conv2D(6, 3, name="conv")(entry)
    x = raw * layers.ReLU(6.0)(raw + 3.0) * (1 / 6)
    gate = layers.Reshape((1, 1, 6))(layers.GlobalAveragePooling2D()(x))
    gate = layers.Conv2D(6, 1, activation="sigmoid", name="excite")(
        layers.Conv2D(3, 1, activation="relu", name="squeeze")(gate)
    )
    own = built(tools, entry, layers.Conv2D(2, 3, padding="same", name="head")(layers.Multiply()([x, gate])))
    set_filters(own.get_layer("conv"), [1, 4], bias=-3.5)
    graph, _ = without(own)
    assert widths(graph) == {"conv": 4, "squeeze": 3, "excite": 4, "head": 2}
    alike(own, graph)


def test_a_grouped_convolution_loses_whole_groups(tools: Any, layers: Any, without: Any, alike: Any) -> None:
    """Where all filters of a group are read by nobody, with what they read; a filter alone stays."""
    first, head = layers.Conv2D(6, 1, name="first"), layers.Conv2D(2, 1, name="head")
    middle = layers.Conv2D(12, 3, groups=3, padding="same", activation="relu", name="grouped")
    own = chained(tools, PICTURE, first, middle, head)
    kernel, bias = head.get_weights()
    kernel[:, :, 4:9] = 0.0  # the second group, and one filter of the third
    head.set_weights([kernel, bias])
    graph, _ = without(own)
    assert widths(graph) == {"first": 4, "grouped": 8, "head": 2}
    assert next(call for call in graph.calls if call.name == "grouped").operation.groups == 2
    alike(own, graph)


def test_a_grouped_convolution_of_few_groups_loses_as_many_channels_of_each(
    tools: Any, layers: Any, without: Any, alike: Any
) -> None:
    """Three filters of one group that nobody reads and two of the other, one constant channel of each in what it takes, and a bias for it."""
    first, head = layers.Conv2D(6, 1, activation="relu", name="first"), layers.Conv2D(2, 1, name="head")
    middle = layers.Conv2D(10, 3, groups=2, use_bias=False, name="grouped")
    own = chained(tools, PICTURE, first, middle, head)
    set_filters(first, [1, 5], bias=0.7)
    kernel, bias = head.get_weights()
    kernel[:, :, [0, 2, 3, 6, 9]] = 0.0
    head.set_weights([kernel, bias])
    graph, _ = without(own)
    assert widths(graph) == {"first": 4, "grouped": 6, "head": 2}
    grouped = next(call for call in graph.calls if call.name == "grouped").operation
    assert (grouped.groups, grouped.use_bias, grouped.kernel.shape) == (2, True, (3, 3, 2, 6))
    alike(own, graph)


def test_a_shuffle_loses_a_place_of_all_its_rows(tools: Any, layers: Any, without: Any, alike: Any) -> None:
    """The second of both rows is zero; of the third that of one row, which stays."""
    first = layers.Conv2D(8, 1, activation="relu", name="first")
    steps = (layers.Reshape((8, 8, 2, 4)), layers.Permute((1, 2, 4, 3)), layers.Reshape((8, 8, 8)))
    own = chained(tools, PICTURE, first, *steps, layers.Conv2D(2, 1, name="head"))
    set_filters(first, [1, 5, 6])
    graph, _ = without(own)
    assert widths(graph) == {"first": 6, "head": 2}
    alike(own, graph)


def test_lines_and_several_outputs_of_each_depthwise_channel(tools: Any, layers: Any, without: Any, alike: Any) -> None:
    """A depthwise channel goes only with all that it makes; a causal convolution pads."""
    first = layers.Conv1D(4, 3, name="first")
    depthwise = layers.DepthwiseConv1D(3, depth_multiplier=2, activation="relu", name="depthwise")
    last = layers.Conv1D(2, 1, name="last")
    own = chained(tools, (12, 3), first, depthwise, last)
    kernel, bias = depthwise.get_weights()
    kernel[:, 1], bias[2:4] = 0.0, (-1.0, 0.5)
    kernel[:, 2, 0], bias[4] = 0.0, 0.5
    depthwise.set_weights([kernel, bias])
    graph, _ = without(own)
    assert widths(graph) == {"first": 3, "depthwise": 6, "last": 2}
    alike(own, graph)
    causal = layers.Conv1D(2, 3, padding="causal")
    own = chained(tools, (12, 3), layers.Conv1D(4, 3, name="before"), causal)
    set_filters(own.get_layer("before"), 0, bias=1.0)
    assert not without(own).told


def test_a_model_with_dead_channels_is_loaded_and_converted_without_them(
    tools: Any, layers: Any, int8: Any, tmp_path: Any
) -> None:
    """The real job `load`: the stored model is the narrow one, its facts tell so, and the int8 file has the bytes of its weights alone."""
    from edgekit.make.workshop.flatten import flat_graph
    from edgekit.make.workshop.load import load

    blocks = [
        step
        for width in (24, 32, 48)
        for step in (
            layers.DepthwiseConv2D(3, padding="same", use_bias=False), layers.BatchNormalization(), layers.ReLU(6.0),
            layers.Conv2D(width, 1, use_bias=False, name=f"point_{width}"), layers.BatchNormalization(name=f"norm_{width}"), layers.ReLU(6.0),
        )
    ]  # fmt: skip
    own = chained(tools, (16, 16, 3), *blocks, layers.GlobalAveragePooling2D(), layers.Dense(3, name="head"))
    for width in (24, 32, 48):  # three quarters of the filters
        set_filters(own.get_layer(f"point_{width}"), slice(width // 4, width), 1e-20)
        set_channels(own.get_layer(f"norm_{width}"), slice(width // 4, width), beta=-0.1, moving_mean=0.0)
    own.save(tmp_path / "own.keras")
    target = tmp_path / "loaded"
    target.mkdir()
    job = {"imports": [], "root": str(tmp_path), "trust": False, "seed": 0, "sha256": "", "is_function": False}
    facts = load({**job, "source": str(tmp_path / "own.keras"), "target": str(target)}, lambda *_: None)
    (told,) = facts["passes"]
    assert "78 of 104 channels of point_24, point_32, point_48" in told
    assert facts["rebuilt_error"] < 1e-5
    stored = tools.keras3.saving.load_model(target / "model.keras")
    assert [stored.get_layer(f"point_{width}").filters for width in (24, 32, 48)] == [6, 8, 12]
    samples = np.random.default_rng(3).uniform(-1, 1, (16, 16, 16, 3)).astype("float32")
    before, after = (int8(flat_graph(tools, model, where="test"), samples) for model in (own, stored))
    kernels = [
        sum(tensor.elements for tensor in file.tensors if tensor.constant and tensor.dtype == "int8")
        for file in (before, after)
    ]
    assert kernels == [
        9 * (3 + 24 + 32) + 3 * 24 + 24 * 32 + 32 * 48 + 48 * 3, 9 * (3 + 6 + 8) + 3 * 6 + 6 * 8 + 8 * 12 + 12 * 3,
    ]  # fmt: skip
    assert before.size_bytes - after.size_bytes >= kernels[0] - kernels[1]
    apart = np.abs(answers(before, samples) - answers(after, samples))
    assert apart.max() <= 2, "steps of the int8 output"


def test_a_decoder_of_transposed_convolutions(tools: Any, layers: Any, without: Any, alike: Any) -> None:
    """Channels of zeros go; a constant stays, since such a convolution sees more of it at some places than at others."""
    first, inner = (
        layers.Conv2D(5, 3, activation="relu", name="first"),
        layers.Conv2DTranspose(6, 3, strides=2, name="up"),
    )
    last = layers.Conv2DTranspose(2, 3, use_bias=False, name="last")
    own = chained(tools, PICTURE, first, inner, layers.ReLU(), last)
    set_filters(first, [0, 1], bias=-1.0)
    set_filters(first, 2, bias=0.5)
    kernel, bias = inner.get_weights()
    kernel[:, :, 4], bias[4] = 0.0, -0.5
    inner.set_weights([kernel, bias])
    graph, _ = without(own)
    assert widths(graph) == {"first": 3, "up": 5, "last": 2}
    alike(own, graph)


RECURRENT: dict[str, dict[str, bool]] = {
    "GRU": {}, "GRU, reset before": {"reset_after": False}, "GRU, no bias": {"use_bias": False}, "LSTM": {}, "LSTM, no bias": {"use_bias": False}, "SimpleRNN": {},
}  # fmt: skip
SEQUENCE = (6, 3)


def unread(layer: Any, units: Any) -> None:
    """Zero the rows by which a recurrent layer reads some of its units."""
    kernel = np.asarray(layer.cell.recurrent_kernel).copy()
    kernel[units] = 0.0
    layer.cell.recurrent_kernel.assign(kernel)


def without_rows(layer: Any, rows: Any) -> None:
    """Zero what a dense layer reads of some channels."""
    kernel, bias = layer.get_weights()
    kernel[rows] = 0.0
    layer.set_weights([kernel, bias])


def units(graph: FlatGraph) -> dict[str, int]:
    return {call.name: call.operation.units for call in graph.calls if hasattr(call.operation, "units")}


@pytest.mark.parametrize("kind", RECURRENT)
def test_units_of_a_recurrent_layer_that_nobody_reads(
    tools: Any, layers: Any, without: Any, alike: Any, kind: str
) -> None:
    """Of the last state or of the sequence. A unit that only the layer itself reads stays; one that only units read that go does not."""
    sequences = bool(RECURRENT[kind])
    memory = getattr(layers, kind.split(",")[0])(5, return_sequences=sequences, name="memory", **RECURRENT[kind])
    head = layers.Dense(2, name="head")
    own = chained(tools, SEQUENCE, memory, layers.Dropout(0.1), head)
    without_rows(head, [0, 2, 3])
    unread(memory, 0)
    kernel = np.asarray(memory.cell.recurrent_kernel).copy()
    kernel[2, np.arange(kernel.shape[1]) % 5 != 0] = 0.0  # read by the first unit alone
    memory.cell.recurrent_kernel.assign(kernel)
    before = [np.asarray(weight).copy() for weight in memory.weights]
    graph, told = without(own)
    assert units(graph) == {"memory": 3, "head": 2} and "2 of 5 channels of memory" in told[0]
    alike(own, graph)
    for weight, kept in zip(memory.weights, before, strict=True):
        np.testing.assert_array_equal(np.asarray(weight), kept)


@pytest.mark.parametrize("kind", RECURRENT)
def test_units_that_are_always_zero_and_what_a_constant_adds(
    tools: Any, layers: Any, without: Any, alike: Any, kind: str
) -> None:
    """A unit without new content, which the others read, and a channel that holds one number: what it adds goes into the biases of all gates."""
    name = kind.split(",")[0]
    first = layers.Dense(4, activation="relu", name="first")
    memory = getattr(layers, name)(5, return_sequences=True, name="memory", **RECURRENT[kind])
    own = chained(tools, SEQUENCE, first, memory, layers.Dense(2, name="head"))
    set_filters(first, 1, bias=0.7)
    block = {"LSTM": 2, "GRU": 2, "SimpleRNN": 0}[name]
    for weight in memory.weights:
        array = np.asarray(weight).copy()
        array[..., block * 5 + 3] = 0.0
        weight.assign(array)
    graph, _ = without(own)
    assert units(graph) == {"first": 3, "memory": 4, "head": 2}
    assert next(call for call in graph.calls if call.name == "memory").operation.use_bias
    alike(own, graph)


def test_units_of_both_directions_leave_in_pairs(tools: Any, layers: Any, without: Any, alike: Any) -> None:
    """Three of one direction and two of the other are not read: the two that are the same go."""
    memory, head = layers.Bidirectional(layers.LSTM(4), name="memory"), layers.Dense(2, name="head")
    own = chained(tools, SEQUENCE, memory, head)
    without_rows(head, [0, 1, 3, 4 + 1, 4 + 3])
    for layer in (memory.forward_layer, memory.backward_layer):
        unread(layer, [1, 3])
    graph, _ = without(own)
    (call,) = [call for call in graph.calls if call.name == "memory"]
    assert (call.operation.forward_layer.units, call.operation.backward_layer.units) == (2, 2)
    assert call.outputs[0].shape == (4,)
    alike(own, graph)


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "SimpleRNN"])
@pytest.mark.parametrize("both", [False, True])
def test_a_unit_that_is_zero_in_one_direction_of_a_product_is_read_in_the_other(
    tools: Any, layers: Any, without: Any, alike: Any, kind: str, both: bool
) -> None:
    """The product is zero, but the other units of the second direction see what its unit holds; it goes where both are zero."""
    memory = layers.Bidirectional(getattr(layers, kind)(4, return_sequences=True), merge_mode="mul", name="memory")
    own = chained(tools, SEQUENCE, memory, layers.Dense(2, name="head"))
    block = {"LSTM": 2, "GRU": 2, "SimpleRNN": 0}[kind]
    for layer in (memory.forward_layer, memory.backward_layer)[: 1 + both]:
        for weight in layer.weights:
            array = np.asarray(weight).copy()
            array[..., block * 4 + 2] = 0.0
            weight.assign(array)
    graph, _ = without(own)
    (call,) = [call for call in graph.calls if call.name == "memory"]
    assert call.operation.forward_layer.units == call.operation.backward_layer.units == 4 - both
    alike(own, graph)
