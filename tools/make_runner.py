"""Pack edgekit/boards/runner/ into edgekit/boards/edgekit-bench.pyz, byte for byte the same each time.

python tools/make_runner.py [--check] [--out FILE]

`--check` says whether the packed file is stale and writes nothing.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "edgekit" / "boards" / "runner"
PACKED = ROOT / "edgekit" / "boards" / "edgekit-bench.pyz"
PACKAGE = "edgekit_bench"
SHEBANG = b"#!/usr/bin/env python3\n"
# The one file that an older Python can read, to say so.
START = """\
import sys

if sys.version_info < (3, 8):
    WHAT = "the runner needs Python 3.8 or newer, and this is %d.%d" % tuple(sys.version_info[:2])
    sys.stdout.write(
        '{"schema_version": 1, "error": {"kind": "missing", "what": "%s", "next": "start it with a newer one"}}\\n' % WHAT
    )
    sys.stderr.write(WHAT + "\\n")
    sys.exit(3)

from edgekit_bench.main import main

sys.exit(main())
"""
_TIME = (1980, 1, 1, 0, 0, 0)


def packed(source: Path = SOURCE) -> bytes:
    """The archive of a folder of modules: sorted, with fixed times and rights, and not compressed.

    Deflated bytes differ between versions of zlib; stored ones do not, and the file is small.
    """
    files = {f"{PACKAGE}/{path.name}": path.read_text(encoding="utf-8") for path in source.glob("*.py")}
    files["__main__.py"] = START
    buffer = io.BytesIO(SHEBANG)
    buffer.seek(0, io.SEEK_END)
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _TIME)
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, files[name].encode("utf-8"))
    return buffer.getvalue()


def stale(path: Path = PACKED) -> bool:
    """Whether the packed file is missing or is not what its source says now."""
    return not path.is_file() or path.read_bytes() != packed()


def write(path: Path) -> None:
    """Write it whole: it may be in use."""
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        file.write(packed())
    os.chmod(file.name, 0o755)
    os.replace(file.name, path)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 1 where the file is stale")
    parser.add_argument("--out", type=Path, default=PACKED)
    options = parser.parse_args()
    if options.check:
        old = stale(options.out)
        print(f"{'stale' if old else 'current'}: {options.out}")
        return 1 if old else 0
    write(options.out)
    print(f"wrote {options.out}, {options.out.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
