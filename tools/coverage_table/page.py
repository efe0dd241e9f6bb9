"""The page: a summary against the aims, a table a group, and the reasons as numbered notes. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from coverage_table.cells import COLUMNS, Cell, RowResult
from coverage_table.rounding import ALLOWED, FEW, GRID
from coverage_table.rows import Row

TITLES = {
    "applications": "keras.applications",
    "convolutions": "Convolutional and dense models",
    "recurrent": "Recurrent models",
    "attention": "Attention and text",
    "structures": "Structures of graphs",
    "custom": "Layers and models of a user's own",
    "normalisations": "Normalisations",
    "activations": "Activations",
    "operations": "Operations of keras.ops",
}
NOT_MADE = RowResult(path="", cells={}, seconds=0.0)
ESCAPED = str.maketrans({"|": "\\|", "<": "&lt;", ">": "&gt;", "\n": " ", "*": "\\*", "_": "\\_"})


def page(rows: Sequence[Row], results: Mapping[str, RowResult]) -> str:
    """The whole page for rows with their results; a row without a result is shown as not run."""
    notes: dict[str, int] = {}
    tables = [_table(group, [row for row in rows if row.group == group], results, notes) for group in TITLES]
    return "\n".join([_head(), _summary(rows, results), *tables, numbered(notes)])


def _head() -> str:
    allowed = "\n".join(
        f"| {name} | {limit.signal_db:g} dB | {limit.steps:g} |"
        for name, limit in ALLOWED.items()
        if name != "int8_float_fallback"
    )
    return f"""# Coverage

Made by `python tools/make_coverage.py`: small models of every family with random weights, each loaded as its user would load it
(`.keras` of Keras 3, `.h5` of Keras 2), trained for two steps on 8 random samples where a technique trains, converted, and run on LiteRT.
The table shows that it works; accuracy is a matter of [benchmarks](benchmarks.md).
Models in ONNX and of PyTorch have [a table of their own](onnx_models.md).

| column | what is done |
| --- | --- |
| loads | the model is read, normalised, and compared with the original on random input |
| agrees | the loaded model answers as the original on the row's data, and the float32 file as the loaded model |
| int8, 16x8, float16, dynamic range | conversion of the model as it is |
| quantization-aware, pruning, clustering | training, then int8, or int8 with operators in float where the model needs that |
| chain | pruning, clustering, quantization-aware training, int8 |
| seconds | of the whole row, on the machine that made the page |

A cell that **works** was converted, its evidence holds in the model and in the bytes, and the file's answers agree with those of the
trained model. Cells with **=** are those of the row that it loads to the same layers as, and were not made again. **In part** names what is left out. **Declined** gives the reason that a user reads. A **defect** is an exception, a
native crash, a lost proof, answers that do not agree, or a model that is refused. The numbers point to the notes at the end.

Answers agree if the variance of the model's answers over the samples is so many times the mean square of the differences, or if 99% of the
differences are within so many steps of a grid of {GRID} values over the range of the answers (85% for models with steps in them, as a rounding or a comparison). The least signal is for {FEW} layers, and falls by 10 dB for ten times as many:

| conversion | least signal | or most steps |
| --- | --- | --- |
{allowed}
"""


def _summary(rows: Sequence[Row], results: Mapping[str, RowResult]) -> str:
    heads = ("column", "works", "in part", "declined", "defect", "not run", "works, of what is not declined")
    lines = ["## Summary\n", f"| {' | '.join(heads)} |", "| --- " * len(heads) + "|"]
    done = [results.get(row.path, NOT_MADE) for row in rows]
    for column in COLUMNS:
        words = Counter(one.cells[column].word if column in one.cells else "not run" for one in done)
        counts = " | ".join(str(words[word]) for word in ("works", "in part", "declined", "defect", "not run"))
        tried = words["works"] + words["in part"] + words["defect"]
        lines.append(
            f"| {column} | {counts} | {words['works'] / tried:.1%} |" if tried else f"| {column} | {counts} | – |"
        )
    seconds = sum(one.seconds for one in done)
    run = sum(bool(one.cells) for one in done)
    missing = "" if run == len(rows) else f" Only {run} of them have been run so far: the page is not complete."
    lines.append(f"\n{len(rows)} models, {seconds / 60:.0f} minutes in all.{missing}\n")
    return "\n".join(lines)


def _table(group: str, rows: Iterable[Row], results: Mapping[str, RowResult], notes: dict[str, int]) -> str:
    head = ["model", *COLUMNS, "s"]
    lines = [f"## {TITLES[group]}\n", f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    for row in rows:
        result = results.get(row.path, NOT_MADE)
        cells = [shown(result.cells.get(column), notes) for column in COLUMNS]
        lines.append(f"| {row.name} | {' | '.join(cells)} | {result.seconds:.0f} |")
    return "\n".join(lines) + "\n"


def shown(cell: Cell | None, notes: dict[str, int]) -> str:
    """A cell's word with the number of its note, which is put among `notes`."""
    if cell is None:
        return "–"
    word = {"defect": "**defect**", "not run": "–"}.get(cell.word, cell.word)
    word += " =" * cell.copied
    return f"{word} [{notes.setdefault(cell.note, len(notes) + 1)}]" if cell.note else word


def numbered(notes: Mapping[str, int]) -> str:
    """The section with the notes."""
    lines = [f"{number}. {text.translate(ESCAPED)}" for text, number in notes.items()]
    return "\n".join(["## Notes\n", *lines]) + "\n"
