"""What makes figures hard to believe, one file a kind of finding: decisions on what was counted, and nothing that reads or runs.

Each function takes figures or arrays that are there already and answers with a `Finding` or None. `docs/report.md` lists the
names.
"""
