"""The child process that reads data: one job, `spool`."""

from edgekit.jobs.child import Handler, serve


def _handlers() -> dict[str, Handler]:
    from edgekit.ingest.spool import spool

    return {"spool": spool}


if __name__ == "__main__":
    serve(_handlers)
