"""An ONNX model becomes a flat Keras 3 model with trainable weights. Keras comes as an argument; `onnx` is imported when a file is read."""
