"""The smallest member of every family of keras.applications, with random weights, at a small input.

Each one comes plain (its own head, logits) and nested (without its head, as a layer of a new model), as Keras 3 saves it
(`.keras`) and as Keras 2 does (`.h5`).
"""

from __future__ import annotations

import functools
from typing import Any

from coverage_table.rows import Domain, Row

GROUP, CLASSES = "applications", 4
SIZES = {"Xception": 71, "InceptionV3": 75, "InceptionResNetV2": 75}
"""The least sizes that these take; all others take 32."""
WIDTHS: dict[str, dict[str, Any]] = {"MobileNet": {"alpha": 0.25}, "MobileNetV2": {"alpha": 0.35}}
"""The narrowest of the widths that are offered, where any are."""
PIXELS = ("MobileNetV3Small", "MobileNetV3Large", "EfficientNetB0", "EfficientNetV2B0", "ConvNeXtTiny")
"""These scale their input themselves."""
NAMES = (
    "Xception", "VGG16", "ResNet50", "ResNet50V2", "InceptionV3", "InceptionResNetV2", "MobileNet", "MobileNetV2",
    "MobileNetV3Small", "MobileNetV3Large", "DenseNet121", "NASNetMobile", "EfficientNetB0", "EfficientNetV2B0", "ConvNeXtTiny",
)  # fmt: skip


def plain(keras: Any, name: str) -> Any:
    """The application with its own head."""
    return _application(keras, name)(weights=None, classes=CLASSES, classifier_activation=None, **_shape(name))


def nested(keras: Any, name: str) -> Any:
    """The application as a layer, with a new head on its averaged features."""
    base = _application(keras, name)(weights=None, include_top=False, pooling="avg", **_shape(name))
    image = keras.Input(base.input_shape[1:], name="image")
    return keras.Model(image, keras.layers.Dense(CLASSES, name="head")(base(image)))


def _application(keras: Any, name: str) -> Any:
    return functools.partial(getattr(keras.applications, name), **WIDTHS.get(name, {}))


def _shape(name: str) -> dict[str, Any]:
    size = SIZES.get(name, 32)
    return {"input_shape": (size, size, 3)}


def _name(name: str, nesting: str, version: int) -> str:
    return f"{name}{nesting}, Keras {version}"


def _like(name: str, nesting: str, version: int) -> str | None:
    """The row that a variant may be the same as: the one of Keras 3 for Keras 2, and the plain one for Keras 3."""
    if version == 2:
        return f"{GROUP}/{_name(name, nesting, 3)}"
    return f"{GROUP}/{_name(name, '', 3)}" if nesting else None


def _rows(name: str) -> list[Row]:
    domain: Domain = "pixels" if name in PIXELS else "float"
    return [
        Row(
            name=_name(name, nesting, version),
            group=GROUP,
            like=_like(name, nesting, version),
            make=functools.partial(make, name=name),
            keras=version,  # type: ignore[arg-type]
            domain=domain,
        )
        for make, nesting in ((plain, ""), (nested, " nested"))
        for version in (3, 2)
    ]


ROWS = [row for name in NAMES for row in _rows(name)]
