"""Data of every kind becomes one kind: memory-mapped `.npy` files in the cache, checked and split.

It runs in a child process of its own (`python -m edgekit.ingest`): images are parsed by native code, and a
`module:function` is the user's. One file a kind of source; `spool` joins them. No TensorFlow is imported here,
though a user's function may import it.
"""
