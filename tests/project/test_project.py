"""`edgekit.toml` and what overrides it: strict keys, units, and the command line's word last."""

from __future__ import annotations

import math
from pathlib import Path

import msgspec
import numpy as np
import pytest

from edgekit.errors import ProjectError
from edgekit.project.limits import limits_given
from edgekit.project.project import Project, load_project, override
from edgekit.project.project_file import AugmentTable
from edgekit.values import from_json, to_json
from edgekit.verdict.metric_spec import MetricSpec

FULL = """
model = "model.keras"
device = ["rpi4", "host"]
seed = 3
time_budget = "2h"

[data]
source = "data.npz"
validation = 0.1

[goal]
max_drop = 2
metric = "mymetrics:f1"
direction = "higher"
output = 1
currency = "download"
search = "all"

[budget]
flash = "512KiB"
download = "100kB"
ram = "64KiB"
latency = "20ms"

[training]
loss = "mean_squared_error"
epochs = 2
batch_size = 16
learning_rate = 0.001

[calibration]
samples = 50
"""


def project(tmp_path: Path, text: str) -> Project:
    (tmp_path / "edgekit.toml").write_text(text, encoding="utf-8")
    return load_project(tmp_path)


def problem(tmp_path: Path, text: str) -> ProjectError:
    with pytest.raises(ProjectError) as caught:
        project(tmp_path, text)
    assert str(tmp_path / "edgekit.toml") in caught.value.where
    return caught.value


def test_every_key(tmp_path):
    found = project(tmp_path, FULL)
    assert found.root == str(tmp_path.resolve())
    assert (found.model.source, found.data.source, found.data.validation) == ("model.keras", "data.npz", 0.1)
    assert found.devices == ("rpi4", "host") and found.seed == 3 and found.time_budget_s == 7200.0
    assert found.goal.metric == MetricSpec(name="mymetrics:f1", higher_is_better=True, output=1)
    assert (found.goal.max_drop_points, found.goal.currency, found.goal.search) == (2.0, "download", "all")
    assert found.budget.limits() == {"flash": 524_288.0, "download": 100_000.0, "ram": 65_536.0, "latency": 20.0}
    assert (found.training.epochs, found.training.batch_size, found.calibration.samples) == (2, 16, 50)
    assert from_json(to_json(found), Project) == found


def test_the_defaults_of_the_contract(tmp_path):
    found = project(tmp_path, "")
    assert (found.model, found.data, found.devices, found.seed) == (None, None, (), 0)
    assert found.time_budget_s == 1800.0 and found.goal.max_drop_points == 1.0
    assert found.goal.metric is None and found.budget.limits() == {}
    assert found.calibration.samples == 200


def test_a_table_or_its_source_alone(tmp_path):
    short = project(tmp_path, 'model = "make:model"\ndata = "make:data"\ndevice = "rpi4"')
    assert short.model.source == "make:model" and short.devices == ("rpi4",)
    long = project(tmp_path, '[model]\nsource = "make:model"\nimport = ["layers"]\n[data]\nsource = "images"')
    assert long.model.imports == ("layers",) and long.data.source == "images"


@pytest.mark.parametrize(
    ("text", "key", "near"),
    [
        ('modell = "a"', "modell", "model"),
        ("[goal]\nmaxdrop = 1", "goal.maxdrop", "max_drop"),
        ('[budget]\nflsh = "1KiB"', "budget.flsh", "flash"),
        ('[model]\nsource = "a"\nimports = ["b"]', "model.imports", "import"),
        ('[data]\nsource = "a"\nimagesize = [1, 1]', "data.imagesize", "image_size"),
        ("[training]\naugment = { color = 0.1 }", "training.augment.color", "colour"),
        ('[[chain]]\nstep = ["int8"]', "chain 1: step", "steps"),
        ('[[chain]]\nsteps = ["int8", { technique = "int8", setting = {} }]', "chain 1: step 2: setting", "settings"),
    ],
)
def test_an_unknown_key(tmp_path, text, key, near):
    error = problem(tmp_path, text)
    assert error.where.endswith(f": {key}") and error.next_step == f"did you mean '{near}'?"


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("[budget]\nflash = 512", "budget.flash"),
        ('[budget]\nflash = "512"', "budget.flash"),
        ('[budget]\nram = "12 furlongs"', "budget.ram"),
        ('[budget]\nlatency = "20KiB"', "budget.latency"),
        ('[budget]\nflash = "1e999B"', "budget.flash"),
        ('time_budget = "soon"', "time_budget"),
        ('time_budget = "99999999999h"', "time_budget"),
        ("[goal]\nmax_drop = -1", "goal.max_drop"),
        ("[goal]\nmax_drop = nan", "goal.max_drop"),
        ("[goal]\nmax_drop = inf", "goal.max_drop"),
        ('[[chain]]\nsteps = ["int8"]\n[[chain]]\nsteps = []', "chain 2: steps"),
        ('[[chain]]\nsteps = ["pruning", { technique = "int8_mixed", settings = { share = nan } }]', "chain 1: step 2: settings.share"),
        ("[[chain]]\nsteps = [{ settings = {} }]", "chain 1: step 1"),
        ('[goal]\nmetric = "acuracy"', "goal.metric"),
        ('[goal]\nmetric = "accuracy"\ndirection = "lower"', "goal.direction"),
        ('[goal]\ndirection = "lower"', "goal.direction"),
        ('[goal]\nmetric = "my:own"', "goal.direction"),
        ('[goal]\ncurrency = "energy"', "goal.currency"),
        ("[training]\nepochs = -1", "training.epochs"),
        ("[training]\nlearning_rate = 0", "training.learning_rate"),
        ("[training]\nlearning_rate = inf", "training.learning_rate"),
        ("[training]\naugment = true", "training.augment"),
        ('[training]\naugment = ["flip"]', "training.augment"),
        ("[training]\naugment = { flip = true }", "training.augment.flip"),
        ('[training]\naugment = { flip = "left" }', "training.augment.flip"),
        ("[training]\naugment = { shift = 0 }", "training.augment.shift"),
        ("[training]\naugment = { shift = 3 }", "training.augment.shift"),
        ("[training]\naugment = { crop = 0.51 }", "training.augment.crop"),
        ("[training]\naugment = { colour = -0.1 }", "training.augment.colour"),
        ("[training]\naugment = { noise = nan }", "training.augment.noise"),
        ("[calibration]\nsamples = 0", "calibration.samples"),
        ('[data]\nsource = "a"\nvalidation = 1.0', "data.validation"),
        ('[data]\nsource = "a"\nscale = nan', "data.scale"),
        ('[data]\nsource = "a"\nimage_size = [32]', "data.image_size"),
        ("seed = -1", "seed"),
        ("seed = 99999999999999999999999999", "seed"),
        ("model = 3", "model"),
        ("[model]", "model"),
    ],
)  # fmt: skip
def test_a_wrong_value_names_its_key(tmp_path, text, key):
    error = problem(tmp_path, text)
    assert error.where.endswith(f": {key}"), error.where
    assert error.allowed or error.what.startswith(("a direction", "two ")), error
    assert error.next_step, error


def test_a_misspelt_metric_is_suggested(tmp_path):
    assert problem(tmp_path, '[goal]\nmetric = "acuracy"').next_step == "did you mean 'accuracy'?"


def test_what_is_no_toml(tmp_path):
    assert problem(tmp_path, "model = ").what == "not a TOML file"
    deep = problem(tmp_path, f'[model]\nsource = "a.onnx"\nheld = {{ mask = {"[" * 5000}1{"]" * 5000} }}')
    assert deep.what == "lists or tables too deep in each other" and deep.where.endswith("edgekit.toml: line 3")
    assert deep.received == "5001 in each other" and "bracket" in deep.next_step
    (tmp_path / "edgekit.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ProjectError, match="not a TOML file"):
        load_project(tmp_path)


def test_no_project_file(tmp_path):
    with pytest.raises(ProjectError, match="there is no edgekit") as caught:
        load_project(tmp_path)
    assert "edgekit init" in caught.value.next_step and str(tmp_path) in caught.value.where
    assert load_project(tmp_path, required=False).model is None
    (tmp_path / "edgekit.toml").symlink_to("edgekit.toml")
    with pytest.raises(ProjectError, match="there is no edgekit") as caught:
        load_project(tmp_path)
    assert "symbolic links in a circle" in caught.value.received and "point at" in caught.value.next_step


def test_a_file_of_gigabytes_is_no_project(tmp_path):
    with (tmp_path / "edgekit.toml").open("wb") as file:
        file.truncate(3 * 2**30)
    with pytest.raises(ProjectError, match="too large for a project file"):
        load_project(tmp_path)


@pytest.mark.parametrize(
    ("change", "path", "expected"),
    [
        ({"model": "b.keras"}, "model.source", "b.keras"),
        ({"imports": ("layers",)}, "imports", ("layers",)),
        ({"data": "b.npz"}, "data.source", "b.npz"),
        ({"seed": 0}, "seed", 0),
        ({"augment": {"shift": 0.1}}, "training.augment", AugmentTable(shift=0.1)),
        ({"limits": limits_given(max_drop=0)}, "goal.max_drop_points", 0.0),
        ({"limits": limits_given(max_drop=0.5)}, "goal.max_drop_points", 0.5),
        ({"time_budget": "90s"}, "time_budget_s", 90.0),
        ({"time_budget": 90}, "time_budget_s", 90.0),
        ({"time_budget": "8760h"}, "time_budget_s", 31_536_000.0),
        ({"limits": limits_given(max_flash="1KiB")}, "budget.flash_bytes", 1024),
        ({"limits": limits_given(max_flash=1000)}, "budget.flash_bytes", 1000),
        ({"limits": limits_given(max_download="1MB")}, "budget.download_bytes", 10**6),
        ({"limits": limits_given(max_ram=2.0**20)}, "budget.ram_bytes", 2**20),
        ({"limits": limits_given(max_latency="2s")}, "budget.latency_ms", 2000.0),
        ({"limits": limits_given(max_latency=2.5)}, "budget.latency_ms", 2.5),
    ],
)
def test_every_override_changes_its_key_and_nothing_else(tmp_path, change, path, expected):
    before = project(tmp_path, FULL)
    after = override(before, **change)
    value = after
    for name in path.split("."):
        value = getattr(value, name)
    assert value == expected
    owner = path.split(".")[0]
    same = [field for field in Project.__struct_fields__ if field != owner]
    assert [getattr(after, field) for field in same] == [getattr(before, field) for field in same]


def test_what_is_not_given_overrides_nothing(tmp_path):
    before = project(tmp_path, FULL)
    names = ("model", "data", "imports", "seed", "limits", "time_budget")
    assert override(before, **dict.fromkeys(names)) == before == override(before, limits=limits_given())


def test_overriding_the_data_keeps_its_options(tmp_path):
    after = override(project(tmp_path, FULL), data="other")
    assert (after.data.source, after.data.validation) == ("other", 0.1)


def test_an_empty_mapping_takes_the_augmentation_away(tmp_path):
    before = project(tmp_path, "[training]\nepochs = 2\naugment = { flip = 'both', noise = 0.1 }")
    assert before.training.augment == AugmentTable(flip="both", noise=0.1)
    assert override(before, augment={}).training == msgspec.structs.replace(before.training, augment=None)


@pytest.mark.parametrize("given", [["flip"], "flip", True, {"flip": "left"}, {"color": 1}, {"noise": "much"}, {1: 2}])
def test_a_wrong_augmentation_says_what_is_allowed(tmp_path, given):
    with pytest.raises(ProjectError) as caught:
        override(load_project(tmp_path, required=False), augment=given)
    assert caught.value.where.startswith("augment") and caught.value.allowed and caught.value.received


def test_overrides_without_a_file(tmp_path):
    bare = load_project(tmp_path, required=False)
    after = override(bare, model="m.keras", data="d.npz", imports=["layers"])
    assert (after.model.source, after.imports, after.data.source) == ("m.keras", ("layers",), "d.npz")


@pytest.mark.parametrize("given", ["soon", "5", 0, -1, math.nan, math.inf, True, [1]])
def test_a_wrong_time_budget_names_its_option(tmp_path, given):
    with pytest.raises(ProjectError) as caught:
        override(load_project(tmp_path, required=False), time_budget=given)
    assert caught.value.where == "--time-budget"


@pytest.mark.parametrize("given", [-1, "x", 1.5, 2**64])
def test_a_wrong_seed(tmp_path, given):
    with pytest.raises(ProjectError) as caught:
        override(load_project(tmp_path, required=False), seed=given)
    assert caught.value.where == "--seed"


def test_a_project_cannot_be_changed(tmp_path):
    with pytest.raises(AttributeError):
        project(tmp_path, FULL).seed = 1
    assert msgspec.structs.replace(project(tmp_path, FULL), seed=1).seed == 1


def test_a_time_budget_that_no_thread_can_wait_for_is_refused(tmp_path):
    with pytest.raises(ProjectError, match="more than a limit may be") as caught:
        override(load_project(tmp_path, required=False), time_budget=1e15)
    assert caught.value.where == "--time-budget" and "8760h" in caught.value.allowed


@pytest.mark.parametrize("name", ["strict", "emulate", "keep_names"])
@pytest.mark.parametrize("given", ["no", "false", 0, 1.0, [False]])
def test_a_switch_is_true_or_false_and_no_text(tmp_path, name, given):
    with pytest.raises(ProjectError, match="neither true nor false") as caught:
        override(load_project(tmp_path, required=False), **{name: given})
    assert caught.value.where == name


def test_scalars_of_numpy_are_plain_numbers(tmp_path):
    """As an app's pipeline has them: a seed from an array, a comparison's result."""
    given = {"seed": np.int64(3), "keep_names": np.True_, "strict": np.bool_(False), "time_budget": np.float64(60)}
    found = override(load_project(tmp_path, required=False), **given)
    assert (found.seed, found.keep_names, found.strict, found.time_budget_s) == (3, True, False, 60.0)
    with pytest.raises(ProjectError, match="neither true nor false"):
        override(load_project(tmp_path, required=False), keep_names=np.array([True]))


@pytest.mark.parametrize(
    ("text", "allowed", "advice"),
    [
        ("keep_names = 1\n", "true or false", None),
        ('keep_names = "true"\n', "true or false", None),
        ("[goal]\nkeep_names = true\n", None, "keep_names belongs above the first [table]"),
        ("[model]\nsource = 'm.keras'\nstrict = true\n", None, "strict belongs above the first [table]"),
    ],
)
def test_a_switch_in_the_file_says_what_it_takes_and_where_it_stands(tmp_path, text, allowed, advice):
    (tmp_path / "edgekit.toml").write_text(text)
    with pytest.raises(ProjectError) as caught:
        load_project(tmp_path)
    assert allowed is None or caught.value.allowed == allowed
    assert advice is None or caught.value.next_step == advice


@pytest.mark.parametrize(
    ("table", "received"),
    [
        ("[student]", "neither"),
        ("[student]\nepochs = 9", "neither"),
        ('[student]\nmodel = "a.keras"\nwidth = 0.5', "model and width"),
        ('[student]\nmodel = "a.keras"\nwidth = 0.5\ndepth = 0.5', "model and width and depth"),
    ],
)
def test_a_student_is_a_network_or_shares_of_the_model(tmp_path, table, received):
    (tmp_path / "edgekit.toml").write_text(table)
    with pytest.raises(ProjectError, match="either a network of its own or derived from the model") as caught:
        load_project(tmp_path)
    assert caught.value.received == received and caught.value.where.endswith("edgekit.toml: student")


def test_a_student_by_its_name_alone_and_one_of_the_caller_s_instead(tmp_path):
    (tmp_path / "edgekit.toml").write_text('student = "a.keras"')
    assert load_project(tmp_path).replacement.source == "a.keras"
    (tmp_path / "edgekit.toml").write_text("[student]\nwidth = 0.5\nepochs = 9")
    project = load_project(tmp_path)
    assert (project.replacement.width, project.replacement.as_model) == (0.5, None)
    table = override(project, student="nets:small").replacement
    assert (table.source, table.width, table.epochs) == ("nets:small", None, 9)
