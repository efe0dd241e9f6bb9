"""What a model is judged by: the task of each output, the metric that follows, the limits, and what was decided sample by sample. It runs nothing."""
