"""The only place that imports TensorFlow: it sets the flag that TFMOT needs before the first import, and checks that it worked.

TensorFlow binds to one Keras for the life of a process; TFMOT works with tf_keras only and rejects models of
Keras 3 with a misleading message. Techniques get a `Door` as an argument and import nothing themselves.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edgekit.errors import MissingExtraError
from edgekit.make.workshop.unequal_strides import let_unequal_strides_run

INSTALL_LINE = "pip install 'edgekit-tflite[build]'"


class Door:
    """TensorFlow (`tf`), tf_keras (`keras`), TFMOT (`tfmot`) and Keras 3 (`keras3`), each imported when first used."""

    def __init__(self) -> None:
        if os.environ.get("TF_USE_LEGACY_KERAS") != "1" and "tensorflow" in sys.modules:
            raise RuntimeError("TensorFlow was imported before the door: TF_USE_LEGACY_KERAS=1 comes too late")
        os.environ["TF_USE_LEGACY_KERAS"] = "1"
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
        os.environ["KERAS_BACKEND"] = "tensorflow"

    @functools.cached_property
    def tf(self) -> Any:
        """TensorFlow, with deterministic kernels, and depthwise convolutions of any strides."""
        try:
            with _without_keras_json():
                import tensorflow as tf
        except ImportError as problem:
            raise MissingExtraError(
                "TensorFlow is not installed", received=str(problem), next_step=INSTALL_LINE
            ) from None
        tf.get_logger().setLevel("ERROR")
        tf.config.experimental.enable_op_determinism()
        let_unequal_strides_run(tf)
        return tf

    @functools.cached_property
    def keras(self) -> Any:
        """tf_keras, the Keras 2 that TFMOT works with."""
        self.tf  # noqa: B018 - its import comes first
        try:
            with _without_keras_json():
                import tf_keras
        except ImportError as problem:
            raise MissingExtraError(
                "tf-keras is not installed", received=str(problem), next_step=INSTALL_LINE
            ) from None
        return tf_keras

    @functools.cached_property
    def keras3(self) -> Any:
        """Keras 3, which every model is worked on in.

        What it leaves out of a saved layer it finds out anew for each layer, for it keeps the answer under one name and asks for another:
        a tenth of the time in which a model is read. Here it is kept.
        """
        self.tf  # noqa: B018
        with _without_keras_json():
            import keras

        saving = keras.src.saving.saving_lib
        saving.get_attr_skipset = functools.cache(saving.get_attr_skipset)
        return keras

    @functools.cached_property
    def tfmot(self) -> Any:
        """TensorFlow Model Optimization; raises if it does not use the same Keras."""
        self.keras  # noqa: B018
        try:
            import tensorflow_model_optimization as tfmot
            from tensorflow_model_optimization.python.core.keras.compat import keras as theirs
        except ImportError as problem:
            raise MissingExtraError(
                "tensorflow-model-optimization is not installed", received=str(problem), next_step=INSTALL_LINE
            ) from None
        if theirs.layers.Dense is not self.keras.layers.Dense:
            raise RuntimeError("TFMOT sees another Keras than tf_keras")
        return tfmot

    @functools.cached_property
    def quantize_configs(self) -> Any:
        """TFMOT's module of 8-bit schemes."""
        self.tfmot  # noqa: B018
        from tensorflow_model_optimization.python.core.quantization.keras.default_8bit import (
            default_8bit_quantize_registry as registry,
        )

        return registry

    @functools.cached_property
    def quantization_registry(self) -> Any:
        """TFMOT's 8-bit schemes by layer."""
        return self.quantize_configs.Default8BitQuantizeRegistry()

    @functools.cached_property
    def packing(self) -> Any:
        """tflite-micro's packing of weights into look-up tables."""
        try:
            from tflite_micro.tensorflow.lite.micro import compression
        except ImportError as problem:
            raise MissingExtraError(
                "tflite-micro is not installed", received=str(problem), next_step="pip install 'edgekit-tflite[micro]'"
            ) from None
        return compression

    def fresh(self, seed: int) -> None:
        """Clear earlier models and names, and seed every generator, so that one trial does not affect the next."""
        self.keras.backend.clear_session()
        self.keras3.utils.clear_session()
        self.keras.utils.set_random_seed(seed)
        self._modules_frozen  # noqa: B018

    @functools.cached_property
    def _modules_frozen(self) -> bool:
        """Whether the garbage collector leaves out what was imported: some 500,000 objects, which clearing each trial walked through twice."""
        gc.collect()
        gc.freeze()
        return True


@contextlib.contextmanager
def _without_keras_json() -> Iterator[None]:
    """Remove the `keras.json` that either Keras writes to the user's home when it is first imported."""
    folder = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")
    written = [path for path in (folder / "keras.json", folder) if not path.exists()]
    yield
    for path in written:
        with contextlib.suppress(OSError):
            path.rmdir() if path.is_dir() else path.unlink()


@functools.cache
def door() -> Door:
    """The process's one door."""
    return Door()
