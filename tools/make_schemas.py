"""Write the JSON Schemas in `docs/` from the types they describe; `--check` says which are stale and writes none.

A new document is one more line in `edgekit.emit.schema.DOCUMENTS`.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from edgekit.emit.schema import DOCUMENTS, schema_text  # noqa: E402 - this checkout's, installed or not

DOCS = ROOT / "docs"
SCHEMAS = tuple(DOCUMENTS)


def stale(docs: Path = DOCS) -> list[str]:
    """The files that are missing, or are not what their types say now."""
    return [
        name
        for name in SCHEMAS
        if not (docs / name).is_file() or (docs / name).read_text(encoding="utf-8") != schema_text(name)
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 1 where a file is stale")
    found = stale()
    if parser.parse_args().check:
        print("\n".join(f"stale: docs/{name}" for name in found) or "all schemas are current")
        return 1 if found else 0
    for name in found:
        (DOCS / name).write_text(schema_text(name), encoding="utf-8")
        print(f"wrote docs/{name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
