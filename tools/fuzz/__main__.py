"""Fuzzing: thousands of damaged files through every way into edgekit that reads one.

    python tools/fuzz --out /tmp/fuzz

For each input: the reading process must live, must answer in time, must accept the file or refuse it with an
`EdgekitError` that says what and where, and must write nothing outside its output. The same seed makes the same
inputs. Whatever is not so is a finding: its input and its trace are kept in OUT/findings, and the exit code is 1.
OUT/summary.json and OUT/summary.md count what came of the inputs by kind and by way in.
"""

from __future__ import annotations

import argparse
import collections
import concurrent.futures
import os
import re
import shutil
import sys
import threading
import time
from pathlib import Path
from typing import Any

sys.path += [str(Path(__file__).resolve().parent.parent), str(Path(__file__).resolve().parent.parent.parent)]

import corpus as corpora
from kinds import FULL, KINDS, Kind, as_json, numbered, write
from watch import Sandbox

BAD = ("unclear", "fault", "crash", "hang", "stray")


class Run:
    """Inputs dealt out to sandboxes, and what came of them."""

    def __init__(self, out: Path, made: Path, seed: int) -> None:
        self._out, self._made, self._seed = out, made, seed
        self._corpus = corpora.files(made)
        self._local, self._lock = threading.local(), threading.Lock()
        self._sandboxes: list[Sandbox] = []
        self.outcomes: collections.Counter[tuple[str, str, str]] = collections.Counter()
        self.said: collections.Counter[tuple[str, str]] = collections.Counter()
        self.findings: list[dict[str, Any]] = []
        self.slowest: dict[str, float] = {}

    def one(self, kind: Kind, number: int) -> None:
        """Make one input, have it read, and note what came of it."""
        box = self._sandbox()
        box.clear_input()
        path, arguments = write(kind, number, self._seed, box.input, self._corpus, self._made)
        route = kind.route(number)
        began = time.monotonic()
        given = box.ask("command" if arguments is not None else route.name, path, arguments)
        seconds = time.monotonic() - began
        strays = box.strays()
        if strays and given["outcome"] not in BAD:
            given = {"outcome": "stray", "said": f"wrote {', '.join(strays[:5])}", "error": "\n".join(strays)}
        self._note(kind, number, route.name, given, seconds, box)

    def close(self) -> None:
        for box in self._sandboxes:
            box.close()

    def _sandbox(self) -> Sandbox:
        if not hasattr(self._local, "box"):
            with self._lock:
                root = self._out / "work" / str(len(self._sandboxes))
                self._local.box = Sandbox(root, self._made)
                self._sandboxes.append(self._local.box)
        return self._local.box

    def _note(self, kind: Kind, number: int, route: str, given: dict[str, Any], seconds: float, box: Sandbox) -> None:
        with self._lock:
            self.outcomes[kind.name, route, given["outcome"]] += 1
            self.said[kind.name, re.sub(r"'.*'|\d+", "…", given["said"])[:100]] += 1
            self.slowest[kind.name] = max(self.slowest.get(kind.name, 0.0), seconds)
            if given["outcome"] not in BAD:
                return
            finding = {
                "kind": kind.name,
                "number": number,
                "route": route,
                "outcome": given["outcome"],
                "said": given["said"],
            }
            self.findings.append(finding)
            kept = self._out / "findings" / f"{kind.name}-{number}"
            print(f"{given['outcome']}: {kind.name} {number} by {route}: {given['said']}", file=sys.stderr, flush=True)
            shutil.rmtree(kept, ignore_errors=True)
            shutil.copytree(box.input, kept, symlinks=True)
            (kept / "said.txt").write_text(as_json(finding) + given.get("error", ""))

    def summary(self, seconds: float) -> dict[str, Any]:
        """The counts of a run."""
        rows = {}
        for (kind, route, outcome), count in sorted(self.outcomes.items()):
            rows.setdefault(f"{kind}: {route}", {})[outcome] = count
        common = {kind.name: dict(collections.Counter({said: count for (name, said), count in self.said.items() if name == kind.name})
                                  .most_common(12)) for kind in KINDS}  # fmt: skip
        return {
            "inputs": sum(self.outcomes.values()), "seed": self._seed, "seconds": round(seconds), "routes": rows, "said": common,
            "slowest_s": {name: round(value, 1) for name, value in sorted(self.slowest.items())}, "findings": self.findings,
        }  # fmt: skip


def table(summary: dict[str, Any]) -> str:
    """The counts as a Markdown table."""
    lines = ["| kind: way in | inputs | accepted | refused | findings |", "| --- | ---: | ---: | ---: | ---: |"]
    rows = [*summary["routes"].items()]
    total: collections.Counter[str] = collections.Counter()
    for _, counts in rows:
        total.update(counts)
    for name, counts in [*rows, ("**all**", dict(total))]:
        bad = sum(counts.get(outcome, 0) for outcome in BAD)
        lines.append(
            f"| {name} | {sum(counts.values())} | {counts.get('accepted', 0)} | {counts.get('refused', 0)} | {bad} |"
        )
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=FULL, help="how many inputs, over all kinds")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--kind", action="append", choices=[kind.name for kind in KINDS], help="only these kinds")
    parser.add_argument(
        "--only", metavar="KIND-NUMBER", action="append", help="one input again, of any run with this seed"
    )
    parser.add_argument("--corpus", type=Path, help="a folder to keep the sound files in between runs")
    parser.add_argument("--out", type=Path, default=Path("fuzz-out"))
    given = parser.parse_args()
    out = given.out.resolve()
    shutil.rmtree(out / "work", ignore_errors=True)
    made = (given.corpus or out / "corpus").resolve()
    corpora.make(made)
    turns = [(kind, number) for kind, number in numbered(given.inputs) if not given.kind or kind.name in given.kind]
    if given.only:
        by_name = {kind.name: kind for kind in KINDS}
        turns = [(by_name[text.partition("-")[0]], int(text.partition("-")[2])) for text in given.only]
    run, began = Run(out, made, given.seed), time.monotonic()
    try:
        with concurrent.futures.ThreadPoolExecutor(given.workers) as executor:
            waiting = [executor.submit(run.one, kind, number) for kind, number in turns]
            for count, done in enumerate(waiting, 1):
                done.result()
                if count % 250 == 0:
                    print(f"{count} inputs, {len(run.findings)} findings", file=sys.stderr, flush=True)
    finally:
        run.close()
    shutil.rmtree(out / "work", ignore_errors=True)
    summary = run.summary(time.monotonic() - began)
    (out / "summary.json").write_text(as_json(summary))
    (out / "summary.md").write_text(table(summary))
    print(table(summary) + f"\n{summary['inputs']} inputs in {summary['seconds']} s, {len(run.findings)} findings")
    return 1 if run.findings else 0


if __name__ == "__main__":
    sys.exit(main())
