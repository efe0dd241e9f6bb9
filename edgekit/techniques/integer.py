"""What the integer conversions share: their settings, the converter's options, and their effect on a lowered graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Literal

from msgspec.structs import replace

from edgekit.cost.graph import Arithmetic, Graph
from edgekit.devices.profile import DeviceProfile
from edgekit.techniques.interface import Conversion, Task
from edgekit.tflite.float_ends import CURVES, float_ends
from edgekit.tflite.model import TfliteModel
from edgekit.tflite.numerics import casts_of_inputs, float_operators
from edgekit.tflite.weights import kernels
from edgekit.values import Value

Io = Literal["int8", "uint8", "float32"]
WEIGHT_BITS, WEIGHT_BYTES = 8, 1


class Settings(Value):
    """`io` is the dtype of the model's inputs and outputs."""

    io: Io = "float32"


class IntegerConversion(Conversion):
    """int8 weights and activations, calibrated on training samples, with integer operators only."""

    calibrated = True
    settings_type: ClassVar[type[Settings]] = Settings

    def unsupported(self, profile: DeviceProfile) -> str | None:
        """A device without int8 arithmetic runs none of its files."""
        return f"{profile.name} has no int8 arithmetic" if profile.numerics.int8 == "absent" else None

    def defaults(self, task: Task) -> Any:
        """Inputs and outputs of the dtype that the device takes."""
        return self.settings_type(io=preferred_io(task))

    def effect(self, graph: Graph, settings: Any) -> Graph:
        """int8 weights with one scale per channel, and int8 activations."""
        return integer(graph)

    def port_dtype(self, settings: Any) -> str:
        """The dtype that the settings name."""
        io: str = settings.io
        return io

    def configure(self, door: Any, converter: Any, settings: Any, representative: Callable[[], Any]) -> None:
        """Ask the converter for integer operators only."""
        tf = door.tf
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = representative
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        dtype = {"int8": tf.int8, "uint8": tf.uint8, "float32": tf.float32}[settings.io]
        converter.inference_input_type = dtype
        converter.inference_output_type = dtype


def preferred_io(task: Task) -> Io:
    """The first of the profile's input and output dtypes that a conversion can give; float32 where there is none."""
    known: tuple[Io, ...] = ("int8", "uint8", "float32")
    wanted = (io for dtype in task.profile.numerics.input_output for io in known if io == dtype)
    return next(wanted, "float32")


def integer(
    graph: Graph,
    *,
    activation_bytes: int = 1,
    bias_bytes: int = 4,
    arithmetic: Arithmetic = "int8",
    per_channel: bool = True,
) -> Graph:
    """The graph with int8 weights, one scale per channel or per tensor, and integer activations and biases of the given bytes."""
    found = graph.changed(
        lambda node: {
            "weight_bits": WEIGHT_BITS,
            "resident_bytes": WEIGHT_BYTES,
            "bias_bytes": bias_bytes,
            "activation_bytes": activation_bytes,
            "arithmetic": arithmetic,
            "scales": node.channels if per_channel else min(node.channels, 1),
        }
    )
    return replace(found, input_bytes=activation_bytes)


def whole_integer(tflite: TfliteModel) -> tuple[bool, str]:
    """Whether all kernels of a file are integer and only operators at its inputs and outputs work in float, with the counts in words."""
    found, casts, ends = kernels(tflite), casts_of_inputs(tflite), float_ends(tflite)
    whole = sum(kernel.dtype in ("int8", "int4") for kernel in found)
    floats = sorted({one.name for one in float_operators(tflite) if one not in casts and one not in ends})
    curves = sorted({one.name for one in ends if one.name in CURVES})
    but = [*(["the CAST of an input"] if casts else []), *(f"the {name} of an output" for name in curves)]
    detail = f"{whole} of {len(found)} kernels are int8; " + (
        f"float operators: {', '.join(floats)}"
        if floats
        else f"no float operator{' but ' if but else ''}{' and '.join(but)}"
    )
    return whole == len(found) and not floats, detail
