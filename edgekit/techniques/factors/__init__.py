"""Kernels as products of smaller ones: their ranks and what they cost, the linear algebra, the layers, the operators, and what shows them."""
