"""The models, the columns and the page of docs/coverage.md; `tools/make_coverage.py` is the command."""
