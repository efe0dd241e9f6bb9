"""What weights in look-up tables cost beside their bytes: operators that decode them, and the time of decoding.

A weight that is stored as an index is decoded into the arena before each use (tensorflow/lite/micro/docs/compression.md), so the
arena must hold it beside the activations of its operator, and the time of an inference grows with the weights.
"""

from __future__ import annotations

# Two tensors, their names and an operator for each kernel in tables: low, usual, high. Files of one to nine kernels had 250 to 400.
GRAPH_BYTES = (150, 330, 600)
# Multiply-accumulates that decoding a weight takes as long as: a shift, a mask, a load and a store, of one element at a time.
DECODE_MACS = (1.0, 3.0, 10.0)
