"""A step of an app's build: one Keras model, two devices, a gate, and the files where the packaging looks for them.

    python build_digits.py [OUT [ASSETS]]        default: build and OUT/assets

Exit code: 0 with both files in ASSETS; 1 where a device fails the gate, and then nothing is copied; else that of the
error, as of the command `edgekit`. There is no `if __name__ == "__main__":` on purpose: edgekit starts its workers as
programs of their own and never runs this script again.
"""

import hashlib
import shutil
import sys
from pathlib import Path

import keras
import numpy as np

import edgekit

ASSETS = {"pixel-4": "android/digits.tflite", "rpi4": "pi/digits.tflite"}
LEAST_ACCURACY = 0.9


def arrays() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """The bundled digits, with a validation split that the training below does not see."""
    with np.load(Path(__file__).parent.parent / "digits" / "digits.npz") as data:
        x_train, y_train, x_test, y_test = (data[name] for name in ("x_train", "y_train", "x_test", "y_test"))
    return {
        "train": (x_train[:1200], y_train[:1200]),
        "validation": (x_train[1200:], y_train[1200:]),
        "test": (x_test, y_test),
    }


def trained(x: np.ndarray, y: np.ndarray) -> keras.Model:
    """A small network, trained in seconds; in an app's build it is more often `keras.saving.load_model(...)`."""
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
    model.fit(x, y, epochs=15, verbose=0)
    return model


def problems(result: edgekit.BuildResult) -> list[str]:
    """Why a result must not be shipped: edgekit's own checks, then what this app asks for beyond them."""
    report = result.report
    found = [f"{check.name}: {check.reason}" for check in report.checks if check.outcome in ("fail", "unknown")]
    if report.chosen is None or result.path is None:
        return found or [report.summary]
    accuracy = report.chosen.metrics["accuracy"]
    if accuracy.value is None or accuracy.value < LEAST_ACCURACY:  # what is not known is not good enough
        found.append(f"accuracy: {accuracy.value} where {LEAST_ACCURACY} is asked for")
    return found


def ship(result: edgekit.BuildResult, target: Path) -> None:
    """Copy the file that the report is of, and no other."""
    assert result.path is not None and result.report.chosen is not None
    if hashlib.sha256(result.path.read_bytes()).hexdigest() != result.report.chosen.sha256:
        raise SystemExit(f"{result.path} is not the file of its report: did two builds write to one folder?")
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(result.path, target)


def main(out: Path, assets: Path) -> int:
    data = arrays()
    model = trained(*data["train"])
    try:
        results = edgekit.build(model, data, device=list(ASSETS), max_drop=1.0, max_flash="12KiB", out=out)
    except edgekit.EdgekitError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    failed = False
    for result in results:
        why = problems(result)
        failed = failed or bool(why)
        print(f"{result.report.device}: {'FAIL' if why else 'pass'}: {result.report.summary}")
        for line in why:
            print(f"  {line}")
    if failed:
        return 1
    for result in results:
        ship(result, assets / ASSETS[result.report.device])
        print(f"{assets / ASSETS[result.report.device]}: {result.path.stat().st_size} bytes")
    return 0


folder = Path(sys.argv[1] if len(sys.argv) > 1 else "build")
sys.exit(main(folder, Path(sys.argv[2]) if len(sys.argv) > 2 else folder / "assets"))
