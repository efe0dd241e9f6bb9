"""The benchmark runner that goes to the device; `tools/make_runner.py` packs this folder into `edgekit-bench.pyz`.

It runs on Python 3.8 and newer with numpy and either LiteRT or tflite-runtime, and imports nothing else: nothing of
edgekit, and no syntax that 3.8 does not know.
"""

from __future__ import annotations

VERSION = "1.0"
SCHEMA_VERSION = 1
