"""What the kernel of a call reads of each input channel, and the ranges of its sums."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from edgekit.passes.channels.layout import Part, Weight
from edgekit.passes.channels.numbers import NEGLIGIBLE, Range, scaled, settled


class Kernel(NamedTuple):
    """The weights of a call by (tap, input channel, filter), those it adds up, and what is added to each sum.

    `rises` and `falls` tell by (input channel, filter) whether some weight is above or below zero by what counts. `pads` says whether some sums
    see zeros in place of the input: at a border, or before the first step.
    """

    weights: np.ndarray
    bias: np.ndarray
    rises: np.ndarray
    falls: np.ndarray
    pads: bool

    @property
    def reads(self) -> np.ndarray:
        """By (input channel, filter), whether the filter depends on the channel."""
        return np.asarray(self.rises | self.falls)


class Reading(NamedTuple):
    """One kernel of a call: the channels that its sums run over, those that they make, and its numbers; a filter is a block of a made channel."""

    given: Part
    made: Part
    kernel: Kernel

    @property
    def reads(self) -> np.ndarray:
        """By (channel that is summed, channel that is made), whether the one depends on the other."""
        found = self.kernel.reads
        by_block = found.reshape(len(found), self.made.blocks, -1)
        return found if self.made.blocks == 1 else np.asarray(by_block.any(axis=1))

    @property
    def squares(self) -> np.ndarray:
        """By channel that is made, the sum of the squares of its weights, float64."""
        weights = self.kernel.weights
        by_filter = np.einsum("tif,tif->f", weights, weights, dtype=np.float64)
        return np.asarray(by_filter.reshape(self.made.blocks, -1).sum(axis=0))


def reading(weight: Weight, bias: np.ndarray, *, pads: bool) -> Reading:
    """What a kernel reads, with its numbers as they are now."""
    return Reading(weight.given, weight.made, kernel_of(weight.by_tap, bias, pads=pads))


def kernel_of(weights: np.ndarray, bias: np.ndarray, *, pads: bool, by_channel: bool = False) -> Kernel:
    """The kernel of weights by (tap, input channel, filter); `by_channel` where the filters are those of each channel, as in a depthwise one."""
    most, least = weights.max(axis=0), weights.min(axis=0)
    floor = _negligible(np.maximum(most, -least), by_channel=by_channel)
    return Kernel(weights, bias, most > floor, least < -floor, pads)


def squares_of(readings: Sequence[Reading], channels: int) -> np.ndarray:
    """By channel that a call makes, the sum of the squares of all weights that make it, float64."""
    found = np.zeros(channels)
    for one in readings:
        found[one.made.channels] += one.squares
    return found


def _negligible(sizes: np.ndarray, *, by_channel: bool) -> np.ndarray:
    """Up to which size a weight of each filter counts as zero: all of them in a filter that is nothing beside the others."""
    largest = sizes if by_channel else sizes.max(axis=0)
    return np.where(largest <= NEGLIGIBLE * sizes.max(), np.inf, NEGLIGIBLE * largest)


def sums(kernel: Kernel, given: Range) -> Range:
    """The ranges of the sums of a dense layer or a convolution, before its activation."""
    given = given.with_zero if kernel.pads else given
    (no_low, no_high), filters = (np.isinf(end)[:, None] for end in given), kernel.bias.size
    is_low_open = (kernel.rises & no_low | kernel.falls & no_high).any(axis=0)
    is_high_open = (kernel.rises & no_high | kernel.falls & no_low).any(axis=0)
    low, high = np.full(filters, -np.inf), np.full(filters, np.inf)
    bounded = np.flatnonzero(~(is_low_open & is_high_open))
    if bounded.size:
        ends = _bounded_sums(kernel, given, bounded)
        low[bounded], high[bounded] = ends
        low[is_low_open], high[is_high_open] = -np.inf, np.inf
    return settled(low, high)


def _bounded_sums(kernel: Kernel, given: Range, filters: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The ends of some sums; an infinite end of an input counts as zero."""
    weights = kernel.weights[..., filters].astype(np.float64)
    above = np.where(kernel.rises[:, filters], np.maximum(weights, 0).sum(axis=0), 0.0)
    below = np.where(kernel.falls[:, filters], np.minimum(weights, 0).sum(axis=0), 0.0)
    low, high = (np.where(np.isinf(end), 0.0, end) for end in given)
    bias = kernel.bias[filters]
    return low @ above + high @ below + bias, high @ above + low @ below + bias


def depthwise_sums(kernel: Kernel, given: Range) -> Range:
    """The ranges of the sums of a depthwise convolution, before its activation."""
    given = given.with_zero if kernel.pads else given
    weights = kernel.weights.astype(np.float64)
    times = weights.shape[-1]
    above = np.where(kernel.rises, np.maximum(weights, 0).sum(axis=0), 0.0).reshape(-1)
    below = np.where(kernel.falls, np.minimum(weights, 0).sum(axis=0), 0.0).reshape(-1)
    repeated = Range(*(np.repeat(end, times) for end in given))
    positive, negative = scaled(repeated, above), scaled(repeated, below)
    return settled(positive.low + negative.low + kernel.bias, positive.high + negative.high + kernel.bias)
