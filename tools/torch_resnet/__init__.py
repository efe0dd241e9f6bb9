"""What `tools/benchmark_pytorch.py` is made of: one recipe, a training of it in Keras and one in PyTorch, the builds, and the table."""
