"""Make edgekit/machine/probe.tflite, the model of one dense layer that `edgekit doctor` has run; it needs TensorFlow.

python tools/make_probe.py [--out FILE]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from edgekit.machine.probe import FILE
from edgekit.make.workshop.probe import probe
from edgekit.progress import no_progress


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=FILE)
    path = parser.parse_args().out
    print(probe({"target": str(path)}, no_progress)["made_by"], path, path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
