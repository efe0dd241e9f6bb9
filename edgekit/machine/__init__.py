"""This machine: what it is, what is installed on it, whether that works."""
