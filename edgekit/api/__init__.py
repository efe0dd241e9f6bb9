"""The functions of the Python API: one file a command, of the same name."""
