"""Samples that stand where they must not: in two splits, twice in one, or with two targets.

The training split itself tells how often samples are equal by chance: if many of its own samples have an equal, as
in coarse tabular data, a fresh sample would have one as often.
"""

from __future__ import annotations

import math

from edgekit.documents.report import Finding
from edgekit.ingest.seen import DataSeen, Overlap, SplitSeen
from edgekit.sanity.amounts import both, percent, share

SURE = 3.0
"""A share must exceed the share expected by chance by so many standard errors."""
LEAST_COPIES, LEAST_COPIED = 2, 0.001
LEAST_NEAR, LEAST_NEAR_SHARE = 3, 0.005
LEAST_REPEATS, LEAST_REPEATED = 5, 0.01
LEAST_CONFLICTS, LEAST_IN_CONFLICT = 2, 0.001
LEAST_BLANKS, LEAST_BLANK = 3, 0.01
TELLS = 4.0
"""Equal samples are copies, and not chance, if a sample's `bits` are at least so many times the logarithm of the number of
samples. Two times would do if values were independent, but they are not."""


def copies(seen: DataSeen, *, are_classes: bool) -> list[Finding]:
    """All findings on copies. For a regression (`are_classes` false), equal samples with different targets are no finding."""
    found = [_overlap(one) for one in seen.overlaps]
    if are_classes:
        found += [_conflict_between(one, seen) for one in seen.overlaps]
    for split, one in seen.splits.items():
        found += [_repeats(split, one), _blanks(split, one)]
        found += [_conflicts(split, one)] if are_classes else []
    return [one for one in found if one is not None]


def _overlap(found: Overlap) -> Finding | None:
    exact, near = _is_copied(found), _is_near(found)
    if not exact and not near:
        return None
    where = "training" if "train" in found.second else both(found.second)
    said = [
        f"{share(found.exact, found.samples)} samples of {found.first} stand in the {where} split value for value"
    ] * exact
    if near:
        looked = share(found.near, found.looked)
        beside = (
            f"; of its own images {percent(_share(found.within, found.looked_within))} resemble another one as closely"
        )
        said += [f"{looked} images of {found.first} that were looked at nearly equal one of the {where} split{beside}"]
    return Finding(
        name=f"{found.first}_in_{where}",
        what="; ".join(said),
        advice=f"take them out of one of the two splits: what {found.first} says of them is what the model has learnt by heart, and the "
        "drop that it shows may be too small",
    )


def _is_copied(found: Overlap) -> bool:
    found_share, chance = _share(found.exact, found.samples), found.twins
    error = math.sqrt(max(chance * (1 - chance), 1 / found.samples) / found.samples)
    least = found.exact >= LEAST_COPIES and found_share - chance >= LEAST_COPIED
    return least and (chance == 0 or found_share - chance > SURE * error)


def _is_near(found: Overlap) -> bool:
    near, within = _share(found.near, found.looked), _share(found.within, found.looked_within)
    error = math.sqrt(
        (near * (1 - near) + 1 / max(1, found.looked)) / max(1, found.looked)
        + (within * (1 - within) + 1 / max(1, found.looked_within)) / max(1, found.looked_within)
    )
    return found.near >= LEAST_NEAR and near - within >= LEAST_NEAR_SHARE and near - within > SURE * error


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _are_many(count: int, samples: int, least: int, least_share: float) -> bool:
    """Whether a count is worth a finding, by itself and as a share of the samples."""
    return count >= max(least, least_share * samples)


def _are_equals_unlikely(seen: SplitSeen) -> bool:
    """Whether two equal samples are unlikely to be chance."""
    return seen.bits >= TELLS * math.log2(max(2, seen.samples))


def _repeats(split: str, seen: SplitSeen) -> Finding | None:
    if not (_are_many(seen.repeats, seen.samples, LEAST_REPEATS, LEAST_REPEATED) and _are_equals_unlikely(seen)):
        return None
    return Finding(
        name="duplicates",
        what=f"{share(seen.repeats, seen.samples)} samples of {split} are copies of another one there",
        advice="keep each sample once: copies count several times in every figure, and make its interval too narrow",
    )


def _conflicts(split: str, seen: SplitSeen) -> Finding | None:
    if not (_are_many(seen.conflicts, seen.samples, LEAST_CONFLICTS, LEAST_IN_CONFLICT) and _are_equals_unlikely(seen)):
        return None
    return _conflict(
        f"{share(seen.conflicts, seen.samples)} samples of {split} have an equal there with another target"
    )


def _conflict_between(found: Overlap, seen: DataSeen) -> Finding | None:
    are_many = _are_many(found.conflicts, found.samples, LEAST_CONFLICTS, LEAST_IN_CONFLICT)
    if not (are_many and _are_equals_unlikely(seen.splits[found.first])):
        return None
    counted = share(found.conflicts, found.samples)
    return _conflict(f"{counted} samples of {found.first} stand in {both(found.second)} with another target")


def _conflict(what: str) -> Finding:
    return Finding(
        name="conflicting_labels",
        what=what,
        advice="look at them and label them anew: no model can be right on both",
    )


def _blanks(split: str, seen: SplitSeen) -> Finding | None:
    if not (_are_many(seen.blanks, seen.samples, LEAST_BLANKS, LEAST_BLANK) and _are_equals_unlikely(seen)):
        return None
    return Finding(
        name="blank_samples",
        what=f"{share(seen.blanks, seen.samples)} samples of {split} have one value throughout",
        advice="look at them: files that failed to load, an image that was clipped, a sensor that was off",
    )
