"""The search for a candidate and the verdict over it: pure and deterministic."""
