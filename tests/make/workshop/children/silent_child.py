"""A real child process whose native code alone says what is wrong."""

from __future__ import annotations

import os
from typing import Any

from edgekit.jobs.child import serve
from edgekit.make.workshop.converter_reason import STANDARD_ERROR, StandardError, first_reason
from edgekit.progress import Progress


def convert(job: dict[str, Any], progress: Progress) -> Any:
    errors = StandardError()
    try:
        with errors:
            os.write(STANDARD_ERROR, b"loc(\"net/both/concat\"): error: 'tfl.concatenation' op has two scales\n")
            raise RuntimeError
    except RuntimeError as problem:
        raise RuntimeError(first_reason(problem, errors.text)) from problem


def crash(job: dict[str, Any], progress: Progress) -> Any:
    with StandardError():
        os.write(STANDARD_ERROR, b"the last words\n")
        os.abort()


if __name__ == "__main__":
    serve(lambda: {"convert": convert, "crash": crash})
