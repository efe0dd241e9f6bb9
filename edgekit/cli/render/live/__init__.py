"""The display of a running build: one state, shown on a terminal, as plain lines, or in a notebook."""
