"""A Keras 3 model's graph as data: read from a model, rewritten, run on arrays, and made a model again. Keras comes as an argument."""
