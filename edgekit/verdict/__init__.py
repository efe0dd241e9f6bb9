"""What a model is judged by: the task of each output, the metric that follows, and the limits. Pure; it reads no array and runs nothing."""
