"""The check of the Edge TPU's published rules: what can be expected of its compiler, which is not run here."""

from __future__ import annotations

from edgekit.documents.report import Check
from edgekit.tflite.edge_tpu import Mapping, load_rules, mapping
from edgekit.tflite.model import TfliteModel
from edgekit.units import format_size

COMMAND = "edgetpu_compiler -s model.tflite"


def edge_tpu_check(model: TfliteModel) -> Check:
    """How many operators the published rules allow to be mapped; it fails if none, else it is unknown: rules are no evidence."""
    found = mapping(model)
    return Check(
        name="edge_tpu",
        outcome="unknown" if found.mapped else "fail",
        limit=load_rules().compiler,
        value=f"{found.mapped} of {found.operators} operators",
        basis="published",
        reason="; ".join([*_said(found), f"compilation was not run: `{COMMAND}` tells"]),
    )


def _said(found: Mapping) -> list[str]:
    said = [f"{found.mapped} of {found.operators} operators may be mapped to the Edge TPU"]
    if found.fed:
        said.append(f"{found.fed} QUANTIZE of float inputs on the processor")
    if found.first:
        rest = found.operators - found.mapped - found.fed
        said.append(f"{found.first} ends it: {found.why}; {rest} on the processor from there on")
    if found.is_batch_open:
        said.append("the file leaves its batch open, which its compiler may refuse: convert it with a batch of 1")
    if found.mapped:
        room = load_rules().weights_bytes
        said.append(
            f"{format_size(found.weight_bytes)} of weights, "
            + (
                f"of which {format_size(found.streamed_bytes)} do not fit {format_size(room)} and are fetched at every inference"
                if found.streamed_bytes
                else f"within its {format_size(room)}"
            )
        )
    return said
