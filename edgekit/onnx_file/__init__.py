"""What the bytes of an `.onnx` say, read without the package `onnx`: enough to judge a file that nobody trusts, and nothing is run."""
