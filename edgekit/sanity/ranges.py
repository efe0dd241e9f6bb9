"""Inputs in another range than the model was trained on: what its first layers tell, and which transform improves its answers.

A model that answers its training samples well gives no finding: it was trained on such values, whatever its layers say.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Literal

from edgekit.documents.report import Finding, InputFacts
from edgekit.ingest.seen import InputSeen
from edgekit.sanity.amounts import percent
from edgekit.sanity.transforms import Transform
from edgekit.values import Value

BADLY = 0.5
"""A model is examined if its kappa (or explained variance) on training samples is below this."""
HARDLY = 0.2
NARROW, WIDE = 0.05, 20.0
"""A rescaling layer gives values that span about 1; a span outside of these two is far from that."""
TIMES, AWAY = 8.0, 4.0
"""Inputs differ from those a normalising layer was trained on if their spread is `TIMES` larger or smaller, or their mean
`AWAY` standard deviations off, for at least half of the channels."""
SURE, GAINS, MENDS = 4.0, 0.1, 0.3


class Front(Value):
    """The values that reach one of the model's first layers, beside those that the layer was made for.

    For a Rescaling layer, `low` and `high` are the range of its outputs. For others, `mean` and `std` are those of the values
    that reach it, channel by channel, and `made_mean` and `made_std` those it was trained on. `is_first` says that no layer
    with weights comes before it.
    """

    layer: str
    kind: Literal["Rescaling", "Normalization", "BatchNormalization"]
    is_first: bool = True
    scale: float = 1.0
    low: float = 0.0
    high: float = 0.0
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    made_mean: tuple[float, ...] = ()
    made_std: tuple[float, ...] = ()


class Fit(Value):
    """How well the model answers some samples: `right` of `count`; for a regression, the share of variance explained.

    `worth` is kappa (what is right beyond chance), or the variance explained: 1 is perfect.
    """

    count: int
    worth: float
    right: float | None = None
    chance: float | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Tried:
    """A transform, the fit with it, and how many samples it turns from wrong to right and from right to wrong."""

    transform: Transform
    fit: Fit
    mended: int
    broken: int


def is_suspicious(fit: Fit) -> bool:
    """Whether the model answers its own training samples so badly that their range should be examined."""
    return fit.worth < BADLY


def input_range(
    fit: Fit, fronts: Sequence[Front], tried: Sequence[Tried], seen: InputSeen, *, elsewhere: bool = False
) -> Finding | None:
    """The finding on a model with one input and its `fit` on training samples.

    `fronts` are its first layers, `tried` the results of transforms of the inputs. `elsewhere` says that another finding
    already explains the bad answers: then few right answers alone are no finding.
    """
    if not is_suspicious(fit):
        return None
    layers = [apart for front in fronts if (apart := _mismatch(front)) is not None]
    best = _best(fit, tried)
    if best is None and not layers:
        return _weak(fit) if fit.worth < HARDLY and not elsewhere else None
    said = [
        f"the inputs have values from {seen.low:.4g} to {seen.high:.4g} (mean {seen.mean:.3g}, standard deviation {seen.std:.3g})"
    ]
    said += [what for what, _ in layers]
    said.append(f"on {fit.count:,} training samples {_worth(fit)}")
    advice = layers[0][1] if layers else ""
    if best is not None:
        said[-1] += f", and after one change of the inputs {_worth(best.fit)}"
        advice = best.transform.fix
    return Finding(
        name="input_range", what="; ".join(said), advice=f"{advice}; prepare the data as the model's own was"
    )


MOST_OUTSIDE, LEAST_USED = 2.0, 0.1
"""How many times narrower or wider a quantized input's range is than its values, to be a finding."""
_STORED = {"int8": (-128, 127), "uint8": (0, 255), "int16": (-32768, 32767)}


def beyond_the_input(port: InputFacts, seen: InputSeen) -> Finding | None:
    """Values outside the range of a file's quantized input, or within a few steps of it: it was calibrated on other values."""
    if port.scale is None or port.dtype not in _STORED:
        return None
    low, high = ((stored - (port.zero_point or 0)) * port.scale for stored in _STORED[port.dtype])
    width, used = high - low, seen.quantiles[2] - seen.quantiles[0]
    if (
        used <= MOST_OUTSIDE * width
        and (seen.high - seen.low) >= LEAST_USED * width
        and low <= seen.quantiles[1] <= high
    ):
        return None
    return Finding(
        name="input_range",
        what=f"input {port.name!r} holds values from {low:.4g} to {high:.4g}, and is given {seen.low:.4g} to {seen.high:.4g}",
        advice="prepare the data as those were that the file was calibrated on (multiply or divide by 255, standardise)",
    )


def _best(fit: Fit, tried: Sequence[Tried]) -> Tried | None:
    """The transform that improves answers the most, if that is not chance; the first of those that are about as good."""
    sure = [one for one in tried if _improves(fit, one)]
    if not sure:
        return None
    top = max(one.fit.worth for one in sure)
    return next(one for one in sure if one.fit.worth >= top - 0.05)


def _improves(fit: Fit, one: Tried) -> bool:
    if one.fit.worth < MENDS or one.fit.worth - fit.worth < GAINS:
        return False
    if fit.right is None:
        return one.fit.worth >= BADLY and one.fit.count >= 30
    changed = one.mended + one.broken
    return changed > 0 and (one.mended - one.broken) / math.sqrt(changed) >= SURE


def _mismatch(front: Front) -> tuple[str, str] | None:
    """What in a layer's inputs looks wrong, and what to do about it."""
    if front.kind == "Rescaling":
        return _rescaled(front)
    spread, away = _spread(front)
    if 1 / TIMES < spread < TIMES and away < AWAY:
        return None
    said = (
        f"what comes to layer {front.layer!r} ({front.kind}) has {_times(spread)} the spread that it was trained on, and a mean "
        f"{away:.1f} of its standard deviations away"
    )
    if front.kind == "Normalization" and all(
        abs(mean) < 1 and 0.2 < std < 5 for mean, std in zip(front.mean, front.std, strict=True)
    ):
        return said, "give the raw values: the model standardises them itself, and they are standardised already"
    step = (
        f"multiply by about {_round(1 / spread)}"
        if spread < 1 / TIMES
        else f"divide by about {_round(spread)}"
        if spread > TIMES
        else ""
    )
    return (
        said,
        step
        if front.is_first and step
        else "give values of the range that it was trained on (0 to 255, 0 to 1, or standardised)",
    )


def _rescaled(front: Front) -> tuple[str, str] | None:
    width = front.high - front.low
    said = f"layer {front.layer!r} multiplies by {front.scale:.4g} and makes values from {front.low:.4g} to {front.high:.4g} of them"
    if width < NARROW and front.scale < 0.5:
        return (
            said,
            f"give them as they were before scaling (multiply by {1 / front.scale:.4g}): the model scales them itself",
        )
    if width > WIDE:
        return said, f"scale them down before: the model's rescaling is made for about {1 / front.scale:.4g}"
    return None


def _spread(front: Front) -> tuple[float, float]:
    """How many times wider values are than those a layer was trained on, and how far their mean is off: medians over channels."""
    each = zip(front.mean, front.std, front.made_mean, front.made_std, strict=True)
    ratios, gaps = [], []
    for mean, std, made_mean, made_std in each:
        if made_std > 0:
            ratios.append(std / made_std)
            gaps.append(abs(mean - made_mean) / made_std)
    return (_median(ratios), _median(gaps)) if ratios else (1.0, 0.0)


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


def _times(ratio: float) -> str:
    return f"{ratio:.3g} times" if ratio > 0 else "0 times"


def _round(value: float) -> str:
    return f"{value:.2g}" if value < 100 else f"{value:.3g}"


def _worth(fit: Fit) -> str:
    if fit.right is None or fit.chance is None:
        return f"its answers explain {fit.worth:.2f} of the variance of the targets"
    return f"{percent(fit.right)} is right (chance: {percent(fit.chance)})"


def _weak(fit: Fit) -> Finding:
    return Finding(
        name="weak_on_training",
        what=f"on {fit.count:,} samples of the training split {_worth(fit)}: the model hardly knows the data that it should come from",
        advice="compare some samples with what the model was trained on: range, channels, order of features, labels",
    )
