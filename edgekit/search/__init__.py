"""The search of a build: the loop, its trials, the conclusion, several devices at once, the lock."""
