"""A converter of TensorFlow whose float model is a finished `.tflite`: a conversion sets its options as for any model.

Behind the conversion of a Keras model to float, TensorFlow quantizes the float file; here that file is the user's. So integers come from
the same quantizer, by the same options, as those of a Keras model. float16 and dynamic range are made earlier in TensorFlow's converter, of what
a file does not have; they are written into the file as it would write them (`tflite/float16_weights`, `tflite/int8_weights`).
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from typing import Any

from edgekit.make.workshop.door import Door
from edgekit.make.workshop.file_model import FileModel
from edgekit.tflite.float16_weights import with_float16_weights
from edgekit.tflite.given import quantized_as
from edgekit.tflite.int8_weights import with_int8_weights


def file_converter(tools: Door, model: FileModel, names: Sequence[str]) -> Any:
    """The converter; `names` are those by which the calibration samples hold the file's inputs, in its order.

    Its `convert` returns the file as it is where no option asks for more. It raises `RuntimeError` for options that a finished file cannot follow, and
    what TensorFlow's quantizer raises.
    """
    tools.tf  # noqa: B018 - its import comes first
    lite: Any = importlib.import_module("tensorflow.lite.python.lite")

    class FileConverter(lite.TFLiteConverterBaseV2):  # type: ignore[misc]
        """TensorFlow's converter from the point on where its model is a float file."""

        def convert(self) -> bytes:
            mode = lite.QuantizationMode(
                self.optimizations, self.target_spec, self.representative_dataset, tools.tf.compat.v1.GraphDef(),
                self._experimental_disable_per_channel,
            )  # fmt: skip
            return _converted(self, mode, model, names)

    return FileConverter()


def _converted(converter: Any, mode: Any, model: FileModel, names: Sequence[str]) -> bytes:
    content, where = model.tflite.content, "the given file"
    if not mode.is_any_optimization_enabled():
        return content
    if quantized_as(model.tflite) is not None:
        raise RuntimeError("the given file is quantized already")
    if mode.is_post_training_integer_quantization():
        converter.representative_dataset = _in_order(converter.representative_dataset, names)
        debug = importlib.import_module("tensorflow.compiler.mlir.lite.debug.debug_options_pb2")
        return bytes(converter._optimize_tflite_model(content, mode, debug.DebugOptions()))
    if mode.is_post_training_float16_quantization():
        return with_float16_weights(content, where=where)
    if mode.is_post_training_dynamic_range_quantization():
        return with_int8_weights(content, where=where)
    raise RuntimeError("these options of the converter cannot be followed in a finished file")


def _in_order(samples: Any, names: Sequence[str]) -> Any:
    """The calibration samples as lists in the file's order, for a file that may have no signature."""

    def listed() -> Iterator[list[Any]]:
        for sample in samples():
            yield [sample[name] for name in names]

    return listed
