"""Build the bundled example for the Raspberry Pi 4 and put its page into docs/example-report.html.

    python tools/make_example_report.py [--device ID]

It takes TensorFlow and about half a minute. Times and memory are those of the machine that ran it, as in any report.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

import edgekit

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "example-report.html"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="rpi4", help="the device that the example is built for (default: rpi4)")
    device = parser.parse_args().device
    with tempfile.TemporaryDirectory() as folder:
        result = edgekit.build(project=ROOT / "examples" / "digits", device=device, out=folder)
        shutil.copyfile(result.folder / "report.html", PAGE)
    print(f"{PAGE.relative_to(ROOT)}: {result.report.outcome}, {result.report.summary}")
    return 0 if result.report.outcome == "pass" else 1


if __name__ == "__main__":
    sys.exit(main())
