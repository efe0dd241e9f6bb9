"""TensorFlow lives here and nowhere else: loading, normalising, training and converting models.

It runs in child processes (`python -m edgekit.make.workshop`), one job at a time, kept warm between jobs.
"""
