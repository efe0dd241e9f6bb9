"""Fake quantization of a Keras 3 model, as TFLite's int8 specification has it: which kernels are rounded, where ranges stand, and how.

https://ai.google.dev/edge/litert/models/quantization_spec
"""
