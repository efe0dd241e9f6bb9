"""The Python API: a Keras model and arrays of this process in, a `.tflite` for a microcontroller-sized budget out.

Run it with `python examples/python_api/build_digits.py [OUT]`. There is no `if __name__ == "__main__":` on purpose:
edgekit starts its workers as programs of their own and never runs this script again.
"""

import sys
from pathlib import Path

import keras
import numpy as np

import edgekit

with np.load(Path(__file__).parent.parent / "digits" / "digits.npz") as data:
    x_train, y_train, x_test, y_test = (data[name] for name in ("x_train", "y_train", "x_test", "y_test"))
x_train, x_val, y_train, y_val = x_train[:1200], x_train[1200:], y_train[:1200], y_train[1200:]

keras.utils.set_random_seed(0)
model = keras.Sequential(
    [
        keras.Input((8, 8, 1)),
        keras.layers.Rescaling(1 / 16),
        keras.layers.Conv2D(12, 3, activation="relu"),
        keras.layers.MaxPooling2D(),
        keras.layers.Flatten(),
        keras.layers.Dense(10, activation="softmax"),
    ]
)
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x_train, y_train, epochs=15, verbose=0)

result = edgekit.build(
    model,
    {"train": (x_train, y_train), "validation": (x_val, y_val), "test": (x_test, y_test)},
    device="rpi4",
    max_drop=1.0,
    max_flash="12KiB",
    out=sys.argv[1] if len(sys.argv) > 1 else "build",
)

report = result.report
print(report.outcome, report.summary)
for check in report.checks:
    print(f"  {check.name}: {check.outcome} ({check.basis or 'no figure'})")
print(f"written to {result.path}")
