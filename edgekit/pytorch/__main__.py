"""The child process that has PyTorch: its jobs are `convert` and `answer`."""

from edgekit.jobs.child import Handler, serve


def _handlers() -> dict[str, Handler]:
    from edgekit.pytorch.answer import answer
    from edgekit.pytorch.convert import convert

    return {"convert": convert, "answer": answer}


if __name__ == "__main__":
    serve(_handlers)
