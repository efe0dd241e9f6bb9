"""What a model decides on the test split, beside its score: which classes it confuses, what each loses, which samples changed.

Only the values. They are for reading: nothing was chosen by them, and no check uses them.
"""

from __future__ import annotations

from typing import Literal

from edgekit.values import Value


class ClassShare(Value):
    """A class: its samples, and the share of them that is decided right, from 0 to 1.

    `before` is the baseline's share and `points_lost` how many points less `after` is; None without a baseline.
    """

    label: str
    samples: int
    after: float
    before: float | None = None
    points_lost: float | None = None


class Changed(Value):
    """A sample that the baseline and the file decide differently; of a regression one whose output moved furthest.

    `sample` is its row in the test data, counted from 0. `truth`, `before` and `after` are labels or numbers; where a
    sample has many decisions or numbers, `before` and `after` are the share that is right or the mean absolute error, and
    `truth` is None. `picture` is a PNG in base64 where the input is a picture, else `values` are the first of the input.
    """

    sample: int
    truth: str | float | None
    before: str | float
    after: str | float
    picture: str = ""
    values: tuple[float, ...] = ()


class Errors(Value):
    """How many samples have an error within each pair of neighbours in `edges`; the outermost hold what is beyond.

    `what` is 'output less target', or 'mean absolute error' where a sample has several numbers; in the target's unit.
    """

    what: Literal["output less target", "mean absolute error"]
    edges: tuple[float, ...]
    after: tuple[int, ...]
    before: tuple[int, ...] = ()


class Decisions(Value):
    """The decisions of the chosen file on the test split, and of the baseline where there is one.

    `kind` is 'classes' or 'numbers'. `confusion` has a row for each true class and a column for each decided one, and is
    empty with more than 50 classes; `classes` are then those that lose the most. `changed` names at most 24 of the
    `changed_samples`; `lost` were right before and are wrong now, `gained` the other way round.
    """

    kind: Literal["classes", "numbers"]
    split: str
    samples: int
    labels: tuple[str, ...] = ()
    confusion: tuple[tuple[int, ...], ...] = ()
    classes: tuple[ClassShare, ...] = ()
    errors: Errors | None = None
    changed: tuple[Changed, ...] = ()
    changed_samples: int = 0
    lost: int = 0
    gained: int = 0

    @property
    def still_wrong(self) -> int:
        """Of the `changed_samples` those that were wrong and are wrong in another way now."""
        return self.changed_samples - self.lost - self.gained
