"""Model and data looked at together before work is done: the task and the metric that follow, and what makes figures doubtful.

The joins: what is decided stands in `edgekit.verdict` and `edgekit.sanity`, how arrays are read in `edgekit.ingest`.
"""
