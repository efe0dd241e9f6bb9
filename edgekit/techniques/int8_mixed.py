"""Post-training int8 with the operators that rounding hurts most left in float: widths by layer.

How much the rounding of each kernel and of what it takes and gives changes the model's outputs is measured on calibration samples, one kernel at a time; those that
change them most for each of their weights stay in float, up to a share of all weights. So do operators without weights that numbers of many decades pass, as
the logarithm of a spectrum and what makes it. Where the runtime reads float16, such kernels are stored in that: computed in float32, they take one byte more than in int8. It is
for where int8 loses too much, on devices that compute in both. TensorFlow's quantizer leaves operators in float and in nothing else: 16-bit activations are for a whole file or for none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any

from msgspec import Meta
from msgspec.structs import replace

from edgekit.cost.graph import Graph
from edgekit.devices.profile import DeviceProfile
from edgekit.documents.candidate import Declined
from edgekit.techniques.fake_quant.wide import CURVES, LOGARITHMS
from edgekit.techniques.float16 import Float16
from edgekit.techniques.integer import IntegerConversion, integer, preferred_io
from edgekit.techniques.integer import Settings as IntegerSettings
from edgekit.techniques.interface import Evidence, Task
from edgekit.techniques.percents import about, percent
from edgekit.techniques.sites import WITHOUT_KERNELS, without_kernels
from edgekit.tflite.float16_weights import with_float16_weights
from edgekit.tflite.labels import labels
from edgekit.tflite.model import TfliteModel
from edgekit.tflite.numerics import arithmetic, float_operators
from edgekit.tflite.weights import kernels
from edgekit.tflite.wide import wide

SHARES = (0.05, 0.2)
"""The shares of the weights that are tried: in float32 15 and 60% more bytes of weights than with int8 alone, in float16 5 and 20%."""
OF_A_SPECTRUM = 0.6
"""With a logarithm in the model this one too: the kernels that make a spectrum are large, and what they make is what rounding hurts. In float16, 60% more bytes."""
FLOATS, HALF_BYTES = ("float32", "float16"), 2
SHOWN = 6
"""The evidence names at most so many layers."""


class Settings(IntegerSettings):
    """`share` is the most that stays in float of the kernels' weights; with 0, only operators without weights do. With `half`, these kernels are stored in float16."""

    share: Annotated[float, Meta(ge=0, lt=1)] = SHARES[0]
    half: bool = False


class Int8Mixed(IntegerConversion):
    """int8 with some operators in float."""

    name = "int8_mixed"
    settings_type = Settings
    mends_loss = "int8"
    equalizes = True

    def propose(self, task: Task) -> Sequence[Settings] | Declined:
        """Where the device computes in both, and a kernel is small enough to stay in float or numbers of many decades pass operators without one.

        The profile says the dtype of inputs and outputs.
        """
        reason = self.unsupported(task.profile) or without_kernels(task.facts) or no_float(task.profile)
        if reason is not None:
            return self.declined(reason)
        smallest = _smallest(task.graph) / task.graph.weights
        fitting = [share for share in SHARES if smallest <= share]
        if any(node.kind in CURVES for node in task.graph.nodes):
            fitting = [0.0, *fitting]
        if any(node.kind in LOGARITHMS for node in task.graph.nodes):
            fitting = [*fitting, OF_A_SPECTRUM]
        if not fitting:
            return self.declined(
                f"the smallest kernel holds {smallest:.0%} of the weights: in float, it would be most of the file"
            )
        return tuple(replace(self.defaults(task), share=share) for share in fitting)

    def defaults(self, task: Task) -> Settings:
        """With the dtype of inputs and outputs that the device takes, and in float16 what stays in float, where its runtime reads that."""
        return Settings(io=preferred_io(task), half=Float16().unsupported(task.profile) is None)

    def label(self, settings: Settings) -> str:
        """Its part of a candidate's name: the share in percent."""
        return f"{self.name}_{percent(settings.share)}"

    def effect(self, graph: Graph, settings: Settings) -> Graph:
        """As int8, with the share in float; only the file shows which kernels these are."""
        wide = {"float_bytes": HALF_BYTES} if settings.half else {}
        return replace(integer(graph), may_stay_float=True, float_weights=int(settings.share * graph.weights), **wide)

    def configure(self, door: Any, converter: Any, settings: Settings, representative: Callable[[], Any]) -> None:
        """Ask the converter for int8 and let it keep float operators."""
        super().configure(door, converter, settings, representative)
        operators = door.tf.lite.OpsSet
        converter.target_spec.supported_ops = [operators.TFLITE_BUILTINS_INT8, operators.TFLITE_BUILTINS]

    def finish(self, door: Any, content: bytes, settings: Settings) -> bytes:
        """With the kernels that stayed in float in half their bytes, where they are stored so."""
        return with_float16_weights(content, where="the converted model") if settings.half else content

    def float_share(self, settings: Settings) -> float:
        """The share that the settings name."""
        return settings.share

    def ensures(self, tflite: TfliteModel, settings: Settings) -> Evidence:
        """Holds where some kernels are int8 with what they take, and the others, which hold no more than the share of the weights, float.

        Something is in float by the technique: one of these, or an operator that numbers of many decades pass.
        """
        found = kernels(tflite)
        stored = FLOATS[settings.half]
        taken = FLOATS if settings.half else FLOATS[:1]  # a number that float16 does not hold stays as it is
        floats = [kernel for kernel in found if kernel.dtype in taken]
        whole = sum(kernel.dtype == "int8" for kernel in found)
        weights = sum(kernel.array.size for kernel in found)
        share = sum(kernel.array.size for kernel in floats) / weights if weights else 0.0
        layers = dict(zip((one.outputs for one in tflite.operators), labels(tflite), strict=True))
        of_kernels = [kernel.operator.outputs for kernel in floats]
        curved = wide(tflite)
        names = _told([layers[outputs] for outputs in of_kernels])
        others = [one for one in float_operators(tflite) if one in curved]
        beside = f"; operators without weights in float: {_told([one.name for one in others])}" if others else ""
        return Evidence(
            technique=self.name,
            holds=bool(floats or others)
            and 0 < whole == len(found) - len(floats)
            and share <= settings.share
            and "hybrid" not in arithmetic(tflite),
            detail=f"{whole} of {len(found)} kernels are int8; {about(share)}% of the weights are in {stored}, {percent(settings.share)}% may be: {names}{beside}",
        )


def _told(names: Sequence[str]) -> str:
    """The first of some names, each once."""
    each = list(dict.fromkeys(names))
    return ", ".join(each[:SHOWN]) + (f" and {len(each) - SHOWN} more" if len(each) > SHOWN else "") or "none"


def no_float(profile: DeviceProfile) -> str | None:
    """Why no operator may stay in float on a device; None where some may."""
    if profile.npu is not None:
        return f"what stays in float would leave the NPU of {profile.name}"
    native = profile.numerics.float32 == "native"
    return None if native else f"{profile.name} computes no operator in floating point"


def _smallest(graph: Graph) -> int:
    """The fewest weights of an operator that has a kernel."""
    sizes = [node.weights for node in graph.nodes if node.weights and not node.kind.startswith(WITHOUT_KERNELS)]
    return min(sizes, default=graph.weights)
