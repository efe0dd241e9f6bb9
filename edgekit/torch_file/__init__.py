"""What the bytes of PyTorch's files say, read without PyTorch: enough to judge a file that nobody trusts, and nothing of it is run."""
