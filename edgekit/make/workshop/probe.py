"""The job `probe`: makes and converts the model of `edgekit.machine.probe`, to test whether TensorFlow and the converter work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgekit.machine.probe import BIAS, KERNEL
from edgekit.make.workshop.door import door
from edgekit.progress import Progress


def probe(job: dict[str, Any], progress: Progress) -> Any:
    """Write the model as float32 to `job["target"]`; returns the names and versions of what made it.

    Also imports TFMOT, which checks that it uses the same Keras.
    """
    import numpy as np

    tools = door()
    progress("starting TensorFlow", 0, 2)
    layer = tools.keras.layers.Dense(len(BIAS), name="dense")
    model = tools.keras.Sequential([tools.keras.layers.Input((len(KERNEL),), batch_size=1, name="input"), layer])
    layer.set_weights([np.array(KERNEL, np.float32), np.array(BIAS, np.float32)])
    progress("converting", 1, 2)
    Path(job["target"]).write_bytes(tools.tf.lite.TFLiteConverter.from_keras_model(model).convert())
    made_by = f"TensorFlow {tools.tf.__version__}, tf_keras {tools.keras.__version__}, TFMOT {tools.tfmot.__version__}"
    progress("converting", 2, 2)
    return {"made_by": made_by}
