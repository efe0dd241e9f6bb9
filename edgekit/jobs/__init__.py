"""Jobs in child processes: worker, pool, limits, and the cache of their results."""
