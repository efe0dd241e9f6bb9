"""The ranges of TFMOT's fake quantization, made to fit short fine-tunes."""

from __future__ import annotations

from typing import Any

TFMOT_DECAY = 0.999
FIRST_STEPS = 100
RANGE_ENDS = ("_min:0", "_max:0")


def renew_kernel_ranges(model: Any) -> None:
    """Set each kernel's range from its current weights: TFMOT's range is from the step before, when clusters had other values."""
    for layer in model.layers:
        for weight, _, ranges in getattr(layer, "_weight_vars", None) or ():
            channels = weight.shape[-1]
            if "max_var" in ranges and tuple(ranges["max_var"].shape) == (channels,):
                largest = abs(weight.numpy()).reshape(-1, channels).max(axis=0)
                ranges["min_var"].assign(-largest)
                ranges["max_var"].assign(largest)


class Ranges:
    """The ranges of activations in one run: their mean over its first steps, TFMOT's moving average after that.

    TFMOT begins with -6 to 6 and moves by a thousandth of the distance per step. After a short run with small values,
    most of int8 would stand for values that never occur. TFMOT's range of a model input only ever grows, so it begins
    with nothing.
    """

    def __init__(self, model: Any) -> None:
        weights = [weight for layer in model.layers for weight in layer.weights if not weight.shape.rank]
        inputs = [layer.quantizer_vars for layer in model.layers if type(layer).__name__ == "QuantizeLayer"]
        self._growing = [one[end] for one in inputs for end in ("min_var", "max_var")]
        self._moving = [
            weight for weight in weights if weight.name.endswith(RANGE_ENDS) and "kernel_" not in weight.name
            and not any(weight is one for one in self._growing)
        ]  # fmt: skip
        self._before: list[float] = []

    def after_step(self, step: int) -> None:
        """Called with 0 before the first step, and with the step's number after each."""
        if step == 0:
            for variable in self._growing:
                variable.assign(0.0)
        elif step <= FIRST_STEPS:
            for variable, before in zip(self._moving, self._before, strict=True):
                seen = before + (float(variable.numpy()) - before) / (1 - TFMOT_DECAY)
                mean = before + (seen - before) / step if step > 1 else seen
                variable.assign(min(mean, 0.0) if "_min:" in variable.name else max(mean, 0.0))
        if step < FIRST_STEPS:
            self._before = [float(variable.numpy()) for variable in self._moving]
