"""The child of `benchmark_training.py` that trains as a user does by hand: Keras 3's own `compile` and `fit`, in a process that stays warm.

It knows edgekit's pipe to a child and nothing else of it: TensorFlow is as it comes, without deterministic kernels.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from edgekit.jobs.child import serve
from edgekit.progress import Progress

FROM_LOGITS = "_from_logits"


def fit(job: dict[str, Any], progress: Progress) -> Any:
    """The seconds of `compile` and `fit` on a model of which the weights were just read, and the steps that were taken."""
    import keras

    model, data = keras.saving.load_model(job["model"], compile=False), _arrays(job["arrays"])
    keras.utils.set_random_seed(job["seed"])
    started = time.monotonic()
    model.compile(keras.optimizers.Adam(job["learning_rate"]), _loss(keras, job["loss"]))
    model.fit(
        data["x_train"], data["y_train"], validation_data=(data["x_validation"], data["y_validation"]),
        batch_size=job["batch_size"], epochs=job["epochs"], verbose=0,
    )  # fmt: skip
    return {"seconds": time.monotonic() - started, "steps": int(model.optimizer.iterations)}


@functools.cache
def _arrays(path: str) -> Mapping[str, np.ndarray]:
    """The data in memory, as it lies before a `fit`."""
    with np.load(path) as found:
        return dict(found)


def _loss(keras: Any, text: str) -> Any:
    """Keras's loss of class numbers, by the text that edgekit writes for it."""
    assert text.removesuffix(FROM_LOGITS) == "sparse_categorical_crossentropy", text
    return keras.losses.SparseCategoricalCrossentropy(from_logits=text.endswith(FROM_LOGITS))


if __name__ == "__main__":
    serve(lambda: {"fit": fit})
