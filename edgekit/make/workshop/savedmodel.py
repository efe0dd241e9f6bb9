"""A Keras SavedModel without running it: its configuration is read as data, its weights as a checkpoint."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from edgekit.errors import EdgekitError, ModelError
from edgekit.ingest.saved_model import require_saved_model
from edgekit.make.workshop.door import Door
from edgekit.make.workshop.trust import refuse_code
from edgekit.make.workshop.wrappers import wrappers_known


def load_saved_model(tools: Door, folder: Path, *, trust: bool) -> tuple[Any, str, Any]:
    """The tf_keras model in a SavedModel folder; raises `ModelError` if Keras left no configuration in it."""
    require_saved_model(folder)
    try:
        metadata = _root_metadata(tools, folder)
        if metadata is None or "model_config" not in metadata:
            raise ModelError(
                "a SavedModel without a Keras configuration",
                where=str(folder),
                allowed="a Sequential or Functional Keras model",
                next_step="load it in its own code and give that as module:function",
            )
        config = metadata["model_config"]
        refuse_code(config, where=str(folder), trust=trust)
        kind = tools.keras.Sequential if config["class_name"] == "Sequential" else tools.keras.Model
        with wrappers_known(tools, config):
            model = kind.from_config(config["config"])
        status = model.load_weights(folder / "variables" / "variables")
        status.assert_existing_objects_matched()
    except EdgekitError:
        raise
    except Exception as problem:
        raise ModelError(
            "the SavedModel cannot be loaded", where=str(folder), received=f"{type(problem).__name__}: {problem}"[:400]
        ) from problem
    return model, "SavedModel of Keras 2", (metadata.get("training_config") or {}).get("loss")


def _root_metadata(tools: Door, folder: Path) -> dict[str, Any] | None:
    """Keras's JSON of the root object: in keras_metadata.pb since Keras 2.5, in the object graph before."""
    tools.tf  # noqa: B018 - registers the protocol buffers
    from tensorflow.core.protobuf import saved_model_pb2
    from tf_keras.protobuf import saved_metadata_pb2
    from tf_keras.src.saving.legacy.saved_model import json_utils

    text = None
    if (folder / "keras_metadata.pb").is_file():
        saved = saved_metadata_pb2.SavedMetadata.FromString((folder / "keras_metadata.pb").read_bytes())
        text = next((node.metadata for node in saved.nodes if node.node_id == 0), None)
    else:
        graph = saved_model_pb2.SavedModel.FromString((folder / "saved_model.pb").read_bytes())
        nodes = graph.meta_graphs[0].object_graph_def.nodes if graph.meta_graphs else []
        text = nodes[0].user_object.metadata if nodes else None
    if not text:
        return None
    json.loads(text)  # checked as plain JSON first, because the decoder below makes objects of some parts
    decoded: dict[str, Any] = json_utils.decode(text)
    return decoded
