"""Measuring a finished file: the parent's side here, the children's in `runtimes/`. TensorFlow is never here."""
