"""What coded weights cost besides their bytes: operators that decode them, and the time of decoding.

A coded weight is decoded into the arena before each use (tensorflow/lite/micro/docs/compression.md). So the arena must
hold it together with the activations of its operator, and the time of an inference grows with the weights: by little
where each is used often (a convolution), by much where it is used once (a dense layer).
"""

from __future__ import annotations

# Two tensors, their buffers and an operator for each coded kernel: low, usual, high. Measured in files of one to ten
# kernels: 140 to 190 after the diet, 250 to 400 with names.
GRAPH_BYTES = (100, 160, 600)
# The time of decoding a weight, in multiply-accumulates, by the kind of coding. Usual: measured with tflite-micro's
# reference kernels on x86-64 on convolutions of 0.9 ns a multiply-accumulate (tables 2.4 to 4.4, pruned 0.9 to 2.7,
# Huffman 4.6 to 13); high: a board's kernels multiply faster than that, and decode no faster.
DECODE_MACS = {
    "tables": (1.0, 3.0, 10.0),
    "pruned": (1.0, 3.0, 10.0),
    "huffman": (4.0, 10.0, 40.0),
}


def decode_macs(kind: str, end: int) -> float:
    """The multiply-accumulates that take as long as decoding one weight; `end` is 0 for the low, 1 the usual, 2 the high estimate."""
    return DECODE_MACS[kind][end]
