"""Variation of the samples of a fine-tune: `images` and `values` know how, `augmenter` which, how much and when."""
