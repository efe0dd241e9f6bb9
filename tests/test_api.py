"""The Python API: every name, argument, default and field that a caller may rely on.

The lists are what is promised. A test that fails here says that something was taken away or changed, which breaks its
callers, or that something is new, which goes into its list.
"""

from __future__ import annotations

import importlib
import inspect
import re
import subprocess
import sys
import typing
from pathlib import Path

import msgspec
import pytest

import edgekit
from edgekit import errors
from edgekit.documents.events import KINDS
from edgekit.values import Value

ROOT = Path(__file__).resolve().parent.parent

NAMES = {
    "BenchResult",
    "BuildResult",
    "EdgekitError",
    "bench",
    "build",
    "check",
    "compare",
    "diet",
    "inspect",
    "load_profile",
    "plan",
}

BUDGET = "max_drop=None, max_flash=None, max_download=None, max_ram=None, max_latency=None"
SIGNATURES = {
    "build": f"model=None, data=None, *, device=None, project=None, {BUDGET}, goal=None, student=None, out='build', time_budget=None, seed=None, "
    "workers=1, lock=False, locked=False, scheduler=None, emulate=None, strict=None, keep_names=None, augment=None, imports=(), trust=False, cache=True, progress=no_progress, "
    "on_event=no_event",
    "plan": f"model=None, *, device=None, project=None, {BUDGET}, goal=None, student=None, imports=(), trust=False, cache=True, "
    "progress=no_progress",
    "check": f"tflite, *, device, data=None, reference=None, {BUDGET}, metric=None, direction=None, output=0, "
    "threshold=None, project=None, cache=True, seed=0, time_limit_s=None, emulate=False, strict=False, progress=no_progress",
    "bench": "tflite, *, device, on='local', threads=None, runs=50, seconds=1.0, sustained=None, delegate=None, inputs=(), "
    "seed=0, runtime=None, python=None, time_limit_s=None, keep=True, progress=no_progress",
    "inspect": "model=None, *, device=None, by='flash', in_order=False, project=None, imports=(), trust=False, "
    "cache=True, progress=no_progress",
    "compare": "a, b, *, fail_if=(), junit=None, sarif=None",
    "diet": "tflite, *, out=None, in_place=False, keep_names=False, prove=True, inputs=200, progress=no_progress",
    "load_profile": "id_or_path",
    "values.to_json": "value",
    "values.from_json": "text, kind, *, where='JSON'",
    "progress.no_progress": "phase, done, total",
    "documents.events.no_event": "event",
}

FIELDS = {
    "documents.build_result.BuildResult": "report folder path lock",
    "documents.bench_result.BenchResult": (
        "schema_version edgekit_version device on board outcome summary path model latency load_ms first_ms memory operators "
        "delegate sustained inputs outputs environment agreement checks foreign kept counts notes"
    ),
    "documents.bench_result.HostAgreement": "bit_for_bit host outputs reason",
    "documents.bench_result.OutputAgreement": "name values equal largest_difference in_steps",
    "documents.bench_document.Model": "name bytes sha256",
    "documents.bench_document.Latency": (
        "min_ms median_ms mean_ms p10_ms p90_ms p99_ms spread runs steady warm_up_runs warm_up_ms timed_s "
        "runs_ms runs_ms_every"
    ),
    "documents.bench_document.Memory": "peak_bytes added_bytes how",
    "documents.bench_document.Operators": "total by_delegate left profile reason",
    "documents.bench_document.OperatorTime": "index name ms share",
    "documents.bench_document.Delegate": "asked active reason",
    "documents.bench_document.Sustained": "minutes seconds runs first last change slices",
    "documents.bench_document.Window": "what seconds runs median_ms per_s",
    "documents.bench_document.Slice": "start_s seconds runs median_ms per_s temperature_c",
    "documents.bench_document.Input": "name dtype shape sha256 source",
    "documents.bench_document.Output": "name dtype shape sha256 file",
    "documents.bench_document.Environment": (
        "board machine system kernel python numpy runtime runtime_version threads processor cores clocks_hz "
        "governor temperature_c throttled load_average memory_total_bytes memory_available_bytes date"
    ),
    "documents.bench_document.ClockPair": "before after",
    "documents.bench_document.TemperaturePair": "before after",
    "documents.bench_document.ThrottledPair": "before after",
    "documents.bench_document.LoadPair": "before after",
    "documents.report.Report": (
        "schema_version edgekit_version device outcome summary baseline chosen checks candidates declined findings notes data decisions"
    ),
    "documents.report.Baseline": "metrics sha256",
    "documents.report.Metric": "value unit basis source low high split runtime threads reason samples",
    "documents.report.Chosen": "candidate steps path sha256 metrics inputs outputs compiled layers diet held",
    "documents.compiled.Compiled": (
        "compiler accelerator system_config memory_mode clock_hz bytes sha256 operators on_npu cycles npu_cycles sram_bytes "
        "dram_bytes flash_bytes weight_bytes encoded_bytes path left layers"
    ),
    "documents.compiled.LayerCycles": "name operator cycles npu_cycles sram_cycles memory_cycles macs",
    "documents.compiled.LeftOperator": "operator layer reason",
    "documents.candidate.Step": "technique settings",
    "documents.report.InputFacts": "name shape dtype low high scale zero_point layout",
    "documents.report.Check": "name outcome limit value unit basis reason low high",
    "documents.decisions.Decisions": (
        "kind split samples labels confusion classes errors changed changed_samples lost gained"
    ),
    "documents.decisions.ClassShare": "label samples after before points_lost",
    "documents.decisions.Changed": "sample truth before after picture values",
    "documents.decisions.Errors": "what edges after before",
    "documents.report.Finding": "name what advice",
    "documents.report.CandidateReport": "candidate steps outcome reason seconds metrics evidence training control",
    "documents.candidate.Declined": "technique reason",
    "documents.candidate.Plan": "schema_version device outcome reason candidates declined limits defaults notes",
    "documents.candidate.Candidate": "name steps estimates role control",
    "documents.candidate.Estimate": "value low high source",
    "documents.inspection.Inspection": (
        "schema_version edgekit_version path sha256 format device order inputs outputs metrics other_bytes peak_index "
        "layers operators output_kinds losses rebuilt_error notes"
    ),
    "documents.inspection.PortFacts": "name shape dtype scale zero_point",
    "documents.inspection.InspectedLayer": (
        "name kind inputs output_shape parameters macs kernel activation biases channel_axes fused of_cells index flash_bytes flash_share memory_bytes "
        "memory_share merged_into latency"
    ),
    "documents.inspection.InspectedOperator": (
        "index name label input_shapes output_shapes dtype parameters macs flash_bytes memory_bytes flash_share "
        "memory_share latency"
    ),
    "documents.comparison.Comparison": "schema_version edgekit_version outcome a b rules metrics checks file file_reason notes",
    "documents.comparison.Side": "path kind file device outcome candidate steps sha256 model model_reason edgekit_version",
    "documents.comparison.RuleResult": "rule metric kind outcome limit found unit reason",
    "documents.comparison.MetricChange": "name unit a b change percent points reason",
    "documents.comparison.CheckChange": "name a b",
    "documents.comparison.FileChanges": "identical flash equal_operators operators equal_weights weights",
    "documents.comparison.FlashChange": "total_bytes constants_bytes other_bytes",
    "documents.comparison.OperatorChange": "change fields a b",
    "documents.comparison.OperatorFacts": (
        "index name label input_shapes output_shapes dtype parameters macs flash_bytes memory_bytes version"
    ),
    "documents.comparison.WeightChange": "change fields a b distance largest reason",
    "documents.comparison.WeightFacts": (
        "name operator role dtype shape size_bytes scales scale_low scale_high zeros distinct distinct_in_channel"
    ),
    "documents.diet.DietResult": (
        "schema_version edgekit_version outcome path out reason sha256_before sha256_after flash_before flash_after "
        "download_before download_after savings notes proof"
    ),
    "tflite.diet.whole.Saving": "kind saved_bytes",
    "documents.diet.FileDiet": "flash_before savings proof reason",
    "documents.diet.Proof": "outcome runtimes",
    "documents.diet.RuntimeProof": ("runtime outcome inputs asked reason operators delegated arena_before arena_after"),
    "documents.events.Started": "seconds schema_version edgekit_version devices time_budget_s workers",
    "documents.events.Opened": "seconds model_sha256 data_sha256 parameters macs samples metric",
    "documents.events.Searching": "seconds device name candidates limits",
    "documents.events.TrialStarted": "seconds device candidate number known left_s",
    "documents.events.TrialFinished": ("seconds device candidate number known outcome reason took_s metrics left_s"),
    "documents.events.Best": "seconds device candidate metrics",
    "documents.events.Judging": "seconds device tried",
    "documents.events.Finished": "seconds device outcome summary candidate metrics paths",
    "documents.events.Failed": "seconds device error message",
    "documents.events.Ended": "seconds outcome error message",
    "devices.profile.DeviceProfile": (
        "schema_version id name kind summary sources memory compute numerics runtime cost aliases budget npu live file overlay"
    ),
    "devices.profile_tables.Memory": "ram ram_for_model flash flash_for_model ram_fast ram_slow",
    "devices.profile_tables.Quantity": "value unit basis source low high note",
    "devices.profile_tables.Compute": "cores clock core instruction_set dot_product source",
    "devices.profile_tables.Numerics": "float32 float16 int8 int16x8 int4_weights input_output source note",
    "devices.profile_tables.Runtime": (
        "kind version threads availability source operators delegate package python wheel architecture compiler"
    ),
    "devices.profile_tables.Cost": "rates bandwidth overhead_per_inference overhead_per_operator runtime_memory",
    "devices.profile_tables.Rates": "float32 int8 int16x8 dynamic_range",
    "devices.profile_tables.Budget": "latency flash ram",
    "devices.profile_tables.Npu": "compiler source clock accelerator system_config memory_mode cpu_rate",
}
RETURNED = (
    "documents.bench_result.BenchResult",
    "documents.build_result.BuildResult",
    "documents.candidate.Plan",
    "documents.inspection.Inspection",
    "documents.comparison.Comparison",
    "documents.diet.DietResult",
    "devices.profile.DeviceProfile",
    *(f"documents.events.{kind.__name__}" for kind in KINDS),
)

ERRORS = {
    "EdgekitError": ("Exception", 2), "InputError": ("EdgekitError", 2), "ModelError": ("InputError", 2),
    "RefusedOperators": ("ModelError", 2),
    "DataError": ("InputError", 2), "ProjectError": ("InputError", 2), "ProfileError": ("InputError", 2),
    "TrustError": ("InputError", 2), "OutputError": ("InputError", 2), "LockError": ("EdgekitError", 1),
    "MissingExtraError": ("EdgekitError", 3), "DeviceError": ("EdgekitError", 4), "ClusterError": ("DeviceError", 4),
    "InterruptedBuild": ("EdgekitError", 130),
}  # fmt: skip
PARTS = ("what", "where", "received", "allowed", "next_step", "exit_code")


def at(name: str) -> object:
    """What stands behind 'module.Name' in edgekit, or behind one of its own names."""
    module, _, name = name.rpartition(".")
    return getattr(importlib.import_module(f"edgekit.{module}") if module else edgekit, name)


def written(function: object) -> str:
    """A function's arguments as they are called, without their types."""
    parameters = [each.replace(annotation=each.empty) for each in inspect.signature(function).parameters.values()]
    text = str(inspect.Signature(parameters))[1:-1]
    return re.sub(r"<function (\w+) at 0x\w+>", r"\1", text)


def test_the_names():
    assert set(edgekit.__all__) == NAMES
    assert re.fullmatch(r"\d+\.\d+\.\d+", edgekit.__version__)


@pytest.mark.parametrize("name", SIGNATURES)
def test_the_arguments_and_defaults(name):
    assert written(at(name)) == SIGNATURES[name]


@pytest.mark.parametrize("name", FIELDS)
def test_the_fields(name):
    assert " ".join(at(name).__struct_fields__) == FIELDS[name]


def values_in(kind: object) -> set[type[msgspec.Struct]]:
    """The types of values that an annotation names, and all that are inside of them."""
    found = {kind} if isinstance(kind, type) and issubclass(kind, msgspec.Struct) else set()
    inner = [field.type for one in found for field in msgspec.structs.fields(one)]
    return found.union(*(values_in(part) for part in [*inner, *typing.get_args(kind)]))


def test_no_type_that_is_returned_is_missing_in_the_list():
    found = set().union(*(values_in(at(name)) for name in RETURNED))
    assert found == {at(name) for name in FIELDS}


@pytest.mark.parametrize("name", FIELDS)
def test_values_are_frozen_and_documented(name):
    kind = at(name)
    assert issubclass(kind, Value) and kind.__struct_config__.frozen
    assert kind.__doc__ and not kind.__doc__.startswith(kind.__name__)


@pytest.mark.parametrize("name", sorted(set(SIGNATURES) & NAMES))
def test_a_function_and_its_page_know_every_argument(name):
    section = (ROOT / "docs" / "api.md").read_text(encoding="utf-8").split(f"## edgekit.{name}\n")[1].split("\n## ")[0]
    missing = set(inspect.signature(at(name)).parameters) - set(re.findall(r"\w+", section))
    assert not missing
    assert "Raises" in (inspect.getdoc(at(name)) or "")


def test_the_errors():
    found = {
        name: (kind.__base__.__name__, kind.exit_code)
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, Exception)
    }
    assert found == ERRORS
    problem = errors.EdgekitError("what", where="where", received=1, allowed="allowed", next_step="next")
    assert [getattr(problem, part) for part in PARTS] == ["what", "where", "1", "allowed", "next", 2]
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8").split("## Errors")[1]
    assert [name for name in ERRORS if name not in page] == []


def test_no_name_of_the_api_is_a_module_too():
    """Importing a module makes it an attribute of its package, in the place of a function of that name."""
    package = ROOT / "edgekit"
    both = [name for name in edgekit.__all__ if (package / f"{name}.py").exists() or (package / name).exists()]
    assert both == []


def test_the_names_are_there_and_cost_nothing_before_they_are_used():
    script = (
        "import sys, edgekit; heavy = {'numpy', 'msgspec', 'click', 'rich'} & set(sys.modules); assert not heavy, heavy; "
        "import edgekit.cli.check, edgekit.api.check, edgekit.api.build; "
        "print(all(callable(getattr(edgekit, name)) for name in edgekit.__all__), set(edgekit.__all__) <= set(dir(edgekit)))"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "True True\n"


def test_another_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="compress"):
        edgekit.compress  # noqa: B018 - asking is the test
