"""Scales of TensorFlow's quantizer with which an int8 file gives wrong answers, or ends LiteRT's process, mended."""

from __future__ import annotations

from edgekit.tflite.lstm_scales import mended_lstm_scales
from edgekit.tflite.reversed_scales import mended_reversed_scales
from edgekit.tflite.small_scales import raised_small_scales


def mended_scales(content: bytes) -> bytes:
    """The file with the scales that its kernels compute with; one that is not quantized stays as it is."""
    return raised_small_scales(mended_reversed_scales(mended_lstm_scales(content)))
