"""`edgekit.lock`: what is held, compared and made again."""
