"""What the bytes of a `.tflite` file say: tensors, operators, weights, arithmetic; no interpreter is used."""
