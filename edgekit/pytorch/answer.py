"""The job `answer`: what a PyTorch model itself answers on samples of the user's data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from edgekit.errors import EdgekitError, ModelError
from edgekit.progress import Progress
from edgekit.pytorch.convert import save
from edgekit.pytorch.given import opened, said


def answer(job: dict[str, Any], progress: Progress) -> Any:
    """Write the answers of the model that `given.opened` opens to the folder `job["target"]`, as `convert` does.

    `job["samples"]` is a folder with `0.npy`, ...: for each input its samples, without a batch and in the axes of the model. Returns the number of
    samples; raises `ModelError`.
    """
    given = opened(job)
    arrays = [np.load(Path(job["samples"]) / f"{index}.npy") for index in range(len(given.examples))]
    rows = []
    progress("asking the PyTorch model", 0, 1)
    for samples in zip(*arrays, strict=True):
        pairs = zip(samples, given.examples, strict=True)
        inputs = [placed(torch.from_numpy(np.ascontiguousarray(sample)), example) for sample, example in pairs]
        try:
            rows.append(([one.numpy() for one in inputs], [one.numpy() for one in given.answers(inputs)]))
        except EdgekitError:
            raise
        except Exception as problem:  # whatever the model raises, of sizes above all
            raise ModelError(
                "the PyTorch model cannot be called on a sample of the data", where=job["named"], received=said(problem),
                allowed=", ".join(str(tuple(one.shape)) for one in given.examples), next_step="export it with the sizes of the data",
            ) from problem  # fmt: skip
    progress("asking the PyTorch model", 1, 1)
    inputs, outputs = ([np.stack(part) for part in zip(*column, strict=True)] for column in zip(*rows, strict=True))
    save(Path(job["target"]), inputs, outputs)
    return {"samples": len(rows)}


def placed(sample: Any, example: Any) -> Any:
    """A sample as a tensor that the model takes: with a batch where it has one, as often as a fixed batch wants it.

    The batch is the first axis, or the second as in a sequence of a recurrent layer: whichever leaves the sample's sizes.
    """
    sample = sample.to(example.dtype)
    if sample.dim() == example.dim():
        return sample
    for axis in range(min(2, example.dim())):
        rest = (*example.shape[:axis], *example.shape[axis + 1 :])
        if rest == tuple(sample.shape):
            return sample.unsqueeze(axis).repeat_interleave(example.shape[axis], axis)
    return sample.unsqueeze(0)
