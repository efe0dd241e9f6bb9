"""Structured pruning step by step: what a graph holds of a budget, what a channel is worth, which channels go, and the rounds of both; or one cut after the group lasso."""
