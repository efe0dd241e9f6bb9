"""The page docs/onnx_models.md: how the files are got, a summary against the aim, a table a group, the reasons as numbered notes. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from coverage_table.cells import Cell, RowResult
from coverage_table.page import numbered, shown

from import_table.row import COLUMNS, CONVOLUTIONS, TECHNIQUES, TRANSPOSES

AIM = 0.9
"""The share of the convolutional models that every technique is to work on."""
TITLES = {
    "own": "Ten networks of odd structure",
    "light": "The light models of the package onnx",
    "given": "Files of others",
}
HEADS = {"imports": "imports", "agrees": "agrees", TRANSPOSES: "transposes left", **{name: name for name in TECHNIQUES}}


def page(results: Sequence[RowResult]) -> str:
    """The whole page for some rows, in their order."""
    notes: dict[str, int] = {}
    tables = [_table(group, [one for one in results if one.path.startswith(f"{group}/")], notes) for group in TITLES]
    return "\n".join([_head(), _summary(results), *filter(None, tables), numbered(notes)])


def _head() -> str:
    return """# Models in ONNX

Made by `python tools/make_import_table.py --models DIR`: each model is imported as a build imports it, held against onnxruntime, trained for two steps
on 8 random samples where a technique trains, converted, and run on LiteRT. The table shows that it works; accuracy is a matter of [benchmarks](benchmarks.md).
A cell says what it does in [coverage.md](coverage.md), by the same rules.

| column | what is done |
| --- | --- |
| imports | the file becomes a flat Keras 3 model; **declined** names operators that nothing expresses |
| agrees | the relative error from onnxruntime on random input (measured), from the outputs that the package `onnx` gives for its light models (measured), and the float32 file as the import |
| transposes left | operators `TRANSPOSE` in the float32 file, counted |
| int8 | conversion of the model as it is |
| quantization-aware, pruning, structured pruning | training, then int8, or int8 with operators in float where the model needs that |
| s | seconds of the whole row, on the machine that made the page, measured |

The light models lie in the wheel of `onnx`, without their weights: these are filled with one value each, so their answers hardly vary. The ten networks are
written by `tools/import_table/own.py`. Files of others are not part of edgekit; the wheels that they lie in are fetched and unpacked by hand into the folder `DIR`
(`pip download --no-deps basic-pitch==0.4.0`, and the like):

| file | wheel |
| --- | --- |
| `nmp.onnx` | basic-pitch 0.4.0 |
| `ch_ppocr_mobile_v2.0_cls_infer.onnx` | rapidocr-onnxruntime 1.4.4 |
| `model_v8.onnx` | speechmos 0.0.1.1 |
| `320n.onnx` | nudenet 3.4.2 |
| `NAME.onnx` or `NAME.pt2` of a network of timm | `timm.create_model(NAME, pretrained=False).eval()`, by `torch.onnx.export(..., dynamo=True)` or `torch.export.save` |

Where a file leaves sizes free, `sizes.json` in that folder gives those of a sample of each input: `{"model.onnx": [[3, 48, 192]]}`.
"""


def _summary(results: Sequence[RowResult]) -> str:
    spatial = [one for one in results if one.counts.get(CONVOLUTIONS)]
    whole = [one for one in spatial if all(one.cells[name].word in ("works", "in part") for name in TECHNIQUES)]
    moved = [one for one in spatial if one.counts.get(TRANSPOSES)]
    imported = sum(one.cells["imports"].word == "works" for one in results)
    minutes = sum(one.seconds for one in results) / 60
    share = len(whole) / len(spatial) if spatial else 0.0
    return f"""## Summary

{imported} of {len(results)} models are imported. Every technique works on {len(whole)} of the {len(spatial)} with convolutions ({share:.0%}; the aim is {AIM:.0%}).
{len(spatial) - len(moved)} of these have no transpose left. The run took {minutes:.0f} minutes.
"""


def _table(group: str, results: Sequence[RowResult], notes: dict[str, int]) -> str:
    if not results:
        return ""
    head = ["model", *HEADS.values(), "s"]
    lines = [f"## {TITLES[group]}\n", f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    for one in results:
        cells = " | ".join(_cell(one, column, notes) for column in HEADS)
        lines.append(f"| {one.path.partition('/')[2]} | {cells} | {one.seconds:.0f} |")
    return "\n".join(lines) + "\n"


def _cell(one: RowResult, column: str, notes: dict[str, int]) -> str:
    if column == TRANSPOSES:
        return str(one.counts.get(TRANSPOSES, "–"))
    cell: Cell | None = one.cells.get(column) if column in COLUMNS else None
    if column == "agrees" and cell is not None and cell.word == "works":
        return cell.note or "works"
    return shown(cell, notes)
