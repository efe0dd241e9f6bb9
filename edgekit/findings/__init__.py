"""Model and data looked at together before work is done: the task, the metric, and what makes figures doubtful.

This room joins the others: decisions stand in `edgekit.verdict` and `edgekit.sanity`, the reading of arrays in
`edgekit.ingest`.
"""
