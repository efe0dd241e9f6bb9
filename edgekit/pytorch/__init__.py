"""The child process that has PyTorch: a program or a module made an ONNX file, and its own answers. It imports no TensorFlow.

It may run in the Python of another environment, with the packages torch, onnx, onnxscript, numpy and msgspec and no others: so it imports of
edgekit only what needs no more than these.
"""
