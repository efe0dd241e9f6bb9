"""The comparison of two results, and the rules that fail on a change."""
