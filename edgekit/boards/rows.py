"""Runs a model on many inputs one after the other, and keeps every output; models are opened by the runner's code.

A separate program beside the runner, for the Python of an emulated board or of this machine:

    python rows.py edgekit-bench.pyz < request

The request is a line of JSON: `model`, `runtime`, `threads`, `folder`, and `samples` (how many random ones to make and
write to `folder`) or `inputs` (`.npy` files with a row a sample). It writes `output-0.npy`, ... with a row a
sample, and prints a line of JSON.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any


def main() -> int:
    """Run the request and print the answer; exit code 2 if the runtime refuses the model or an input."""
    request = json.loads(sys.stdin.readline())
    sys.path[0] = sys.argv[1]  # replaces this file's folder, which has edgekit's modules
    problem = __import__("edgekit_bench.problem", fromlist=["Problem"])
    try:
        answer = _run(request, problem)
    except problem.Problem as refused:
        sys.stdout.write(json.dumps({"error": refused.what}) + "\n")
        return 2
    sys.stdout.write(json.dumps(answer) + "\n")
    return 0


def _run(request: Any, problem: Any) -> Any:
    import numpy as np

    interpreter = __import__("edgekit_bench.interpreter", fromlist=["Session"])
    inputs = __import__("edgekit_bench.inputs", fromlist=["random"])
    runtime = interpreter.find(request["runtime"], (), lambda name: None)
    session = interpreter.Session(runtime, request["model"], request["threads"], "xnnpack")
    folder = request["folder"]
    if request.get("inputs"):
        rows = [np.load(path, mmap_mode="r", allow_pickle=False) for path in request["inputs"]]
    else:
        made = [inputs.random(session.inputs, seed) for seed in range(request["samples"])]
        rows = [np.stack(arrays) for arrays in zip(*made, strict=True)]
        for place, array in enumerate(rows):
            np.save(os.path.join(folder, f"input-{place}.npy"), array, allow_pickle=False)
    session.prepare([array.shape[1:] for array in rows])
    kept: list[list[np.ndarray]] = []
    for sample in range(len(rows[0]) if rows else 1):
        session.feed([np.ascontiguousarray(array[sample]) for array in rows])
        session.invoke()
        kept.append([np.array(array) for _, array in session.results()])
    for place, arrays in enumerate(zip(*kept, strict=True)):
        if len({array.shape for array in arrays}) != 1:
            raise problem.Problem("model", f"the shape of output {place} depends on the input", "compare it yourself")
        np.save(os.path.join(folder, f"output-{place}.npy"), np.stack(arrays), allow_pickle=False)
    return {"runtime": runtime.name, "version": runtime.version, "samples": len(kept), "outputs": len(kept[0])}


if __name__ == "__main__":
    sys.exit(main())
