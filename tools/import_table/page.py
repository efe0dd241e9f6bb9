"""The page docs/onnx_models.md: how the files are got, a summary against the aim, a table a group, the reasons as numbered notes. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from coverage_table.cells import Cell, RowResult
from coverage_table.page import numbered, shown

from import_table.row import COLUMNS, CONVOLUTIONS, MACS, SPATIAL_MACS, TECHNIQUES, TRANSPOSES

AIM = 0.9
"""The share of the convolutional models that every technique is to work on."""
TITLES = {
    "own": "Ten networks of odd structure",
    "light": "The light models of the package onnx",
    "given": "Files of others",
}
HEADS = {"imports": "imports", "agrees": "agrees", TRANSPOSES: "transposes left", **{name: name for name in TECHNIQUES}}


def page(results: Sequence[RowResult], not_run: Sequence[str] = ()) -> str:
    """The whole page for some rows, in their order; `not_run` are the paths of models without a result."""
    notes: dict[str, int] = {}
    tables = [_table(group, [one for one in results if one.path.startswith(f"{group}/")], notes) for group in TITLES]
    return "\n".join([_head(), _summary(results, not_run), *filter(None, tables), numbered(notes)])


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
| s | seconds of the whole row, measured on a machine that did other work too |

The light models lie in the wheel of `onnx`, without their weights: these are filled with one value each, so that answers do not vary: they agree with their makers' outputs as they are, and techniques are judged on the same networks with random weights
(`tools/import_table/filled.py`). The ten networks are
written by `tools/import_table/own.py`. Files of others are not part of edgekit; they are unpacked from wheels into the folder `DIR`, each as
`pip download --no-deps basic-pitch==0.4.0` fetches it:

| wheel | files |
| --- | --- |
| basic-pitch 0.4.0 | `nmp.onnx` |
| nudenet 3.4.2 | `320n.onnx` |
| rapidocr-onnxruntime 1.4.4 | the three files in `models`: `ch_*.onnx` |
| silero-vad 6.2.3 | `data/silero_vad*.onnx` |
| speechmos 0.0.1.1 | those of `dnsmos_models`, `aecmos_models` (`Run_*.onnx`) and `plcmos_models` |

The networks of timm, `NAME.pt2`, are written by `python tools/export_timm.py DIR` in an environment with PyTorch, and `pip install --no-deps timm==1.0.31`, with all that it asks for but torchvision: pictures of
96 x 96, random weights, batch normalization settled on noise, a free batch.

Sizes that a file leaves free are given by `tools/import_table/sizes.json` (320 x 320 for the detector of nudenet, 96 x 96, 48 x 160 and 48 x 192 for the three of rapidocr, 64 frames), for
other files by a `sizes.json` in `DIR`: `{"model.onnx": [[3, 48, 192]]}`, the shape of a sample of each input. Inputs that are held at a value, as the sample rate of three files of silero-vad, stand there too:
`{"model.onnx": {"sizes": [[576]], "held": {"sr": 16000}}}`, with the sizes of the others.
"""


def _summary(results: Sequence[RowResult], not_run: Sequence[str]) -> str:
    spatial = [one for one in results if one.counts.get(CONVOLUTIONS)]
    whole = [one for one in spatial if all(_works(one, name) for name in TECHNIQUES)]
    made = [one for one in spatial if TRANSPOSES in one.counts]
    kept = [one for one in made if not one.counts[TRANSPOSES]]
    mostly = [one for one in spatial if 2 * one.counts.get(SPATIAL_MACS, 0) >= one.counts.get(MACS, 0)]
    most = f"{_share([one for one in whole if one in mostly], mostly)} of the {len(mostly)} with most of their multiplications in these"
    imported = sum(one.cells["imports"].word == "works" for one in results)
    minutes = sum(one.seconds for one in results) / 60
    by_name = ", ".join(f"{name} on {sum(_works(one, name) for one in made)}" for name in TECHNIQUES)
    partly = [
        one.path.partition("/")[2] for one in made if any(one.cells[name].word == "in part" for name in TECHNIQUES)
    ]
    in_part = f" Cells in part, which leave operators in float, are counted too: {', '.join(partly)}." if partly else ""
    missing = f"\nWithout a result yet: {', '.join(not_run)}.\n" if not_run else ""
    return f"""## Summary

{imported} of {len(results)} models are imported. Every technique works on {len(whole)} of the {len(spatial)} with convolutions ({_share(whole, spatial)}; the aim is {AIM:.0%}), on {most},
and on {_share(whole, made)} of the {len(made)} of these that are imported: {by_name}. {len(kept)} of the {len(made)} have no transpose left.{in_part} The run took {minutes:.0f} minutes.
Why cells fail is said in [onnx.md](onnx.md#where-techniques-do-not-work).
{missing}"""


def _works(one: RowResult, name: str) -> bool:
    return one.cells[name].word in ("works", "in part")


def _share(some: Sequence[RowResult], of: Sequence[RowResult]) -> str:
    return f"{len(some) / len(of) if of else 0.0:.0%}"


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
