"""A project: `edgekit.toml` and the arguments of a call, settled."""
