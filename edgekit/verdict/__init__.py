"""What a model is judged by: the task of each output and the metric that follows. Pure; it reads no array and runs nothing."""
