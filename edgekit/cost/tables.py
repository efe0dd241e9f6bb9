"""What weights in look-up tables cost besides their bytes: operators that decode them, and the time of decoding.

A weight that is stored as an index is decoded into the arena before each use
(tensorflow/lite/micro/docs/compression.md). So the arena must hold it together with the activations of its operator,
and the time of an inference grows with the weights.
"""

from __future__ import annotations

# Two tensors, their names and an operator for each kernel in tables: low, usual, high. Measured in files of one to nine
# kernels: 250 to 400.
GRAPH_BYTES = (150, 330, 600)
# The time of decoding a weight, in multiply-accumulates: a shift, a mask, a load and a store, for one element at a
# time.
DECODE_MACS = (1.0, 3.0, 10.0)
