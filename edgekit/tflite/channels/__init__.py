"""Which channels of a float file's values may be multiplied by a factor without a change of its answers, and what takes these factors."""
