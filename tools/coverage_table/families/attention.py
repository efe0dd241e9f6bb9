"""Attention and text: transformer encoders on floats and on tokens, text classifiers."""

from __future__ import annotations

from typing import Any

from coverage_table.families.head import head
from coverage_table.rows import Row

STEPS, WIDTH, WORDS = 8, 16, 40


def _block(keras: Any, x: Any) -> Any:
    """A transformer block: attention and a dense pair, each behind a layer normalisation and around a sum."""
    layers = keras.layers
    y = layers.LayerNormalization()(x)
    x = layers.Add()([x, layers.MultiHeadAttention(2, 8)(y, y)])
    y = layers.Dense(2 * WIDTH, activation="gelu")(layers.LayerNormalization()(x))
    return layers.Add()([x, layers.Dropout(0.1)(layers.Dense(WIDTH)(y))])


def encoder_of_floats(keras: Any) -> Any:
    """Two blocks over a sequence of features."""
    x = entry = keras.Input((STEPS, WIDTH), name="features")
    for _ in range(2):
        x = _block(keras, x)
    return keras.Model(entry, head(keras, keras.layers.GlobalAveragePooling1D()(x)))


def encoder_of_tokens(keras: Any) -> Any:
    """Embeddings of words and of positions, and a block."""
    layers = keras.layers
    entry = keras.Input((STEPS,), dtype="int32", name="tokens")
    positions = layers.Embedding(STEPS, WIDTH)(keras.ops.arange(STEPS))
    x = _block(keras, layers.Embedding(WORDS, WIDTH)(entry) + positions)
    return keras.Model(entry, head(keras, layers.GlobalAveragePooling1D()(x)))


def vision_transformer(keras: Any) -> Any:
    """Patches by a strided convolution, reshaped to a sequence, and a block."""
    layers = keras.layers
    entry = keras.Input((16, 16, 3), name="image")
    x = layers.Reshape((16, WIDTH))(layers.Conv2D(WIDTH, 4, strides=4)(entry))
    return keras.Model(entry, head(keras, layers.Flatten()(_block(keras, x))))


def dot_attention(keras: Any) -> Any:
    """Luong's attention of a sequence on itself."""
    layers = keras.layers
    entry = keras.Input((STEPS, WIDTH), name="features")
    x = layers.Dense(WIDTH)(entry)
    return keras.Model(entry, head(keras, layers.Flatten()(layers.Attention()([x, entry]))))


def grouped_query(keras: Any) -> Any:
    """Attention whose heads share keys and values."""
    layers = keras.layers
    entry = keras.Input((STEPS, WIDTH), name="features")
    x = layers.GroupQueryAttention(8, 4, 2)(entry, entry)
    return keras.Model(entry, head(keras, layers.Flatten()(x)))


def text_classifier(keras: Any) -> Any:
    """Averaged embeddings and a dense head."""
    layers = keras.layers
    entry = keras.Input((STEPS,), dtype="int32", name="tokens")
    x = layers.GlobalAveragePooling1D()(layers.Embedding(WORDS, WIDTH)(entry))
    return keras.Model(entry, layers.Dense(4, activation="softmax")(layers.Dense(32, activation="relu")(x)))


def text_convolution(keras: Any) -> Any:
    """Embeddings and a convolution over them."""
    layers = keras.layers
    entry = keras.Input((STEPS,), dtype="int32", name="tokens")
    x = layers.Conv1D(16, 3, activation="relu")(layers.Embedding(WORDS, WIDTH)(entry))
    return keras.Model(entry, layers.Dense(1, activation="sigmoid")(layers.GlobalMaxPooling1D()(x)))


def text_masked(keras: Any) -> Any:
    """Embeddings whose mask the LSTM behind them takes."""
    layers = keras.layers
    entry = keras.Input((STEPS,), dtype="int32", name="tokens")
    words = layers.Embedding(
        WORDS, WIDTH, mask_zero=True, embeddings_initializer=keras.initializers.RandomUniform(-1, 1)
    )
    x = layers.LSTM(16)(words(entry))
    return keras.Model(entry, head(keras, x))


FLOATS = {
    "transformer encoder, floats": encoder_of_floats,
    "vision transformer": vision_transformer,
    "dot-product attention": dot_attention,
    "grouped-query attention": grouped_query,
}
TOKENS = {
    "transformer encoder, tokens": encoder_of_tokens,
    "text classifier, averaged": text_classifier,
    "text classifier, convolution": text_convolution,
    "text classifier, masked LSTM": text_masked,
}
ROWS = [Row(name=name, group="attention", make=make) for name, make in FLOATS.items()]
ROWS += [
    Row(name=name, group="attention", make=make, domain="text" if "masked" in name else "tokens")
    for name, make in TOKENS.items()
]
ROWS += [
    Row(name="transformer encoder, floats, Keras 2", group="attention", make=encoder_of_floats, keras=2),
    Row(name="text classifier, averaged, Keras 2", group="attention", make=text_classifier, keras=2, domain="tokens"),
]
