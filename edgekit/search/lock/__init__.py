"""`edgekit.lock`: the state that is locked, its comparison with the present one, and the making of a locked result."""
