"""What factors keep of the kernels of a trained model: the table of docs/techniques.md.

    python tools/measure_low_rank.py MODEL

For each dense layer and convolution: its sizes, the break-even rank in an int8 file, and the share of its energy (the sum of the squared
singular values) that each form keeps with a half and with a third of its weights. What is lost there a fine-tune must make up for. MODEL is any
model that edgekit loads; nothing is trained.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from edgekit.keras_graph.flat_graph import read_graph
from edgekit.make.workshop.door import door
from edgekit.make.workshop.load import load
from edgekit.make.workshop.store import open_model
from edgekit.progress import no_progress
from edgekit.techniques.factors.choose import made_of
from edgekit.techniques.factors.layers import places
from edgekit.techniques.factors.shape import Form, break_even, forms, of_share, shape_of

SHARES = (0.5, 0.35)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="a trained model")
    source = parser.parse_args().model.resolve()
    tools = door()
    with tempfile.TemporaryDirectory() as scratch:
        common: dict[str, Any] = {"imports": [], "root": scratch, "seed": 0, "target": scratch}
        load({**common, "source": str(source), "is_function": False, "sha256": "0" * 64, "trust": False}, no_progress)
        graph = read_graph(tools, open_model(tools, Path(scratch), (), common))
    print("| layer | kernel | weights | break-even | kept with 50% | kept with 35% |")
    print("| --- | --- | --- | --- | --- | --- |")
    for call in places(graph):
        print(_row(call.name, np.asarray(call.operation.kernel)))


def _row(name: str, kernel: np.ndarray) -> str:
    whole = shape_of(kernel.shape)
    kept = ("; ".join(_kept(kernel, form, share) for form in forms(whole, "best")) for share in SHARES)
    return f"| {name} | {' x '.join(map(str, kernel.shape))} | {whole.weights:,} | {break_even(whole)} | {' | '.join(kept)} |"


def _kept(kernel: np.ndarray, form: Form, share: float) -> str:
    """What a form keeps with a share of the weights, and its ranks."""
    whole = shape_of(kernel.shape)
    factors = of_share(whole, form, share)
    if factors is None:
        return f"{form} -"
    made = made_of(kernel.reshape(whole), factors)
    return f"{form} {made.kept:.0%} at {' and '.join(map(str, factors.ranks))}"


if __name__ == "__main__":
    main()
