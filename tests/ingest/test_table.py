"""Tables as people have them: dialects, columns, labels, what is missing, splits, windows; every error says where."""

from __future__ import annotations

import gzip
import sys

import msgspec
import numpy as np
import pytest

from edgekit.errors import DataError, MissingExtraError
from edgekit.ingest.wanted import Wanted

THREE = Wanted(classes=3, kind="softmax", input_shapes=((2,),))
LABELS = ("run", "sit", "walk")


def rows(count=30, labels=LABELS):
    """`ax` counts the rows, so that every sample can be found again."""
    return [(str(number), str(number / 4), labels[number % len(labels)]) for number in range(count)]


def text(table, header=("ax", "ay", "label"), separator=","):
    return "\n".join(separator.join(row) for row in ([header] if header else []) + list(table)) + "\n"


@pytest.fixture
def open_text(tmp_path, open_source):
    """A table of this text, opened."""

    def opened(content=None, name="readings.csv", **options):
        content = text(rows()) if content is None else content
        (tmp_path / name).write_bytes(content.encode() if isinstance(content, str) else content)
        return open_source(name, **{"target": "label", "wanted": THREE, **options})

    return opened


@pytest.fixture
def refused_text(tmp_path, open_text):
    def refuse(content=None, **options):
        with pytest.raises(DataError) as caught:
            open_text(content, **options)
        assert not list((tmp_path / "cache" / "data").glob("*"))
        return caught.value

    return refuse


def everything(found):
    """Features and targets of all samples, in the order of the first feature."""
    x = np.concatenate([found.inputs(split)[0] for split in ("train", "test")])
    y = np.concatenate([found.targets(split)[0] for split in ("train", "test")])
    order = np.argsort(x.reshape(len(x), -1)[:, 0])
    return x[order], y[order]


def test_columns_become_samples_and_text_classes(open_text):
    found = open_text(in_child=True)
    x, y = everything(found)
    assert found.labels == LABELS and (x.dtype, y.dtype) == (np.float32, np.int64)
    np.testing.assert_array_equal(x, [[number, number / 4] for number in range(30)])
    assert y.tolist() == [number % 3 for number in range(30)]
    assert np.bincount(found.targets("test")[0]).tolist() == [2, 2, 2]
    assert {split: files.samples for split, files in found.splits.items()} == {"train": 18, "validation": 6, "test": 6}
    notes = "\n".join(found.notes)
    for part in (
        "target: 'label', 3 classes in the order run, sit, walk", "features: 2 columns (ax, ay)",
        "6 of 30 rows are held out as one, stratified by class, seed 0, and 24 are left for training",
    ):  # fmt: skip
        assert part in notes


@pytest.mark.parametrize(
    ("content", "name", "options"),
    [
        (text(rows(), separator=";"), "a.csv", {}),
        (text(rows(), separator="\t"), "a.tsv", {}),
        (text(rows(), separator="|"), "a.csv", {}),
        (text(rows(), separator="~"), "a.csv", {"separator": "~"}),
        (text(rows(), separator=";").replace(".", ","), "a.csv", {}),
        (text([tuple(f'"{cell}"' for cell in row) for row in rows()]).replace(".", ","), "a.csv", {}),
        ("\ufeff" + text(rows()), "a.csv", {}),
        (text(rows()).encode("utf-16"), "a.csv", {}),
        (text(rows()).replace("\n", "\r\n"), "a.csv", {}),
        (text(rows()).replace("\n", "\r"), "a.csv", {}),
        (text(rows()).replace("\n", ",\n"), "a.csv", {}),
        (text(rows()).replace(",", " , "), "a.csv", {}),
        (text(rows()).replace("\n", "\n\n") + "\n,,\n", "a.csv", {}),
        (text(rows()).replace("walk", '"walk"').replace("ay", '"ay"'), "a.CSV", {}),
        (gzip.compress(text(rows()).encode()), "a.csv.gz", {}),
        (text([(a, f"{float(b):.3e}", c) for a, b, c in rows()]), "a.csv", {}),
        (text(rows(), header=None), "a.csv", {"header": False, "target": "2"}),
        (text([(str(number), *row) for number, row in enumerate(rows())], ("", "ax", "ay", "label")), "a.csv", {}),
        (text([(*row, "note, with \"\"quotes\"\"".join('""')) for row in rows()], ("ax", "ay", "label", "note")), "a.csv", {"drop": ("note",)}),
        (text([(c, b, a) for a, b, c in rows()], ("label", "ay", "ax")), "a.csv", {"features": ("ax", "ay")}),
    ],
    ids=["semicolons", "tabs", "bars", "declared", "decimal commas", "quoted decimal commas", "BOM", "UTF-16", "CRLF", "CR", "trailing", "spaces",
         "empty lines", "quotes", "gz", "exponents", "no header", "row numbers of pandas", "quoted text", "chosen features"],
)  # fmt: skip
def test_every_dialect_gives_the_same(open_text, content, name, options):
    found = open_text(content, name=name, **options)
    x, y = everything(found)
    np.testing.assert_array_equal(x, [[number, number / 4] for number in range(30)])
    assert y.tolist() == [number % 3 for number in range(30)] and found.labels == LABELS


def test_quoted_cells_may_hold_separators_quotes_and_lines(open_text):
    content = text([(a, b, f'"{c}, ""{c}""\nagain"') for a, b, c in rows(9)])
    found = open_text(content)
    assert found.labels == tuple(f'{name}, "{name}"\nagain' for name in LABELS)


@pytest.mark.parametrize(
    ("labels", "wanted", "order", "first"),
    [
        (("10", "9", "8"), THREE, ("8", "9", "10"), 2),
        (("3", "1", "2"), THREE, ("1", "2", "3"), 2),
        (("2", "0", "1"), THREE, ("0", "1", "2"), 2),
        (("1.0", "0", "2"), THREE, ("0", "1", "2"), 1),
        (("-1", "1"), Wanted(classes=1, kind="sigmoid"), ("-1", "1"), 0),
        (("no", "yes"), Wanted(classes=1, kind="sigmoid"), ("no", "yes"), 0),
        (("True", "False"), Wanted(classes=2), ("False", "True"), 1),
        (("b", "7", "30"), Wanted(), ("7", "30", "b"), 2),
        (("ä", "苹果", "z"), Wanted(), ("z", "ä", "苹果"), 1),
        (("1", "2"), Wanted(classes=5, regresses=False), ("0", "1", "2", "3", "4"), 1),
    ],
)  # fmt: skip
def test_the_order_of_labels(tmp_path, open_text, labels, wanted, order, first):
    found = open_text(text(rows(labels=labels)), wanted=wanted)
    assert found.labels == order
    assert everything(found)[1][0] == first


def test_the_models_own_order_of_labels(open_text, refused_text):
    found = open_text(classes=("walk", "run", "sit"))
    assert found.labels == ("walk", "run", "sit") and everything(found)[1][:3].tolist() == [1, 2, 0]


@pytest.mark.parametrize(
    ("labels", "wanted", "kind", "values"),
    [
        (("1.5", "2", "-3e2"), Wanted(classes=1, kind="linear"), None, [1.5, 2, -300]),
        (("3", "5", "8"), Wanted(classes=1, kind="linear"), None, [3, 5, 8]),
        (("0", "1"), Wanted(classes=1, kind="linear", regresses=True), None, [0, 1]),
        (("0.5", "1"), Wanted(), None, [0.5, 1]),
        (("0", "1"), Wanted(classes=2), "numbers", [0, 1]),
        (("0", "1"), Wanted(classes=1, kind="linear"), None, None),
        (("0.5", "1.5"), Wanted(classes=2), "classes", None),
    ],
)
def test_amounts_and_class_numbers(open_text, labels, wanted, kind, values):
    found = open_text(text(rows(labels=labels)), wanted=wanted, target_kind=kind)
    y = everything(found)[1]
    assert (y.dtype == np.float32, bool(found.labels)) == (values is not None, values is None)
    if values is not None:
        assert y[: len(values)].tolist() == values


def test_several_targets_are_amounts(open_text):
    found = open_text(
        text([(a, b, a, b) for a, b, _ in rows()], ("ax", "ay", "u", "v")), target=("u", "v"), wanted=Wanted()
    )
    x, y = everything(found)
    np.testing.assert_array_equal(x, y)


LONG = text(rows(5000))


@pytest.mark.parametrize(
    ("content", "options", "what", "where", "says"),
    [
        (LONG.replace("4500,1125.0", "4500,fast"), {}, "text in a feature column, or a number beyond what float32 holds",
         "readings.csv: line 4502, column 'ay'", "fast"),
        (LONG.replace("4500,1125.0", "4500,1e60"), {}, "text in a feature column, or a number beyond what float32 holds", "line 4502, column 'ay'", "1e60"),
        (LONG.replace("4500,1125.0", "4500,1_125"), {}, "text in a feature column, or a number beyond what float32 holds", "line 4502, column 'ay'", "1_125"),
        (LONG.replace("4500,1125.0", '4500,"1125,0"'), {}, "text in a feature column, or a number beyond what float32 holds", "line 4502", "decimal = ','"),
        (LONG.replace("4500,1125.0", "4500,"), {}, "a missing value", "readings.csv: line 4502, column 'ay'", "missing = \"drop\""),
        (LONG.replace("4500,1125.0", "4500,N/A"), {}, "a missing value", "line 4502, column 'ay'", "N/A"),
        (LONG.replace("4500,1125.0,run", "4500,1125.0,?"), {}, "a missing value", "line 4502, column 'label'", "?"),
        (LONG.replace("4500,1125.0,run", "4500,1125.0"), {}, "a row with another number of cells than there are columns", "line 4502", "2 cells"),
        (LONG.replace("4500,1125.0,run", '4500,"1125.0,run'), {}, "a row with another number of cells than there are columns", "line 4502", "double quotes"),
        ((LONG * 3).replace("9,2.25,run", '9,"2.25,run', 1), {}, "a line that is no CSV", "line 11", "field larger than field limit"),
        (LONG.replace("4500,1125.0,run", "4500,1125.0,r\u00fcn").encode("latin-1"), {}, "not a text file in UTF-8", "readings.csv: line", "iconv"),
        (None, {"target": "lable"}, "there is no column 'lable'", "[data] target", "did you mean 'label'?"),
        (None, {"features": ("ax", "az")}, "there is no column 'az'", "[data] features", "did you mean"),
        (None, {"drop": ("id",)}, "there is no column 'id'", "[data] drop", "ax, ay, label"),
        (None, {"split": "fold"}, "there is no column 'fold'", "[data] split", "ax, ay, label"),
        (None, {"target": None}, "no target column is named", "[data] target", "is it 'label' (its name)? Then set target = 'label'"),
        (None, {"features": ("ax", "label")}, "a column in two roles", "[data]", "label"),
        (None, {"drop": ("label",)}, "a column in two roles", "[data]", "label"),
        (None, {"drop": ("ax", "ay")}, "no columns are left for the features", "readings.csv", "ax, ay, label"),
        (None, {"split": "ay"}, "a split that is none", "readings.csv: line 2, column 'ay'", "0.0"),
        (None, {"classes": ("run", "sit", "go")}, "a label that classes does not name", "readings.csv: column 'label'", "walk"),
        (None, {"wanted": Wanted(classes=4)}, "another number of classes than the model has", "readings.csv: column 'label'", "3: run, sit, walk"),
        (None, {"shape": (3, 1)}, "a shape of another size", "[data] shape", "2 values"),
        (None, {"target_kind": "numbers"}, "text in a target column of numbers", "readings.csv: line 2, column 'label'", "run"),
        (None, {"window": 100}, "no whole window", "[data] window", "100"),
        (text(rows(), ("ax", "ax", "label")), {}, "two columns of one name", "line 1", "ax"),
        (text(rows(), header=None).replace("run", "1").replace("sit", "2").replace("walk", "3"), {},
         "no line of column names: the first line holds numbers", "line 1", "header = false"),
        (text(rows(labels=("run",))), {"wanted": Wanted()}, "fewer than two classes", "readings.csv: column 'label'", "run"),
        (text([]), {}, "no rows", "readings.csv", "none below the column names"),
        ("", {}, "no rows", "readings.csv", "an empty file"),
        ("\n \n", {}, "no rows", "readings.csv", "an empty file"),
        ("just words\nand more\n", {}, "fewer than two columns", "line 1", "separator"),
        (b"\x1f\x8b\x08\x00broken", {"name": "a.csv.gz"}, "the file cannot be read", "a.csv.gz", ""),
        (b"PAR1 but not really", {"name": "a.parquet"}, "not a Parquet file that can be read", "a.parquet", ""),
        ("a" * (8 * 2**20 + 5), {}, "a line without an end", "line 1", "a row a line"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_place(refused_text, content, options, what, where, says):
    if options.get("name") == "a.parquet":
        pytest.importorskip("pyarrow")
    error = refused_text(content, **options)
    assert error.what == what and where in error.where, str(error)
    assert says in str(error)


def test_more_than_ten_thousand_different_texts_are_no_classes(refused_text):
    error = refused_text(text(rows(10_100, labels=[f"row {number}" for number in range(10_100)])), wanted=Wanted())
    assert error.what == "too many different labels" and "column 'label'" in error.where


def test_rows_with_missing_values_may_be_left_out(open_text):
    content = text(rows()).replace("\n6,1.5", "\n6,").replace("\n9,2.25", "\nnan,").replace("12,3.0,run", "12,3.0,NA")
    found = open_text(content, missing="drop")
    x, _ = everything(found)
    assert sorted(set(range(30)) - set(x[:, 0].astype(int).tolist())) == [6, 9, 12]
    assert "rows with missing values are left out; missing by column: ax 1, ay 2, label 1" in found.notes


def test_a_split_column_and_a_second_table(tmp_path, open_text):
    table = [(*row, ("Train", "val", "test")[number % 3 if number > 20 else 0]) for number, row in enumerate(rows())]
    found = open_text(text(table, ("ax", "ay", "label", "fold")), split="fold")
    assert {split: files.samples for split, files in found.splits.items()} == {"train": 24, "validation": 3, "test": 3}
    assert found.inputs("test")[0][:, 0].tolist() == [23, 26, 29]
    (tmp_path / "more.csv").write_text(text([(c, a, b) for a, b, c in rows(4)], ("label", "ax", "ay"), ";"))
    found = open_text(test_source="more.csv")
    assert found.inputs("test")[0][:, 0].tolist() == [0, 1, 2, 3] and found.targets("test")[0].tolist() == [0, 1, 2, 0]
    assert found.splits["train"].samples + found.splits["validation"].samples == 30
    first = found.content_sha256
    (tmp_path / "more.csv").write_text(text(rows(5)))
    assert open_text(test_source="more.csv").content_sha256 != first
    (tmp_path / "more.csv").write_text(text(rows(labels=("swim",))))
    with pytest.raises(DataError, match="labels that the training table does not have") as caught:
        open_text(test_source="more.csv")
    assert caught.value.received == "swim"
    (tmp_path / "more.csv").write_text("ax,label\n1,run\n")
    with pytest.raises(DataError, match="columns that the test table does not have") as caught:
        open_text(test_source="more.csv")
    assert caught.value.allowed == "ay"


def test_a_table_for_a_check_is_tested_as_a_whole(open_text):
    found = open_text(need=("test",), whole=True)
    assert {split: files.samples for split, files in found.splits.items()} == {"test": 30}


def test_groups_stay_in_one_split(open_text):
    table = [(*row, f"person {number // 5}") for number, row in enumerate(rows(100))]
    found = open_text(text(table, ("ax", "ay", "label", "who")), group="who")
    groups = {split: set((found.inputs(split)[0][:, 0] // 5).tolist()) for split in ("train", "validation", "test")}
    assert not groups["train"] & groups["test"] and not groups["train"] & groups["validation"]
    assert len(groups["test"]) == 4 and sum(map(len, groups.values())) == 20
    assert sum("whole groups together" in note for note in found.notes) == 2


def test_windows_of_a_time_series(open_text):
    labels = ["run"] * 25 + ["sit"] * 23 + ["walk"] * 52
    table = [(str(number), str(number / 4), label) for number, label in enumerate(labels)]
    found = open_text(text(table), window=10, wanted=Wanted(classes=3, input_shapes=((10, 2),)), test=0.5)
    x, y = everything(found)
    assert x.shape == (9, 10, 2) and x[:, 0, 0].tolist() == [0, 10, 25, 35, 48, 58, 68, 78, 88]
    np.testing.assert_array_equal(x[2, :, 0], range(25, 35))
    assert y.tolist() == [0, 0, 1, 1, 2, 2, 2, 2, 2]
    assert any("9 of 10 rows each" in note and "10 of 100 rows are left over" in note for note in found.notes)


@pytest.mark.parametrize(
    ("model", "options", "shape"),
    [
        ((2, 1), {}, (2, 1)),
        ((1, None, 1), {}, (1, 2, 1)),
        ((2,), {}, (2,)),
        ((7,), {}, (2,)),
        ((2,), {"shape": (1, 2)}, (1, 2)),
        ((4, 2), {"window": 4}, (4, 2)),
        ((4, 2, 1), {"window": 4}, (4, 2, 1)),
        ((8,), {"window": 4, "shape": (8,)}, (8,)),
    ],
)
def test_samples_are_reshaped_where_that_is_clear(open_text, model, options, shape):
    found = open_text(
        text(rows(60, ["run"] * 20 + ["sit"] * 20 + ["walk"] * 20)),
        wanted=Wanted(classes=3, input_shapes=(model,)),
        **options,
    )
    assert found.inputs("train")[0].shape[1:] == shape
    said = any("as the model takes them" in note for note in found.notes)
    assert said == (model in ((2, 1), (1, None, 1), (4, 2, 1)))


@pytest.mark.parametrize("strange", [False, True])
def test_parquet_gives_what_csv_gives(tmp_path, open_source, strange):
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    frame = pandas.DataFrame(
        {"ax": range(30), "ay": [number / 4 for number in range(30)], "label": [row[2] for row in rows()]}
    )
    if strange:
        frame = frame.astype({"ax": "Int16", "ay": "float32", "label": "category"}).set_index(frame.index * 2)
    frame.to_parquet(tmp_path / "a.parquet")
    found = open_source("a.parquet", target="label", wanted=THREE, in_child=strange)
    x, y = everything(found)
    np.testing.assert_array_equal(x, [[number, number / 4] for number in range(30)])
    assert y.tolist() == [number % 3 for number in range(30)] and found.labels == LABELS
    frame["ay"] = frame["ay"].where(frame.index != 4)
    frame.to_parquet(tmp_path / "a.parquet")
    with pytest.raises(DataError, match="a missing value") as caught:
        open_source("a.parquet", target="label", wanted=THREE)
    assert caught.value.where == f"a.parquet: row {2 if strange else 4}, column 'ay'"


def test_parquet_without_a_reader_names_the_line_that_installs_one(tmp_path, open_source, monkeypatch):
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    for package in ("pyarrow", "pandas"):
        monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match="Parquet") as caught:
        open_source("a.parquet", target="label")
    assert "edgekit-tflite[tables]" in caught.value.next_step and caught.value.exit_code == 3


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in KiB on Linux")
def test_a_large_table_goes_through_little_memory(tmp_path):
    import json
    import subprocess

    from edgekit.project.project_file import DataTable
    from edgekit.values import to_builtins

    line = ",".join(f"{number}.25" for number in range(60))
    with (tmp_path / "large.csv").open("w") as file:
        file.write(",".join(f"c{number}" for number in range(60)) + ",label\n")
        for number in range(300):
            file.write(f"{line},{LABELS[number % 3]}\n" * 400)
    size = (tmp_path / "large.csv").stat().st_size
    (tmp_path / "out").mkdir()
    job = {
        "kind": "table", "source": str(tmp_path / "large.csv"), "test_source": None, "root": str(tmp_path), "target": str(tmp_path / "out"),
        "options": to_builtins(DataTable(source="", target="label")), "wanted": {}, "seed": 0, "trust": False, "need": ["train", "test"],
        "whole": False, "key": "k",
    }  # fmt: skip
    child = """
import json, resource, sys
from edgekit.ingest.spool import spool
import edgekit.ingest.table.read
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
spool(json.loads(sys.argv[1]), lambda *_: None)
print(json.dumps([before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss]))
"""
    done = subprocess.run([sys.executable, "-c", child, json.dumps(job)], capture_output=True, text=True, check=True)
    before, peak = json.loads(done.stdout)
    assert size > 40 * 10**6 and (peak - before) * 1024 < 100 * 10**6, (size, peak - before)


def test_the_column_of_a_held_input_is_no_feature_unless_it_is_named_one(open_text):
    table = [(*row[:2], "16000", row[2]) for row in rows()]
    content = text(table, header=("ax", "ay", "sr", "label"))
    holding = Wanted(classes=3, kind="softmax", input_shapes=((2,),), held={"sr": 16000})
    found = open_text(content, wanted=holding)
    assert found.splits["train"].inputs[0].shape[1:] == (2,)
    note = "data: what it has for 'sr' is not used: that input is held at a value"
    assert note in found.notes and any("columns left out: sr" in said.replace("'", "") for said in found.notes)
    assert note not in open_text(content, wanted=holding, drop=("sr",)).notes and found.held == ()
    (other,) = open_text(content, wanted=msgspec.structs.replace(holding, held={"sr": 8000})).held
    assert (other.held, other.other, other.differ) == ("8000", "16000", len(table)) and other.count == len(table)
    named = open_text(content, wanted=holding, features=("ax", "sr"))
    assert named.splits["train"].inputs[0].high == 16000 and note not in named.notes
