"""The child process that runs models; its jobs are in `handlers.py`."""

from collections.abc import Mapping

from edgekit.jobs.child import Handler, serve


def _handlers() -> Mapping[str, Handler]:
    from edgekit.measure.runtimes.handlers import HANDLERS

    return HANDLERS


if __name__ == "__main__":
    serve(_handlers)
