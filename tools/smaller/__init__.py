"""What `tools/benchmark_smaller.py` is made of: its tasks, edgekit's settings and recipes written by hand, results, and the table."""
