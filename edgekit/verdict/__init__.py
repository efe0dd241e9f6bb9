"""Decisions held against targets: pure, and given arrays."""
