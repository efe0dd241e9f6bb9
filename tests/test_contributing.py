"""The worked examples of CONTRIBUTING.md, followed to the letter: a technique from a package, a device from a file."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from edgekit.devices.profile import load_profile
from edgekit.techniques.interface import Conversion, Technique, TrainingTechnique
from edgekit.tflite.operators import load_table

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "tests" / "golden"
NAME, TRAINS = "int8_plain_dense", "few_inputs"
# What every technique is held to, asked in a process that has the package installed.
CONTRACT = """
import inspect, json, sys
from pathlib import Path
from edgekit.documents.candidate import Declined
from edgekit.documents.facts import LayerFacts, ModelFacts, TensorFacts
from edgekit.planner.planner import outline
from edgekit.devices.profile import list_profiles
from edgekit.project.project import load_project
from edgekit.techniques import technique
from edgekit.techniques.interface import Task
from edgekit.tflite.reader import read_tflite
from edgekit.values import read, to_builtins
from edgekit.verdict.limits import Limits

name, golden = sys.argv[1], Path(sys.argv[2])
method = technique(name)
assert method.name == name and inspect.getdoc(method) and not inspect.isabstract(type(method))
image = TensorFacts(name="image", shape=(8, 8, 1), dtype="float32")
layer = LayerFacts(name="dense", kind="Dense", inputs=("image",), output_shape=(10,), parameters=650, macs=640, kernel=(64, 10))
facts = ModelFacts(sha256="0", format="test", inputs=(image,), outputs=(image,), layers=(layer,), output_kinds=("softmax",))
goal = load_project(Path("nowhere"), required=False).goal
said = {}
for profile in list_profiles():
    task = Task(profile=profile, facts=facts, goal=goal, limits=Limits())
    answer = method.propose(task)
    assert answer == method.propose(task)
    if isinstance(answer, Declined):
        assert answer.technique == name and len(answer.reason) > 20
        said[profile.id] = "declined"
        continue
    for settings in answer:
        assert read(to_builtins(settings), method.settings_type, where=name) == settings
    planned = {candidate.name: candidate for candidate in outline(task).candidates}
    like = planned["int8"].estimates
    assert planned[method.label(answer[0])].estimates == like
    said[profile.id] = "proposed"
said["evidence"] = [method.ensures(read_tflite(path), method.settings_type()).holds for path in (golden / "int8.tflite", golden / "float32.tflite")]
assert "tensorflow" not in sys.modules
print(json.dumps(said))
"""
MODEL = """
import keras
import numpy as np


def model():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((8, 8, 1))
    x = keras.layers.Conv2D(8, 3, activation="relu")(inputs)
    outputs = keras.layers.Dense(4, activation="softmax", name="classes")(keras.layers.Flatten()(x))
    return keras.Model(inputs, outputs)


def data():
    generator = np.random.default_rng(0)
    x, y = generator.random((64, 8, 8, 1), np.float32), np.arange(64) % 4
    return {"train": (x, y), "validation": (x, y), "test": (x, y)}
"""


def files() -> dict[str, str]:
    """The files that CONTRIBUTING.md shows, by path."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    return dict(re.findall(r"<!-- file: (\S+) -->\n```\w+\n(.*?)```", text, re.DOTALL))


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder of installed packages with the example's in it, as pip would leave it."""
    shown = files()
    project = tomllib.loads(shown["pyproject.toml"])["project"]
    (points,) = project["entry-points"].values()
    package = tmp_path / "site" / "edgekit_plain_dense"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / f"{NAME}.py").write_text(shown[f"edgekit_plain_dense/{NAME}.py"], encoding="utf-8")
    other = package.with_name("edgekit_few_inputs")
    other.mkdir()
    (other / "few_inputs.py").write_text(shown["edgekit_few_inputs/few_inputs.py"], encoding="utf-8")
    record = package.with_name(f"edgekit_plain_dense-{project['version']}.dist-info")
    record.mkdir()
    (record / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n", encoding="utf-8"
    )
    points |= {TRAINS: "edgekit_few_inputs.few_inputs:FewInputs"}
    lines = "".join(f"{name} = {target}\n" for name, target in points.items())
    (record / "entry_points.txt").write_text(f"[edgekit.techniques]\n{lines}", encoding="utf-8")
    return package.parent


def run(site: Path, tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    paths = os.pathsep.join([str(ROOT), str(site)])
    environment = {**os.environ, "PYTHONPATH": paths, "EDGEKIT_CACHE": str(tmp_path / "cache")}
    return subprocess.run(
        [sys.executable, *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300
    )


def test_the_technique_keeps_the_contract(site, tmp_path):
    done = run(site, tmp_path, "-c", CONTRACT, NAME, str(GOLDEN))
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["rpi4"] == said["host"] == "proposed"
    assert said["nucleo-l4r5zi"] == "declined"
    assert said["evidence"] == [False, False]  # a scale a channel, and no int8 at all


@pytest.mark.tf
def test_the_technique_is_built_and_proved(site, tmp_path):
    (tmp_path / "tiny.py").write_text(MODEL, encoding="utf-8")
    (tmp_path / "edgekit.toml").write_text(
        'model = "tiny:model"\ndata = "tiny:data"\n[goal]\nmax_drop = 100\nsearch = "all"\n[training]\nepochs = 1\n'
        'learning_rate = 1e-3\n[[chain]]\nsteps = [{ technique = "few_inputs", settings = { layer = "classes", '
        "features = 288, left = 72 } }]\n",
        encoding="utf-8",
    )
    done = run(site, tmp_path, "-m", "edgekit", "build", "--device", "rpi4", "--json")
    assert done.returncode == 0, done.stderr
    tried = {candidate["candidate"]: candidate for candidate in json.loads(done.stdout)["candidates"]}
    trained = tried[f"own_1:{TRAINS}_72+int8"]
    assert trained["outcome"] != "failed", trained["reason"]  # the model knows nothing: how well it does tells nothing
    assert f"{TRAINS}, in the file: 72 of 288 features are read" in trained["evidence"]
    assert tried[NAME]["outcome"] == "pass", tried[NAME]["reason"]
    assert tried[NAME]["evidence"] == [f"{NAME}, in the file: 1 of 1 dense kernels are int8 with one scale"]
    assert tried[NAME]["metrics"]["flash"]["value"] < tried["int8"]["metrics"]["flash"]["value"]


def test_the_page_names_all_that_a_technique_may_say():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = text.split("## Add a technique")[1].split("## Add a device")[0]
    parts = {
        name for kind in (Technique, TrainingTechnique, Conversion) for name in {*vars(kind), *kind.__annotations__}
    }
    assert sorted(name for name in parts if not name.startswith("_") and not re.search(rf"\b{name}\b", section)) == []


def commands(name: str) -> list[list[str]]:
    """The commands of a block of CONTRIBUTING.md, without their comments."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (block,) = re.findall(rf"<!-- commands: {re.escape(name)} -->\n```bash\n(.*?)```", text, re.DOTALL)
    return [words for line in block.splitlines() if (words := shlex.split(line, comments=True))]


def followed(tmp_path: Path, words: list[str]) -> subprocess.CompletedProcess[str]:
    """What a command of the page does, in a folder that has what a checkout has."""
    program = {"edgekit": [sys.executable, "-m", "edgekit"], "python": [sys.executable], "mv": ["mv"]}[words[0]]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "EDGEKIT_CACHE": str(tmp_path / "cache")}
    return subprocess.run(
        [*program, *words[1:]], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300
    )


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what the worked example touches; the package and the golden files are only linked."""
    (tmp_path / "edgekit").mkdir()
    for part in (ROOT / "edgekit").iterdir():
        (tmp_path / "edgekit" / part.name).symlink_to(part)
    for folder in ("device_profiles", "docs", "tools"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    shutil.copy(ROOT / "README.md", tmp_path)
    (tmp_path / "tests").symlink_to(ROOT / "tests")
    (tmp_path / "beaglebone-black.toml").write_text(files()["beaglebone-black.toml"], encoding="utf-8")
    return tmp_path


def test_the_device_is_a_device(checkout):
    shown, judged = (followed(checkout, words) for words in commands("beaglebone-black.toml"))
    assert shown.returncode == 0, shown.stderr
    assert (
        "BeagleBone Black" in shown.stdout and "488.3 MiB" in shown.stdout and "manylinux_2_34_armv7l" in shown.stdout
    )
    assert judged.returncode == 0, judged.stdout + judged.stderr
    assert "tflite-runtime-2.14" in judged.stdout


def test_the_device_becomes_a_bundled_one(checkout):
    for words in commands("bundled"):
        done = followed(checkout, words)
        assert done.returncode == 0, done.stderr
    assert "BeagleBone Black" in done.stdout
    for page in ("docs/devices.md", "README.md"):
        assert "`beaglebone-black`" in (checkout / page).read_text(encoding="utf-8"), page
    assert "beaglebone-black" not in (ROOT / "README.md").read_text(encoding="utf-8"), "the copy is no copy"
    current = followed(checkout, ["python", "tools/make_device_docs.py", "--check"])
    assert (current.returncode, current.stdout) == (0, "current\n")
    # What the tests of a checkout ask of every profile in the folder.
    profile = load_profile(checkout / "device_profiles" / "beaglebone-black.toml")
    assert all(re.search(r": https://\S+$", source) for source in profile.sources.values())
    assert load_table(str(profile.runtime.operators)).version == profile.runtime.version
