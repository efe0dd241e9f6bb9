"""Names of layers in what is traced from a Keras 3 model: a layer's operators stand under the layer's own name.

Keras 3 opens a layer's name scope twice in a call, first to see whether it is built, and TensorFlow numbers the second: `dense_1/MatMul`
of a layer that is called `dense`. Evidence and reports find layers by these names.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from edgekit.keras_graph.call_graph import plain_name
from edgekit.make.workshop.answers import is_keras3
from edgekit.make.workshop.door import Door


@contextlib.contextmanager
def layer_scopes(tools: Door, model: Any) -> Iterator[None]:
    """Within the block, a layer of Keras 3 that is traced opens the same scope again, under a name that TensorFlow accepts."""
    if not is_keras3(model):
        yield
        return
    scope, tf = tools.keras3.src.backend.name_scope, tools.tf
    made = scope.__init__

    def reopened(self: Any, name: str, **kwargs: Any) -> None:
        made(self, plain_name(name), **kwargs)
        within = tf.get_current_name_scope()
        self._tf_name_scope = tf.name_scope(f"{within}/{self.name}/" if within else f"{self.name}/")

    scope.__init__ = reopened
    try:
        yield
    finally:
        scope.__init__ = made
