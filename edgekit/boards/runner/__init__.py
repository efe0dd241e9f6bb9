"""The benchmark runner that is copied to the device; `tools/make_runner.py` packs this folder into `edgekit-bench.pyz`.

It runs on Python 3.8 and newer with numpy and either LiteRT or tflite-runtime. It imports nothing else, not even
edgekit, and uses no syntax newer than 3.8.
"""

from __future__ import annotations

VERSION = "1.0"
SCHEMA_VERSION = 1
