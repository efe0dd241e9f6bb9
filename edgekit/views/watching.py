"""Shows the progress and events of a call where its caller sees them."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Any

from edgekit.cli.render.progress import Display


@contextlib.contextmanager
def showing() -> Iterator[Display]:
    """A display in the notebook, on the terminal, or as lines in a log."""
    display = _notebook()
    if display is None:
        from edgekit.cli.render.progress import showing as on_stream

        with on_stream(sys.stderr) as shown:
            yield shown
        return
    from edgekit.cli.render.live.notebook import Notebook

    with Notebook(lambda block: display(block, display_id=True)).ticking() as block:
        yield block


def _notebook() -> Any:
    """IPython's `display` if this runs in a notebook's kernel; only modules that are already loaded are used."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is None or not hasattr(shell, "kernel"):
        return None
    from IPython.display import display

    return display
