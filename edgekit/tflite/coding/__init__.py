"""Weights that a file holds in fewer bytes than they are, and that tflite-micro decodes as it runs: encoded, chosen, read."""
