"""Variation of training samples: `images` and `values` have the operations, `augmenter` decides which, how much and when."""
