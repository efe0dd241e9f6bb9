"""What a `.tflite` file can do without while every runtime computes the same: one file a saving, joined in `whole`."""
