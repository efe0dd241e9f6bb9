"""Variations of a batch of sequences (batch, steps, ...) or of any real values, of float32, each sample differently."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgekit.make.workshop.augment.images import Draw

MOST_SAMPLES, MOST_BYTES = 2048, 64 * 2**20


def shift(tf: Any, sequences: Any, draw: Draw, most: int) -> Any:
    """Each sequence moved by at most `most` steps; its first or last step fills the gap."""
    count, length = tf.shape(sequences)[0], tf.shape(sequences)[1]
    moved = tf.round(draw(-most - 0.5, most + 0.5, (count, 1)))
    moved = tf.cast(tf.clip_by_value(moved, float(-most), float(most)), tf.int32)
    steps = tf.clip_by_value(tf.range(length)[None, :] + moved, 0, length - 1)
    return tf.gather(sequences, steps, batch_dims=1)


def deviations(array: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The standard deviation of each channel (the last axis), over some evenly chosen samples."""
    bytes_each = max(1, 4 * int(np.prod(array.shape[1:])))
    count = min(len(rows), max(2, min(MOST_SAMPLES, MOST_BYTES // bytes_each)))
    picked = rows[np.linspace(0, len(rows) - 1, count).astype(np.int64)]
    samples = array[picked].astype(np.float32)
    return np.asarray(samples.std(axis=tuple(range(samples.ndim - 1))), np.float32)
