"""A converter's exception without words gets those of its compiler, which are in what native code wrote to standard error."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.make.workshop.converter_reason import STANDARD_ERROR, StandardError, first_reason

LOG = b"E0000 00:00:1.5 7 some.cc:52] no device: error: 303\n"
ERROR = b"loc(\"net/both/concat\"): error: 'tfl.concatenation' op has two scales\n"
TOLD = "the compiler says of net/both/concat: 'tfl.concatenation' op has two scales"


@contextlib.contextmanager
def standard_error(path: Path, mode: str = "wb+") -> Iterator[None]:
    """Within the block it is a file, as a job has it, that was written to before."""
    kept = os.dup(STANDARD_ERROR)
    with path.open(mode) as file:
        os.dup2(file.fileno(), STANDARD_ERROR)
        os.write(STANDARD_ERROR, ERROR.replace(b"two", b"three"))
        try:
            yield
        finally:
            os.dup2(kept, STANDARD_ERROR)
            os.close(kept)


@pytest.mark.parametrize("problem", [RuntimeError(), RuntimeError(" \n"), RuntimeError("RuntimeError"), ValueError("")])
def test_without_words_it_is_what_the_compiler_wrote(tmp_path: Path, problem: Exception) -> None:
    with standard_error(tmp_path / "log"):
        errors = StandardError()
        os.write(STANDARD_ERROR, LOG + ERROR + b'loc("net/both/concat"): note: see current operation\n')
        told = first_reason(problem, errors.written())
    assert told == TOLD
    assert (tmp_path / "log").read_bytes().count(ERROR) == 1, "the log keeps it"


def test_an_exception_with_words_is_told_by_them(tmp_path: Path) -> None:
    problem = RuntimeError("Exception encountered\nloc(unknown): error: of its own")
    with standard_error(tmp_path / "log"):
        errors = StandardError()
        os.write(STANDARD_ERROR, ERROR)
        told = first_reason(problem, errors.written())
    assert told == "loc(unknown): error: of its own"


def test_what_was_written_before_and_what_is_logged_are_no_reason(tmp_path: Path) -> None:
    with standard_error(tmp_path / "log"):
        errors = StandardError()
        os.write(STANDARD_ERROR, LOG)
        told = first_reason(RuntimeError(), errors.written())
    assert told == "RuntimeError"


@pytest.mark.parametrize(("path", "mode"), [("/dev/null", "wb"), ("log", "wb")])
def test_what_cannot_be_read_again_gives_nothing(tmp_path: Path, path: str, mode: str) -> None:
    """What is no file, as a terminal, and a file that is open for writing alone."""
    with standard_error(tmp_path / path, mode):
        errors = StandardError()
        os.write(STANDARD_ERROR, ERROR)
        assert errors.written() == ""


@pytest.mark.tf
def test_tensorflows_quantizer_raises_an_exception_without_words(tools: Any, tmp_path: Path) -> None:
    """It refuses a value that is concatenated with a scale of its own, and says so in the log alone."""
    tf = tools.tf

    def ranged(x: Any, end: float) -> Any:
        return tf.quantization.fake_quant_with_min_max_vars(x, -end, end)

    @tf.function(input_signature=[tf.TensorSpec((1, 4), tf.float32)])  # type: ignore[untyped-decorator]
    def serve(x: Any) -> Any:
        return ranged(tf.concat([ranged(ranged(x + x, 1.0), 0.9), ranged(x * x, 0.9)], 1, name="both"), 0.9)

    converter = tf.lite.TFLiteConverter.from_concrete_functions([serve.get_concrete_function()])
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: iter([[np.ones((1, 4), np.float32)]])
    with standard_error(tmp_path / "log"), pytest.raises(RuntimeError, match=r"^$"):
        errors = StandardError()
        try:
            converter.convert()
        finally:
            told = first_reason(RuntimeError(), errors.written())
    assert told.startswith("the compiler says of both: 'tfl.concatenation' op quantization parameters violate")
