"""What a plan says of the data whose sizes it takes: the same as a build says of them later."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.documents.facts import ModelFacts, TensorFacts
from edgekit.errors import DataError
from edgekit.ingest.model import OpenedModel
from edgekit.ingest.opening import require_fit
from edgekit.jobs.cache import Cache
from edgekit.progress import no_progress
from edgekit.project.project import load_project


def test_data_that_gave_sizes_are_held_against_the_model_that_they_gave(tmp_path):
    state = TensorFacts(name="state", shape=(2, 128), dtype="float32")
    out = TensorFacts(name="out", shape=(3,), dtype="float32")
    facts = ModelFacts(sha256="", format="ONNX", inputs=(state,), outputs=(out,), layers=(), output_kinds=("softmax",))
    opened, settings = OpenedModel(folder="", key="", facts=facts), load_project(tmp_path, required=False)

    def fit(sample, sizes):
        x, y = np.zeros((6, *sample), np.float32), np.arange(6) % 3
        data = {"x_train_state": x, "y_train": y, "x_test_state": x, "y_test": y}
        with Cache(tmp_path / "cache") as cache:
            require_fit(sizes, data, settings, opened, cache, trust=False, progress=no_progress)

    fit((2, 128), ((2, 128),))
    fit((1, 2, 128), None)
    with pytest.raises(DataError, match="another shape than the model's input 'state'") as caught:
        fit((1, 2, 128), ((1, 2, 128),))
    assert caught.value.where == "data: x_train_state" and caught.value.allowed == "(2, 128)"
