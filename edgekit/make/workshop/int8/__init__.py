"""What the conversion to integers needs: ranges as they are, and operators that have integer kernels."""
