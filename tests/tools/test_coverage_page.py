"""The page of docs/coverage.md, and the decisions behind its cells: made of values, without a model."""

from __future__ import annotations

import math

import numpy as np
import pytest
from coverage_table.cells import COLUMNS, WORKS, Cell, RowResult, declined, defect, failed, in_part, left_out
from coverage_table.page import page
from coverage_table.results import Results
from coverage_table.rounding import ALLOWED, allowed, apart
from coverage_table.rows import all_rows, chosen, waves

ROWS = [row for row in all_rows() if row.path in ("recurrent/GRU", "recurrent/LSTM", "custom/subclassed model")]


def result(path: str, **cells: Cell) -> RowResult:
    return RowResult(path=path, cells={column: cells.get(column, WORKS) for column in COLUMNS}, seconds=12.4)


def line_of(text: str, begins: str) -> str:
    return next(line for line in text.splitlines() if line.startswith(begins))


def test_reasons_are_numbered_once_each_and_stand_below():
    same = declined("no kernel of 256 weights | or more")
    found = {
        "recurrent/GRU": result("recurrent/GRU", pruning=same, clustering=same),
        "recurrent/LSTM": result(
            "recurrent/LSTM", int8=in_part("float: SPLIT"), chain=defect("native crash", "SIGABRT")
        ),
    }
    text = page(ROWS, found)
    assert (
        line_of(text, "| GRU |")
        == "| GRU | works | works | works | works | works | works | works | declined [1] | declined [1] | works | 12 |"
    )
    assert "in part [2]" in line_of(text, "| LSTM |") and "**defect** [3]" in line_of(text, "| LSTM |")
    notes = text.partition("## Notes")[2].strip().splitlines()
    assert notes == ["1. no kernel of 256 weights \\| or more", "2. float: SPLIT", "3. native crash: SIGABRT"]


def test_a_row_without_a_result_is_not_run_and_is_counted_as_such():
    text = page(ROWS, {"recurrent/GRU": result("recurrent/GRU", loads=declined("no"))})
    assert line_of(text, "| subclassed model |") == f"| subclassed model |{' – |' * len(COLUMNS)} 0 |"
    assert line_of(text, "| loads | ") != line_of(text, "| int8 | ")
    assert "Only 1 of them have been run so far" in text
    assert "| loads | 0 | 0 | 1 | 0 | 2 |" in text and "| int8 | 1 | 0 | 0 | 0 | 2 |" in text


@pytest.mark.parametrize(
    ("reason", "word", "kind"),
    [
        ("convert: the process ended with signal SIGSEGV", "defect", "native crash"),
        ("no proof of pruning in the file: 1.4% zeros in 2 kernels", "defect", "lost proof"),
        ("train: AttributeError: no quantizer_vars", "defect", "exception"),
        ("no proof of int16x8 in the file: other arithmetic; 0 of 0 kernels are int8", "declined", "no proof"),
        ("convert: TFLite has no operator for tf.Erfinv", "declined", "convert"),
    ],
)
def test_a_failed_trial_is_a_defect_unless_there_is_nothing_to_convert(reason, word, kind):
    cell = failed(reason)
    assert cell.word == word and cell.note.startswith(kind) and reason in cell.note


def test_evidence_that_leaves_layers_out_is_told_from_whole_evidence():
    assert left_out("4 of 9 layers simulate int8") and left_out("1 of 1 kernels are int8; float: SIN, SPLIT")
    assert not left_out("9 of 9 kernels are int8; float: nothing")


def test_rounding_agrees_and_garbage_does_not():
    answers = np.random.default_rng(0).normal(size=(8, 4))
    rounded = np.round(answers * 20) / 20
    assert apart([answers], [rounded]).within(ALLOWED["int8"])
    assert not apart([answers], [rounded]).within(ALLOWED["float32"])
    assert not apart([answers], [answers[::-1]]).within(ALLOWED["int8"])
    assert not apart([answers], [np.full_like(answers, np.nan)]).within(ALLOWED["int8"])
    assert apart([answers], [answers[:, :2]]).signal_db == -math.inf
    assert not apart([answers, answers], [answers, -answers]).within(ALLOWED["int8"])  # the worst output counts


def test_few_jumps_are_let_pass_where_a_model_has_steps_and_many_are_not():
    answers = np.zeros((8, 20))
    few, many = answers.copy(), answers.copy()
    answers[:, ::2] = few[:, ::2] = many[:, ::2] = 1.0
    few[0, :10], many[:, :10] = 1 - few[0, :10], 1 - many[:, :10]
    assert apart([answers], [few], jumps=True).steps == 0 and apart([answers], [many], jumps=True).steps > 100


def test_every_row_has_a_path_of_its_own_and_patterns_choose_among_them():
    rows = all_rows()
    assert len(rows) > 250 and {row.group for row in rows} >= {"applications", "operations", "custom"}
    assert {row.keras for row in chosen(rows, ["applications/ResNet50"])} == {2, 3}
    assert 6 <= len(chosen(rows, quick=True)) <= 10 and not chosen(rows, ["no such row"])


def test_a_row_runs_behind_the_one_that_it_may_be_like():
    parts = waves(chosen(all_rows(), ["applications/ResNet50,", "applications/ResNet50 nested"]))
    assert [[row.name for row in part] for part in parts] == [
        ["ResNet50, Keras 3"],
        ["ResNet50, Keras 2", "ResNet50 nested, Keras 3"],
        ["ResNet50 nested, Keras 2"],
    ]


def test_a_deeper_model_is_allowed_more():
    assert allowed("int8", 8) == ALLOWED["int8"] and allowed("int8", 80).signal_db == ALLOWED["int8"].signal_db - 10


def test_a_cell_of_another_row_is_marked():
    copied = Cell(word="works", copied=True)
    assert "| works = |" in line_of(page(ROWS, {"recurrent/GRU": result("recurrent/GRU", chain=copied)}), "| GRU |")


def test_results_of_other_code_are_shown_and_made_again(tmp_path, monkeypatch):
    kept = Results(tmp_path / "found.json")
    kept.keep(result("recurrent/GRU"))
    assert Results(tmp_path / "found.json").find("recurrent/GRU") == result("recurrent/GRU")
    monkeypatch.setattr("coverage_table.results.code", lambda: "another")
    changed = Results(tmp_path / "found.json")
    assert changed.find("recurrent/GRU") is None and changed.all()["recurrent/GRU"].seconds == 12.4
