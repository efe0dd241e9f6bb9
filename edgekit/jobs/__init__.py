"""Jobs in child processes: a worker, the pool, limits, and the cache of what came of them."""
