"""The Gradle task: its command line anywhere, and the task itself where there is a Gradle."""

from __future__ import annotations

import json
import re
import shlex
import shutil

import pytest

pytestmark = pytest.mark.slow
TASK = "buildSrc/src/main/groovy/EdgekitAssets.groovy"
needs_gradle = pytest.mark.skipif(shutil.which("gradle") is None, reason="no gradle on the PATH")


def test_the_command_line_of_the_task(copied, run):
    """Read out of the two files, so that an option that the command no longer has fails here without a Gradle too."""
    folder = copied("android_gradle")
    settings = (folder / "build.gradle").read_text()
    device = re.search(r"device = '(.+)'", settings)[1]
    options = [word.strip(" '") for word in re.search(r"options = \[(.+)\]", settings)[1].split(",")]
    line = re.search(r"\['build', (.+)\] \+ options", (folder / TASK).read_text())[1]
    values = {"projectFolder.path": "../digits", "device": device, "work.path": "made"}
    words = [part.strip() for part in line.split(",")]
    arguments = [word.strip("'") if word.startswith("'") else values[word] for word in words]
    done = run("edgekit", "build", *arguments, *options, folder=folder)
    assert done.returncode == 0, shlex.join(arguments)
    report = json.loads(done.stdout)
    assert (report["device"], report["outcome"]) == (device, "pass")
    assert (folder / "made" / device / "model.tflite").is_file()


@pytest.fixture(scope="module")
def gradle_home(tmp_path_factory):
    """What Gradle makes on its first run, among it a .jar of its own API, once for all tests."""
    return tmp_path_factory.mktemp("gradle")


@pytest.fixture
def gradle(run, gradle_home):
    def gradle(folder, *more):
        return run("gradle", "--offline", "--no-daemon", "-g", gradle_home, *more, "edgekitAssets", folder=folder)

    return gradle


@needs_gradle
def test_the_assets_are_made_once_and_again_after_a_change(copied, gradle, tmp_path):
    folder = copied("android_gradle")
    assets = folder / "build" / "generated" / "edgekit" / "assets"
    first = gradle(folder)
    assert first.returncode == 0
    report = json.loads((folder / "build/edgekit/pixel-4/report.json").read_text())
    assert f"pixel-4: {report['summary']}" in first.stdout
    assert (assets / "model.tflite").stat().st_size == report["chosen"]["metrics"]["flash"]["value"]
    assert (assets / "labels.txt").read_text().split() == [str(digit) for digit in range(10)]
    assert ":edgekitAssets UP-TO-DATE" in gradle(folder).stdout

    with (tmp_path / "digits" / "edgekit.toml").open("a") as file:
        file.write("# a comment\n")
    assert ":edgekitAssets UP-TO-DATE" not in gradle(folder).stdout

    before = (assets / "model.tflite").stat().st_mtime_ns
    settings = folder / "build.gradle"
    settings.write_text(settings.read_text().replace("64KiB", "9KiB"))
    failed = gradle(folder)
    assert failed.returncode != 0
    assert "the model does not fit pixel-4" in failed.stderr and "flash: " in failed.stderr
    assert (assets / "model.tflite").stat().st_mtime_ns == before


@needs_gradle
def test_a_command_that_is_not_there_is_said_with_the_way_to_it(copied, gradle):
    done = gradle(copied("android_gradle"), "-PedgekitCommand=/none")
    assert done.returncode != 0
    assert 'pip install "edgekit-tflite[build]"' in done.stderr
