"""Devices by their names."""
