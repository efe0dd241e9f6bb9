"""What a model is judged by: the task of each output, the metric that follows, limits, checks, intervals, agreement, and their wording. Pure: nothing is run."""
