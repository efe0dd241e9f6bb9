"""Damage to the configuration inside an HDF5 model: a sound file around a JSON document that is not."""

from __future__ import annotations

import io
import random

import mutate
import words


def hdf5_model(content: bytes, rng: random.Random, others: list[bytes]) -> bytes:
    """An `.h5` model damaged in its bytes, in HDF5's own structure, or in what Keras wrote into it."""
    if rng.random() < 0.6:
        return mutate.several(content, rng, others, mutate.HDF5)
    import h5py

    buffer = io.BytesIO(content)
    try:
        file = h5py.File(buffer, "r+")
    except OSError:
        return mutate.several(content, rng, others, mutate.HDF5)
    with file:
        name = rng.choice(("model_config", "model_config", "model_config", "training_config", "keras_version"))
        old = file.attrs.get(name, "{}")
        text = old.encode() if isinstance(old, str) else bytes(old)
        changed = (
            words.json_document(text, rng, [text])
            if name != "keras_version"
            else rng.choice((b"3.0", b"", b"\xff", b"2.99.1", b"x"))
        )
        if name in file.attrs and rng.random() < 0.1:
            del file.attrs[name]
        else:
            plain = changed.replace(b"\0", b"") or b" "  # HDF5 keeps neither
            file.attrs[name] = rng.choice((plain, plain, plain, plain.decode("utf-8", "replace"), 3))
    return buffer.getvalue()
