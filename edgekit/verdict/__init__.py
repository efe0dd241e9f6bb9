"""What a model is judged by: the task of each output, the metric that follows, limits, checks, intervals, agreement, and their words. Pure: nothing is run."""
