"""Seconds, trials, choice and bytes of whole searches, for one version of edgekit or several side by side.

    python tools/benchmark_search.py --data FOLDER --version before=/other/checkout/.venv/bin/python --version after=.venv/bin/python

Each version is the Python of an environment that has it. A network is trained once, by the Python that runs this file, and all versions build from
the same file, one after another, each with an empty cache. FOLDER holds `mnist.npz` and `cifar10_jpeg.tar.gz`; a search whose data is missing is
left out, and the table says so. Seconds of the clock depend on what else the machine does; those of the processor hardly do.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PROJECTS = Path(__file__).resolve().parent / "benchmark_projects"
IMAGES = 10_000
NAMES = ("digits", "mnist", "resnet8")
TITLES = {
    "digits": "the README's example, for rpi4",
    "mnist": "MNIST, download as the goal, for rpi4",
    "resnet8": f"ResNet-8 on {IMAGES:,} of the CIFAR-10 JPEGs, download as the goal, for rpi4",
}
SETTINGS = {
    "mnist": '[goal]\nmax_drop = 0.5\ncurrency = "download"\n',
    "resnet8": '[goal]\nmax_drop = 1.0\ncurrency = "download"\n[training]\nbatch_size = 64\n',
}
NEEDS = {"mnist": "mnist.npz", "resnet8": "cifar10_jpeg.tar.gz"}
MODULES = {"mnist": "mnist", "resnet8": "cifar"}
# Run by each version's Python: what is asked of edgekit is what all of them have.
BUILD = """
import json, resource, sys, time
import edgekit
started = time.monotonic()
report = edgekit.build(device="rpi4", project=sys.argv[1], out=sys.argv[2], time_budget=sys.argv[3]).report
used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
figures = report.chosen.metrics if report.chosen else {}
print(json.dumps({
    "outcome": report.outcome, "summary": report.summary, "chosen": report.chosen.candidate if report.chosen else "",
    "seconds": time.monotonic() - started, "processor": sum(one.ru_utime + one.ru_stime for one in used),
    "trials": len(report.candidates), "failed": sum(one.outcome == "failed" for one in report.candidates),
    "trained": sum(bool(one.training) for one in report.candidates),
    **{name: figures[name].value if name in figures else None for name in ("flash", "download", "ram", "accuracy_drop")},
    "candidates": [[one.candidate, one.outcome, one.seconds, one.reason] for one in report.candidates],
}))
"""
TRAIN = "import {module}; {module}.trained_model().save('model.keras')"


def main() -> None:
    """Train, build with each version, print a table; everything else goes to stderr."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="the folder of mnist.npz and cifar10_jpeg.tar.gz")
    parser.add_argument("--version", action="append", metavar="NAME=PYTHON", help="default: this Python alone")
    parser.add_argument("--only", choices=NAMES, action="append")
    parser.add_argument("--time-budget", default="1h")
    parser.add_argument("--work", type=Path, help="where trained networks are kept; default: a temporary folder")
    options = parser.parse_args()
    versions = dict(one.split("=", 1) for one in options.version or [f"edgekit={sys.executable}"])
    os.environ["EDGEKIT_BENCHMARK_DATA"] = str(options.data.resolve()) if options.data else ""
    with tempfile.TemporaryDirectory() as temporary:
        work = (options.work or Path(temporary)).resolve()
        rows = [row for name in options.only or NAMES for row in _searches(name, versions, options, work)]
    print(_table(rows))


def _searches(name: str, versions: dict[str, str], options: argparse.Namespace, work: Path) -> list[str]:
    needed = NEEDS.get(name)
    if needed and not (options.data and (options.data / needed).is_file()):
        return [f"| {TITLES[name]} | not run: {needed} was not there |" + " |" * 8]
    project = _project(name, work)
    return [_row(name, version, _built(python, project, options.time_budget)) for version, python in versions.items()]


def _project(name: str, work: Path) -> Path:
    """A folder that builds, with its network trained; one that is there is taken as it is."""
    project = work / name
    if (project / "edgekit.toml").is_file():
        return project
    if name == "digits":
        shutil.copytree(ROOT / "examples" / "digits", project)
        return project
    shutil.copytree(PROJECTS, project)
    _say(f"{name}: training the network")
    environment = {**os.environ, "EDGEKIT_BENCHMARK_IMAGES": str(IMAGES)}
    code = TRAIN.format(module=MODULES[name])
    subprocess.run([sys.executable, "-c", code], cwd=project, env=environment, check=True, stdout=sys.stderr)
    text = f'model = "model.keras"\ndata = "{MODULES[name]}:arrays"\n{SETTINGS[name]}'
    (project / "edgekit.toml").write_text(text, encoding="utf-8")
    return project


def _built(python: str, project: Path, time_budget: str) -> dict[str, Any]:
    """What a build of one version came to, with an empty cache."""
    _say(f"{project.name}: building with {python}")
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "EDGEKIT_CACHE": f"{folder}/cache", "EDGEKIT_BENCHMARK_IMAGES": str(IMAGES)}
        command = [os.path.abspath(python), "-c", BUILD, str(project), f"{folder}/out", time_budget]
        done = subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{python} could not build {project.name}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    _say(found["summary"])
    for candidate, outcome, seconds, reason in found["candidates"]:
        _say(f"  {candidate}: {outcome}, {seconds:.1f} s; {reason}")
    return found


def _row(name: str, version: str, found: dict[str, Any]) -> str:
    figures = [
        TITLES[name], version, f"{found['seconds']:.0f}", f"{found['processor']:.0f}",
        f"{found['trials']} ({found['trained']} trained, {found['failed']} failed)", f"{found['chosen']}: {found['outcome']}",
        *("" if found[key] is None else f"{found[key]:,.0f}" for key in ("flash", "download", "ram")),
        "" if found["accuracy_drop"] is None else f"{found['accuracy_drop']:.2f}",
    ]  # fmt: skip
    return f"| {' | '.join(figures)} |"


def _table(rows: list[str]) -> str:
    titles = (
        "search", "version", "seconds", "of the processor", "trials", "chosen", "flash, B", "download, B", "ram, B",
        "points lost on test",
    )  # fmt: skip
    return "\n".join([f"| {' | '.join(titles)} |", "|---" * len(titles) + "|", *rows])


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
