"""The child process that has PyTorch: its jobs are `convert` and `answer`."""

import sys

from edgekit.errors import MissingExtraError
from edgekit.jobs.child import Handler, serve


def _handlers() -> dict[str, Handler]:
    """The jobs; raises `MissingExtraError` where PyTorch, or what its exporter needs, cannot be imported."""
    try:
        from edgekit.pytorch.answer import answer
        from edgekit.pytorch.convert import convert
    except Exception as problem:  # of any type: nothing of the user's is needed yet
        raise MissingExtraError(
            "PyTorch, or what its exporter needs, is installed and cannot be imported", where=sys.executable,
            received=f"{type(problem).__name__}: {problem}"[:300], allowed="torch, onnx, onnxscript and numpy that go together",
            next_step=f"install them again; {sys.executable} -c 'import torch, onnxscript' shows all of it, and a file of yours named torch.py or onnx.py stands in their way",
        ) from problem  # fmt: skip
    return {"convert": convert, "answer": answer}


if __name__ == "__main__":
    serve(_handlers)
