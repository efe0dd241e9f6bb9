"""The documents against the code: the help, the keys, the files, the links and the examples are those that exist."""

from __future__ import annotations

import ast
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

import edgekit
from edgekit.devices.bundled import profile_ids
from edgekit.documents.candidate import Candidate, Plan
from edgekit.documents.report import CandidateReport, Check, Chosen, InputFacts, Metric, Report
from edgekit.emit.manifest import Manifest, Provenance
from edgekit.project.project_file import ProjectFile
from edgekit.techniques import techniques

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("examples/**/*.md")])
WIDTH = "80"


def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def between(text: str, begin: str, end: str) -> str:
    return text.split(begin, 1)[1].split(end, 1)[0]


def test_the_readme_shows_the_help_as_it_is():
    done = subprocess.run(
        [sys.executable, "-m", "edgekit", "--help"],
        cwd=ROOT, env={**os.environ, "COLUMNS": WIDTH}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    block = between(text_of("README.md"), "<!-- help: begin -->\n```console\n", "```\n<!-- help: end -->")
    assert block == f"$ edgekit --help\n{done.stdout}"


@pytest.mark.parametrize("name", ["example", "tests"])
def test_the_readme_has_the_commands_that_ci_runs(name):
    block = between(text_of("README.md"), f"<!-- command: {name} -->\n```bash\n", "```")
    lines = block.splitlines()
    assert lines[0] == "python3 -m venv .venv"
    assert "pip install" in lines[1] and "[build" in lines[1]
    assert lines[2].startswith(".venv/bin/edgekit build" if name == "example" else ".venv/bin/pytest")
    assert len(lines) == 3


def keys(kind: type[msgspec.Struct], before: str = "") -> set[str]:
    """Dotted keys of a raw type, as they are written in the file."""
    found = set()
    for field in msgspec.structs.fields(kind):
        inner = [part for part in (field.type, *getattr(field.type, "__args__", ())) if isinstance(part, type)]
        table = next((part for part in inner if issubclass(part, msgspec.Struct)), None)
        is_section = table and not before  # a table in a section is written in one line
        found |= keys(table, f"{field.encode_name}.") if is_section else {f"{before}{field.encode_name}"}
    return found


def test_the_quickstart_lists_every_key_of_the_project_file():
    table = between(text_of("docs/quickstart.md"), "<!-- keys: begin -->", "<!-- keys: end -->")
    documented = set(re.findall(r"^\| `([\w.]+)` \|", table, re.MULTILINE))
    assert documented - {"model", "data", "student"} == keys(ProjectFile)


def test_every_technique_has_its_section():
    sections = set(re.findall(r"^## (\w+)$", text_of("docs/techniques.md"), re.MULTILINE))
    assert set(techniques()) <= sections


@pytest.mark.parametrize("name", ["build", "plan", "check", "load_profile"])
def test_the_api_page_knows_every_argument(name):
    section = between(text_of("docs/api.md"), f"## edgekit.{name}\n", "\n## ")
    section = section + between(text_of("docs/api.md"), "## edgekit.build\n", "\n## ") if name == "plan" else section
    known = set(re.findall(r"\w+", section))
    missing = set(inspect.signature(getattr(edgekit, name)).parameters) - known
    assert not missing, f"{name}: {missing}"


def test_every_device_is_named():
    for page in ("README.md", "docs/devices.md"):
        assert all(f"`{name}`" in text_of(page) for name in profile_ids()), page


@pytest.mark.parametrize(
    "kind",
    [Report, Chosen, CandidateReport, Check, Metric, InputFacts, Plan, Candidate, Manifest, Provenance],
    ids=lambda kind: kind.__name__,
)
def test_every_field_of_the_documents_is_explained(kind):
    text = text_of("docs/report.md")
    missing = [name for name in kind.__struct_fields__ if not re.search(rf"`(provenance\.)?{name}`", text)]
    assert not missing


def floors() -> tuple[str, ...]:
    """The list that `tests/test_floors.py` holds the imports to."""
    tree = ast.parse(text_of("tests/test_floors.py"))
    (found,) = (
        each.value for each in tree.body if isinstance(each, ast.Assign) and ast.unparse(each.targets[0]) == "FLOORS"
    )
    return tuple(ast.literal_eval(found))


def test_the_architecture_draws_the_floors_in_their_order():
    drawn = between(between(text_of("docs/architecture.md"), "## Floors", "## Where"), "```\n", "```")
    lines = [line.split("  ")[0].strip().rstrip("/") for line in drawn.splitlines() if not line.startswith(" ─")]
    assert [name for line in lines for name in line.split()] == list(reversed(floors()))
    # A checkout that was moved on keeps the compiled files of rooms that are gone: a folder without a source is no room.
    sources = (path.relative_to(ROOT / "edgekit") for path in (ROOT / "edgekit").rglob("*.py"))
    assert {path.parts[0].removesuffix(".py") for path in sources} - {"__init__"} == set(floors())


def test_every_module_that_the_architecture_names_is_there():
    named = set(re.findall(r"`((?:[a-z_]+/)+[\w.-]*)`", text_of("docs/architecture.md")))
    there = [ROOT, ROOT / "edgekit", *(path for path in (ROOT / "edgekit").iterdir() if path.is_dir())]
    found = {name for name in named for place in there if (place / name).exists() or (place / f"{name}.py").exists()}
    assert len(named) > 50 and sorted(named - found) == []


def test_the_architecture_says_where_each_kind_of_line_belongs():
    table = between(text_of("docs/architecture.md"), "## Where does my line belong?", "## The way")
    news = [line.split("|")[1] for line in table.splitlines() if line.startswith("| ")]
    kinds = (
        "new operator's cost", "new check", "new dtype", "new output file", "new transport", "new input format", "new graph pass",
        "new device", "new metric", "new finding", "new option", "new technique", "new runtime", "new cost model", "new command",
        "sentence of the report",
    )  # fmt: skip
    assert [kind for kind in kinds if not any(kind in new for new in news)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page):
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"\w+:", target):
            continue
        path, _, anchor = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), f"{page.name}: {target}"
        if anchor and found.suffix == ".md":
            titles = re.findall(r"^#+ (.+)$", found.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w\- ]", "", title).strip().lower().replace(" ", "-") for title in titles}
