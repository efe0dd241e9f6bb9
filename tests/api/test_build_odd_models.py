"""Models that few people have, built whole: a sample that is one number, one tensor as two outputs, a name with odd signs."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.tf
SCRIPT = """
import keras
import numpy as np
import edgekit

layers, ops = keras.layers, keras.ops
generator = np.random.default_rng(0)

number = layers.Input((), name="number")
scalar = keras.Model(number, layers.Dense(3)(layers.Dense(4, activation="relu")(ops.expand_dims(number, -1))))
entry = layers.Input((4,), name="entry")
twice = layers.Dense(3, name="b>")(layers.Dense(4, activation="relu")(entry))

def arrays(*shape):
    x, y = generator.random((40, *shape), dtype=np.float32), generator.random((40, 3), dtype=np.float32)
    return {"train": (x[:20], y[:20]), "test": (x[20:], y[20:])}

def both(data):
    return {split: (x, (y, y)) for split, (x, y) in data.items()}

for name, model, data in (("scalar", scalar, arrays()), ("twice", keras.Model(entry, [twice, twice]), both(arrays(4)))):
    result = edgekit.build(model, data, device="rpi4", max_drop=1000, out=name, time_budget=30)
    print(name, result.report.outcome)
"""


def test_they_build(tmp_path):
    environment = {**os.environ, "EDGEKIT_CACHE": str(tmp_path / "cache")}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-2:] == ["scalar pass", "twice pass"]
