"""An autoencoder of dense layers in the shape of MLPerf Tiny's anomaly detector: 640, four times 128, 8, four times 128, 640; on data made here.

A sample stands for five frames of 128 log-mel energies of a machine: a smooth spectrum that a few hidden numbers (speed, load, wear) move along a curved
manifold, and noise. An anomaly has a narrow tone besides. The model learns normal samples alone; the mean squared error of a sample says how strange it is.
`auc` judges that: the area under its curve, with a sample's label told by the generator itself, which knows the space of all smooth spectra: what of a
sample lies outside is noise, or a tone. Nothing here needs a file, and judging needs no Keras.
"""

import functools

import numpy as np

FRAMES, BANDS = 5, 128
HIDDEN, SMOOTH = 6, 24
"""The numbers that move a spectrum, and the smooth curves that it is a sum of."""
NOISE, TONE = 0.1, (1.0, 1.4)
"""The standard deviation of the noise, and how loud the faintest and the loudest tone is."""
WIDTH, NARROW, DEPTH = 128, 8, 4
EPOCHS = 20
NORMAL = {"train": 10_000, "val": 1_000, "test": 2_000}
ANOMALIES = {"train": 0, "val": 500, "test": 1_000}


@functools.cache
def smooth_space():
    """An orthonormal basis of a frame's smooth spectra, float64 (BANDS, SMOOTH): cosines over the bands."""
    places = (np.arange(BANDS) + 0.5) / BANDS
    curves = np.cos(np.pi * np.arange(SMOOTH)[:, None] * places) / np.sqrt(BANDS / 2)
    curves[0] /= np.sqrt(2)
    return curves.T


@functools.cache
def _machine():
    """How the hidden numbers move the smooth curves, in two layers: the same for every split."""
    draw = np.random.default_rng(12)
    first = draw.normal(0, 1.2, (HIDDEN, 48))
    return first, draw.normal(0, 0.2, 48), draw.normal(0, 0.35, (48, SMOOTH * FRAMES))


def _spectra(count, anomalies, draw):
    """Normal samples, then anomalies, float32 (count + anomalies, 640)."""
    first, offset, second = _machine()
    hidden = draw.uniform(-1, 1, (count + anomalies, HIDDEN))
    x = np.tanh(hidden @ first + offset) @ second @ np.kron(np.eye(FRAMES), smooth_space().T)
    x += draw.normal(0, NOISE, x.shape)
    frames = x.reshape(-1, FRAMES, BANDS)
    for row in range(count, count + anomalies):
        band = draw.integers(4, BANDS - 4)
        frames[row, :, band] += draw.uniform(*TONE) * draw.choice([-1, 1])
    return x.astype(np.float32)


def arrays():
    """Each split's samples are its targets too."""
    found = {}
    for number, split in enumerate(NORMAL):
        x = _spectra(NORMAL[split], ANOMALIES[split], np.random.default_rng(number))
        found |= {f"x_{split}": x, f"y_{split}": x}
    return found


def is_anomaly(x):
    """Whether each sample has a tone: more lies outside of the smooth spectra than noise ever leaves there."""
    inside = (x.reshape(-1, BANDS) @ smooth_space().astype(np.float32)).reshape(len(x), -1)
    outside = np.einsum("ij,ij->i", x, x) - np.einsum("ij,ij->i", inside, inside)
    share = 1 - SMOOTH / BANDS
    noise, faintest = FRAMES * BANDS * share * NOISE**2, FRAMES * share * TONE[0] ** 2
    return outside > noise + faintest / 2


def auc(y_true, y_pred):
    """The area under the ROC curve of the mean squared error: the chance that an anomaly has a larger one than a normal sample."""
    errors, strange = ((y_true - y_pred) ** 2).mean(axis=1), is_anomaly(y_true)
    order = np.argsort(errors, kind="stable")
    ranks = np.empty(len(errors))
    ranks[order] = np.arange(1, len(errors) + 1)
    count = strange.sum()
    return (ranks[strange].sum() - count * (count + 1) / 2) / (count * (len(errors) - count))


def network():
    """Dense layers with batch normalisation and ReLU; the last is linear: 0.27 million weights."""
    import keras

    inputs = x = keras.Input((FRAMES * BANDS,))
    for units in (*[WIDTH] * DEPTH, NARROW, *[WIDTH] * DEPTH):
        x = keras.layers.ReLU()(keras.layers.BatchNormalization()(keras.layers.Dense(units)(x)))
    return keras.Model(inputs, keras.layers.Dense(FRAMES * BANDS)(x))


def trained_model():
    """Adam on the mean squared error of normal samples."""
    import keras

    keras.utils.set_random_seed(0)
    model, data = network(), arrays()
    steps = EPOCHS * -(-len(data["x_train"]) // 64)
    model.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(2e-3, steps)), "mse")
    model.fit(data["x_train"], data["y_train"], batch_size=64, epochs=EPOCHS, verbose=0)
    return model
