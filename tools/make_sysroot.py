"""Make the folder that stands for an emulated board's disk, from Debian's packages and the runtimes' wheels.

python tools/make_sysroot.py [--arch aarch64|armv7l] [--out DIR] [--sources FILE] [--again]
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from edgekit.boards.emulator.make_sysroot import main

if __name__ == "__main__":
    sys.exit(main())
