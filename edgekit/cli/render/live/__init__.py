"""A build as it is seen while it runs: one state, shown on a terminal, as plain lines, or in a notebook."""
