"""The search for a candidate and the choice among them: pure and deterministic."""
