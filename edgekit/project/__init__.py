"""A project: `edgekit.toml` and a call's arguments, combined and validated."""
