"""Leaves out what the converter makes of its SavedModel on the way and never uses.

`TFLiteConverter` writes a traced function as a SavedModel, which its compiler then reads from the disk. Before that it also loads it
back as an object, for the lines of Python behind each operator, which it then does not hand on; and it writes into it a second function that
would save every variable again. Both grow with the variables: together a sixth of the time of a conversion of MobileNet. The file is the same.
"""

from __future__ import annotations

import contextlib
import importlib
import types
from collections.abc import Iterator
from typing import Any

from edgekit.make.workshop.door import Door


@contextlib.contextmanager
def lean_saving(tools: Door) -> Iterator[None]:
    """Within the block, a converter of concrete functions does neither."""
    tf = tools.tf
    lite: Any = importlib.import_module("tensorflow.lite.python.lite")
    saver = importlib.import_module("tensorflow.python.checkpoint.functional_saver").MultiDeviceSaver
    lines = importlib.import_module("tensorflow.core.framework.graph_debug_info_pb2").GraphDebugInfo
    load, save = lite._load, vars(saver)["_traced_save"]
    lite._load = lambda *_: types.SimpleNamespace(graph_debug_info=lines())
    saver._traced_save = lambda _, prefix: tf.identity(prefix)
    try:
        yield
    finally:
        lite._load, saver._traced_save = load, save
