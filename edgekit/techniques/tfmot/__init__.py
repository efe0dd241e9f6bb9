"""TensorFlow Model Optimization's fake quantization, an engine for those who ask for it; it works on tf_keras alone."""
