"""Measuring a finished file: the parent's side is here, the children's in `runtimes/`. TensorFlow is never used here."""
