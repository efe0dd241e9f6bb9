"""The workflow: a valid file, and every `run:` of it in order, as GitHub's runner would do it, in a scratch clone.

The runner is played here: it sets the variables, decides the conditions, and gives bash each script. The steps that
`uses:` an action are GitHub's own and are not run.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as xml
from pathlib import Path

import pytest

yaml = pytest.importorskip("yaml")
EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "github_actions"
GIT = ("-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "init.defaultBranch=main")


def workflow() -> dict:
    return yaml.safe_load((EXAMPLE / "edgekit.yml").read_text(encoding="utf-8"))


def steps() -> list[dict]:
    return workflow()["jobs"]["model"]["steps"]


def test_the_workflow_is_one_that_github_knows():
    """By the published schema of workflows, which check-jsonschema carries; it asks no network."""
    checker = shutil.which("check-jsonschema", path=str(Path(sys.executable).parent)) or shutil.which(
        "check-jsonschema"
    )
    if checker is None:
        pytest.skip("check-jsonschema is not installed")
    line = [checker, "--builtin-schema", "vendor.github-workflows", str(EXAMPLE / "edgekit.yml")]
    done = subprocess.run(line, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_script_has_an_expression_in_it():
    """Text of a pull request, as the name of its branch, would be run: it goes through `env:`."""
    assert not [step["name"] for step in steps() if "${{" in step.get("run", "")]


def test_actions_are_pinned_and_rights_are_few():
    assert all(re.fullmatch(r"[\w-]+/[\w/-]+@v\d+", step["uses"]) for step in steps() if "uses" in step)
    assert workflow()["permissions"] == {"contents": "read", "security-events": "write"}
    assert "pull_request" in workflow()[True]  # YAML 1.1 reads the key `on` so


class Runner:
    """Plays the steps of the job for a pull request against `main`; the install step is left out."""

    def __init__(self, clone: Path, folder: Path, run) -> None:
        self.clone, self.run = clone, run
        self.summary = folder / "summary.md"
        temporary = folder / "temporary"
        temporary.mkdir()
        self.variables = {"RUNNER_TEMP": str(temporary), "GITHUB_STEP_SUMMARY": str(self.summary)}
        self.variables |= {
            name: self.value(text) for name, text in workflow()["env"].items() if name != "EDGEKIT_CACHE"
        }

    def value(self, text: str) -> str:
        """A value with its expressions filled in; one that is not known here fails the test."""
        known = {"github.base_ref": "main", "github.workspace": str(self.clone)}
        return re.sub(r"\$\{\{ (.+?) \}\}", lambda match: known[match[1]], text)

    def wanted(self, condition: str, failed: bool) -> bool:
        """What GitHub makes of an `if:` of this file."""
        terms = condition.split(" && ")
        if failed and "always()" not in terms:
            return False
        files = [re.fullmatch(r"hashFiles\('(.+)'\) != ''", term) for term in terms]
        known = {"always()", "success()", "github.event_name == 'pull_request'"}
        assert all(term in known for term, match in zip(terms, files, strict=True) if match is None), condition
        return all(any(self.clone.glob(match[1])) for match in files if match)

    def play(self) -> dict[str, subprocess.CompletedProcess[str]]:
        """The steps that ran, by name; after one that failed only those that always run."""
        done: dict[str, subprocess.CompletedProcess[str]] = {}
        for step in steps():
            failed = any(one.returncode for one in done.values())
            script = step.get("run", "")
            if not script or "pip install" in script or not self.wanted(step.get("if", "success()"), failed):
                continue
            given = {name: self.value(text) for name, text in step.get("env", {}).items()}
            line = ("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script)
            done[step["name"]] = self.run(*line, folder=self.clone, **self.variables, **given)
        return done


@pytest.fixture
def pull_request(copied, run, tmp_path):
    """Makes a repository of the digits, a branch with one replacement in digits.py, and a runner for its pull request."""

    def git(folder, *arguments):
        assert run("git", *GIT, *arguments, folder=folder).returncode == 0

    def pull_request(old: str, new: str) -> Runner:
        project = copied("digits")
        git(project, "init", "--quiet", ".")
        git(project, "add", ".")
        git(project, "commit", "--quiet", "-m", "base")
        git(tmp_path, "clone", "--quiet", str(project), "clone")
        script = tmp_path / "clone" / "digits.py"
        assert old in script.read_text()
        script.write_text(script.read_text().replace(old, new))
        git(tmp_path / "clone", "commit", "--quiet", "--all", "-m", "change")
        return Runner(tmp_path / "clone", tmp_path, run)

    return pull_request


@pytest.mark.slow
def test_a_harmless_pull_request_passes(pull_request):
    runner = pull_request("A Keras 3 model;", "A Keras 3 network;")
    done = runner.play()
    assert list(done) == ["Build", "Build the base branch", "Compare", "Show the comparison on the run's page"]
    assert all(one.returncode == 0 for one in done.values())
    assert "flash" in runner.summary.read_text()
    results = xml.parse(runner.clone / "edgekit-junit.xml").getroot()
    assert len(list(results.iter("testcase"))) == 3 and not list(results.iter("failure"))


@pytest.mark.slow
def test_a_larger_model_is_stopped_by_the_gate(pull_request):
    runner = pull_request("layers.Dense(64,", "layers.Dense(80,")
    done = runner.play()
    assert {name: one.returncode for name, one in done.items()} == {
        "Build": 0, "Build the base branch": 0, "Compare": 1, "Show the comparison on the run's page": 0,
    }  # fmt: skip
    results = xml.parse(runner.clone / "edgekit-junit.xml").getroot()
    failed = [case.get("name") for case in results.iter("testcase") if case.find("failure") is not None]
    assert len(failed) == 1 and "flash>+2%" in failed[0]
    sarif = json.loads((runner.clone / "edgekit.sarif").read_text(encoding="utf-8"))
    assert sarif["version"] == "2.1.0" and sarif["runs"][0]["results"]


@pytest.mark.slow
def test_a_model_that_does_not_fit_ends_the_job(pull_request):
    runner = pull_request("A Keras 3 model;", "A Keras 3 network;")
    with (runner.clone / "edgekit.toml").open("a") as file:
        file.write('\n[budget]\nflash = "9KiB"\n')
    assert {name: one.returncode for name, one in runner.play().items()} == {"Build": 1}
