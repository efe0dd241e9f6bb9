"""Small networks of every shape that channels hang together in, with numbers in which no channel is constant."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

PICTURE = (8, 8, 3)


def chain(layers: Any, x: Any) -> Any:
    x = layers.Conv2D(6, 3, padding="same", name="first")(x)
    x = layers.ReLU()(layers.BatchNormalization(name="norm")(x))
    x = layers.Conv2D(5, 3, activation="relu", name="second")(layers.MaxPooling2D(2)(x))
    return layers.Dense(2, name="head")(layers.GlobalAveragePooling2D()(x))


def flattened(layers: Any, x: Any) -> Any:
    x = layers.Flatten()(layers.Conv2D(4, 3, strides=2, activation="relu", name="first")(x))
    x = layers.Dropout(0.2)(layers.Dense(7, activation="tanh", name="dense")(x))
    return layers.Dense(2, activation="softmax", name="head")(x)


def residual(layers: Any, x: Any) -> Any:
    """Two blocks on one stem, and a third behind a projection."""
    total = layers.Conv2D(6, 3, padding="same", activation="relu", name="stem")(x)
    for index in range(2):
        inner = layers.Conv2D(4, 3, padding="same", activation="relu", name=f"inner_{index}")(total)
        outer = layers.BatchNormalization()(
            layers.Conv2D(6, 3, padding="same", use_bias=False, name=f"outer_{index}")(inner)
        )
        total = layers.ReLU()(layers.Add()([total, outer]))
    inner = layers.Conv2D(5, 3, strides=2, padding="same", activation="relu", name="inner_2")(total)
    beside = layers.Conv2D(8, 1, strides=2, name="beside")(total)
    total = layers.Conv2D(8, 3, padding="same", name="outer_2")(inner) + beside
    return layers.Dense(2, name="head")(layers.GlobalAveragePooling2D()(total))


def mobile(layers: Any, x: Any) -> Any:
    """Depthwise blocks, one of which makes two channels of each; the first with an inverted residual."""
    first = x = layers.ReLU(6.0)(
        layers.BatchNormalization()(layers.Conv2D(4, 3, padding="same", use_bias=False, name="stem")(x))
    )
    x = layers.Conv2D(8, 1, activation="relu6", name="wide")(x)
    x = layers.DepthwiseConv2D(3, padding="same", activation="relu6", name="depthwise")(x)
    x = layers.Add()([layers.Conv2D(4, 1, name="narrow")(x), first])
    x = layers.DepthwiseConv2D(3, strides=2, padding="same", depth_multiplier=2, use_bias=False, name="doubling")(x)
    x = layers.Conv2D(6, 1, activation="relu", name="point")(layers.ReLU()(layers.BatchNormalization()(x)))
    return layers.Dense(3, name="head")(layers.GlobalAveragePooling2D()(x))


def joined(layers: Any, x: Any) -> Any:
    """Two dense steps, as in a DenseNet."""
    x = layers.Conv2D(4, 3, padding="same", name="stem")(x)
    for index in range(2):
        y = layers.ReLU()(layers.BatchNormalization()(x))
        y = layers.Conv2D(6, 1, activation="relu", name=f"inner_{index}")(y)
        x = layers.Concatenate()([x, layers.Conv2D(3, 3, padding="same", name=f"grown_{index}")(y)])
    return layers.Dense(2, name="head")(layers.GlobalMaxPooling2D()(x))


def crossed(layers: Any, x: Any) -> Any:
    """The sum of two concatenations with other ends: four channels of `c` go with those of `a`, two with those of `b`."""
    a, b, c = (layers.Conv2D(size, 3, activation="relu", name=name)(x) for size, name in ((4, "a"), (5, "b"), (6, "c")))
    d = layers.Conv2D(3, 3, name="d")(x)
    total = layers.Add()([layers.Concatenate()([a, b]), layers.Concatenate()([c, d])])
    return layers.Conv2D(2, 1, name="head")(total)


def excited(layers: Any, x: Any) -> Any:
    """Squeeze-and-excite, and hard swish as arithmetic with numbers."""
    raw = layers.Conv2D(6, 3, name="conv")(x)
    x = raw * layers.ReLU(6.0)(raw + 3.0) * (1 / 6)
    gate = layers.Reshape((1, 1, 6))(layers.GlobalAveragePooling2D()(x))
    gate = layers.Conv2D(3, 1, activation="relu", name="squeeze")(gate)
    gate = layers.Conv2D(6, 1, activation="sigmoid", name="excite")(gate)
    return layers.Conv2D(2, 3, padding="same", name="head")(layers.Multiply()([x, gate]))


def u_net(layers: Any, x: Any) -> Any:
    near = layers.Conv2D(4, 3, padding="same", activation="relu", name="near")(x)
    far = layers.Conv2D(6, 3, padding="same", activation="relu", name="far")(layers.MaxPooling2D(2)(near))
    up = layers.Conv2DTranspose(5, 3, strides=2, padding="same", activation="relu", name="up")(far)
    x = layers.Concatenate()([up, near, layers.UpSampling2D(2, interpolation="bilinear")(far)])
    x = layers.Conv2D(4, 3, padding="same", activation="relu", name="merged")(x)
    return layers.Conv2DTranspose(2, 2, strides=2, name="head")(x)


def grouped(layers: Any, x: Any) -> Any:
    """A grouped convolution, as in a ResNeXt: three groups of two channels in and four out."""
    x = layers.Conv2D(6, 1, activation="relu", name="first")(x)
    x = layers.Conv2D(12, 3, groups=3, padding="same", activation="relu", name="grouped")(x)
    return layers.Conv2D(2, 1, name="head")(x)


def in_sections(layers: Any, x: Any) -> Any:
    """Grouped convolutions of fewer groups than channels in each: two of three channels in and six out, then of six and five."""
    x = layers.Conv2D(6, 1, activation="relu", name="first")(x)
    x = layers.Conv2D(12, 3, groups=2, padding="same", activation="relu", name="grouped")(x)
    x = layers.Conv2D(10, 3, groups=2, use_bias=False, name="again")(x)
    return layers.Conv2D(2, 1, name="head")(x)


def shuffle(layers: Any, x: Any, rows: int) -> Any:
    """The channels of a picture parted in rows, turned, and in one axis again."""
    *places, channels = x.shape[1:]
    x = layers.Permute((1, 2, 4, 3))(layers.Reshape((*places, rows, channels // rows))(x))
    return layers.Reshape((*places, channels))(x)


def shuffled(layers: Any, x: Any) -> Any:
    """Grouped convolutions with a channel shuffle between and a sum around, as in ShuffleNet, twice: three groups of eight channels, with rows of eight."""
    x = layers.Conv2D(24, 3, strides=2, activation="relu", name="stem")(x)
    for index in range(2):
        y = layers.Conv2D(24, 1, groups=3, activation="relu", name=f"inner_{index}")(x)
        y = layers.BatchNormalization()(layers.DepthwiseConv2D(1)(shuffle(layers, y, 3)))
        x = layers.ReLU()(layers.Add()([x, layers.Conv2D(24, 1, groups=3, name=f"outer_{index}")(y)]))
    return layers.Dense(2, name="head")(layers.GlobalAveragePooling2D()(x))


def passed_by(layers: Any, x: Any) -> Any:
    """Half of the channels passed by a branch, and shuffled with what it makes, as in ShuffleNetV2, twice behind a step that makes both halves anew."""
    near = layers.Conv2D(8, 3, strides=2, padding="same", activation="relu", name="near")(x)
    far = layers.Conv2D(8, 3, strides=2, padding="same", activation="relu", name="far")(x)
    x = shuffle(layers, layers.Concatenate()([near, far]), 2)
    for index in range(2):
        half = x.shape[-1] // 2
        y = layers.Conv2D(6, 1, activation="relu", name=f"first_{index}")(x[..., half:])
        y = layers.DepthwiseConv2D(3, padding="same")(y)
        y = layers.Conv2D(8, 1, activation="relu", name=f"second_{index}")(y)
        x = shuffle(layers, layers.Concatenate()([x[..., :half], y]), 2)
    return layers.Conv2D(2, 1, name="head")(x)


def by_place(layers: Any, x: Any) -> Any:
    """Constants that have one number for all channels of a place, as an average that counts no padding is imported."""
    factors = np.linspace(0.5, 2.0, 36, dtype="float32").reshape(6, 6, 1)
    x = layers.Conv2D(5, 3, name="first")(x) * factors + factors[0]
    return layers.Conv2D(2, 1, name="head")(x)


def sliced(layers: Any, x: Any) -> Any:
    """A gate and what it multiplies from one convolution, and half of the channels passed by, as in networks of PyTorch."""
    x = layers.Conv2D(12, 3, padding="same", name="both")(x)
    x = layers.Activation("tanh")(x[..., :6]) * layers.Activation("sigmoid")(x[..., 6:])
    x = layers.Conv2D(8, 3, padding="same", activation="relu", name="halves")(x)
    part = layers.Conv2D(4, 3, padding="same", activation="relu", name="inner")(x[:, 1:, :, 4:])
    part = layers.Concatenate()([x[:, 1:, :, :4], part])
    return layers.Conv2D(3, 1, name="head")(part)


def parametric(layers: Any, x: Any) -> Any:
    """Slopes by channel, by place and channel, and one for all channels."""
    x = layers.PReLU(shared_axes=[1, 2], name="slopes")(layers.Conv2D(5, 3, name="first")(x))
    x = layers.PReLU(name="each")(layers.Conv2D(4, 3, name="second")(x))
    x = layers.PReLU(shared_axes=[1, 2, 3], name="one")(layers.Conv2D(6, 1, name="third")(x))
    return layers.Conv2D(2, 1, name="head")(x)


def recurrent(layers: Any, x: Any) -> Any:
    """A GRU of each kind and an LSTM, one on the other: sequences, backwards, then the last state."""
    x = layers.Reshape((8, 24))(x)
    x = layers.GRU(6, return_sequences=True, dropout=0.1, recurrent_dropout=0.1, name="after")(x)
    x = layers.GRU(5, reset_after=False, return_sequences=True, go_backwards=True, name="before")(
        layers.Dropout(0.2)(x)
    )
    x = layers.LSTM(7, use_bias=False, unroll=True, name="lstm")(x)
    return layers.Dense(2, name="head")(x)


def both_ways(layers: Any, x: Any) -> Any:
    """Side by side, and added up; the latter of the former."""
    x = layers.Bidirectional(layers.LSTM(4, return_sequences=True), name="side_by_side")(layers.Reshape((8, 24))(x))
    x = layers.Dense(6, activation="relu", name="dense")(x)
    x = layers.Bidirectional(layers.GRU(5, use_bias=False), merge_mode="sum", name="added")(x)
    return layers.Dense(2, name="head")(x)


def remembered(layers: Any, x: Any) -> Any:
    """A layer that reads and makes the same channels, behind a convolution over the steps and before a flatten."""
    x = layers.Conv1D(6, 3, strides=2, activation="relu", name="steps")(layers.Reshape((8, 24))(x))
    x = layers.Add()([x, layers.SimpleRNN(6, return_sequences=True, name="simple")(x)])
    return layers.Dense(2, name="head")(layers.Flatten()(x))


def heads(layers: Any, x: Any, size: int, order: tuple[int, int, int] = (2, 1, 3)) -> Any:
    """A sequence by heads of a size, these before the places."""
    return layers.Permute(order)(layers.Reshape((x.shape[1], x.shape[2] // size, size))(x))


def joined_heads(layers: Any, x: Any) -> Any:
    """Back from heads to one axis."""
    return layers.Reshape((x.shape[2], x.shape[1] * x.shape[3]))(layers.Permute((2, 1, 3))(x))


def attention(layers: Any, x: Any) -> Any:
    """Three heads of five, values of four, around a stream that a layer normalization reads; the key is turned before its heads are parted, as an import has it."""
    x = layers.Reshape((16, 12))(x)
    y = layers.LayerNormalization()(x)
    query = heads(layers, layers.Dense(15, name="query")(y), 5) * 0.4
    key = layers.Reshape((3, 5, 16))(layers.Permute((2, 1))(layers.Dense(15, name="key")(y)))
    value = heads(layers, layers.Dense(12, name="value")(y), 4)
    shares = layers.Dropout(0.1)(layers.Softmax()(query @ key))
    x = layers.Add()([x, layers.Dense(12, name="output")(joined_heads(layers, shares @ value))])
    return layers.Dense(2, name="head")(layers.LayerNormalization()(x))


def attention_from_one_kernel(layers: Any, x: Any) -> Any:
    """Query, key and value of two heads of six from one dense layer, taken apart by heads."""
    x = layers.Reshape((16, 12))(x)
    both = layers.Reshape((16, 3, 2, 6))(layers.Dense(36, name="all")(x))
    query, key, value = (layers.Permute((2, 1, 3))(both[:, :, part]) for part in range(3))
    y = layers.Softmax()(query @ layers.Permute((1, 3, 2))(key)) @ value
    return layers.Dense(2, name="head")(layers.Dense(12, name="output")(joined_heads(layers, y)))


def attention_of_one_head(layers: Any, x: Any) -> Any:
    """Products of sequences as they are, of an einsum and of a matrix product; one class is read from the first place."""
    from keras import ops

    x = layers.Reshape((16, 12))(x)
    query, key, value = (layers.Dense(6, name=name)(x) for name in ("query", "key", "value"))
    y = layers.Softmax()(ops.einsum("bqd,bkd->bqk", query, key)) @ value
    y = layers.Add()([y, layers.Dense(6, name="beside")(x)])
    return layers.Dense(2, name="head")(y[:, 0])


def turned(layers: Any, x: Any) -> Any:
    """A picture as a sequence of columns, the channels of each before its rows, and a flatten of another turn."""
    x = layers.Conv2D(5, 3, padding="same", activation="relu", name="first")(x)
    x = layers.Reshape((8, 40))(layers.Permute((2, 3, 1))(x))
    x = layers.Permute((2, 1))(layers.Dense(6, name="second")(x))
    return layers.Dense(2, name="head")(layers.Flatten()(x))


def drawn(seed: int) -> Callable[[Any, Any], Any]:
    """A network at random: each layer on one that is there already, three outputs, two of them behind a flatten."""
    generator = np.random.default_rng(seed)

    def made(layers: Any, x: Any) -> Any:
        found = [layers.Conv2D(6, 3, padding="same")(x)]
        for _ in range(generator.integers(6, 14)):
            one, other = (found[place] for place in generator.integers(len(found), size=2))
            found.append(_step(layers, one, other, int(generator.integers(8)), int(generator.integers(1, 3))))
        ends = [layers.Dense(3)(layers.Flatten()(end)) for end in found[-3:-1]]
        return [*ends, layers.Dense(2)(layers.GlobalMaxPooling2D()(found[-1]))]

    return made


def _step(layers: Any, one: Any, other: Any, kind: int, times: int) -> Any:
    channels = one.shape[-1]
    if channels > 24 or kind == 0:
        return layers.Conv2D(6, 1, activation="relu")(one)
    if kind == 1:
        return layers.DepthwiseConv2D(3, padding="same", depth_multiplier=times)(one)
    if kind == 2:
        return layers.Add()([one, other]) if other.shape == one.shape else layers.BatchNormalization()(one)
    if kind == 3:
        return layers.Concatenate()([one, other])
    if kind == 4:
        groups = next(number for number in (3, 2, 1) if channels % number == 0)
        return layers.Conv2D(channels * times, 3, padding="same", groups=groups)(one)
    if kind == 5:
        gate = layers.Conv2D(2, 1, activation="relu")(layers.GlobalAveragePooling2D(keepdims=True)(one))
        return layers.Multiply()([one, layers.Conv2D(channels, 1, activation="sigmoid")(gate)])
    if kind == 6:
        return layers.Conv2DTranspose(4 * times, 3, padding="same")(one)
    return layers.AveragePooling2D(3, 1, padding="same")(one)


NETWORKS: dict[str, Callable[[Any, Any], Any]] = {
    made.__name__: made
    for made in (
        chain,
        flattened,
        residual,
        mobile,
        joined,
        crossed,
        excited,
        u_net,
        grouped,
        in_sections,
        shuffled,
        passed_by,
        by_place,
        parametric,
        recurrent,
        sliced,
        both_ways,
        remembered,
        attention,
        attention_from_one_kernel,
        attention_of_one_head,
        turned,
    )
}


@pytest.fixture
def network(tools: Any, layers: Any) -> Callable[[str], Any]:
    """The model of a name in `NETWORKS` or of a seed, or one that is given as a function of the layers and its input; the weights are drawn."""

    def made(name: str | int | Callable[[Any, Any], Any]) -> Any:
        entry = tools.keras3.Input(PICTURE)
        make = NETWORKS[name] if isinstance(name, str) else drawn(name) if isinstance(name, int) else name
        model = tools.keras3.Model(entry, make(layers, entry))
        generator = np.random.default_rng(0)
        for weight in model.weights:
            low = (
                -0.5 if "kernel" in weight.name else 0.5
            )  # a bias above zero, so that no activation cuts a channel whole
            weight.assign(generator.uniform(low, low + 1, weight.shape))
        return model

    return made
