"""Two results compared, and gates on what changed."""
