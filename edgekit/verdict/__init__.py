"""What a model is judged by: pure; it reads no file and runs nothing."""
