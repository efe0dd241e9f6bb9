"""The table of models in ONNX and PyTorch: see `tools/make_import_table.py`."""
