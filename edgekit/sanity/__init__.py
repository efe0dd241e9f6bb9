"""What makes figures hard to believe, one file a kind of finding. Decisions on figures only: nothing here reads data or runs a model.

Each function takes figures or arrays that exist already and returns a `Finding` or None. `docs/report.md` lists the
names.
"""
