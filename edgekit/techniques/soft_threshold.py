"""How far sizes (of weights, or of groups of them) are drawn towards zero in each step of a training, so that a share of them ends there.

A proximal step moves each size towards zero by a threshold; one that would cross it becomes zero (Parikh and Boyd, Proximal Algorithms, section
4.2). Large ones are drawn less (reweighted L1: Candes, Wakin and Boyd, arXiv 0711.1612). The optimiser is Adam, whose steps do not tell how large a
gradient is, so no fixed strength leads to a wanted share: the threshold is adapted until the share follows its schedule.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

ADAPTATIONS = 100
"""How often the threshold is adapted while the share of zeros rises."""
FACTOR = 1.2
"""By how much the threshold is raised or lowered."""
KNEE = 0.25
"""The size that is drawn half as much as one near zero, as a part of the size below which the wanted share lies at the start."""
TINY = 1e-12


class SoftThreshold:
    """The threshold of one set of sizes, of which the share `goal` is to be zero at the step `end`.

    It begins as what would bring the share to zero by itself, a part in each step. As long as the share is not above its schedule by more than
    `slack`, the threshold stays: few sizes that move alike would else all come back at once.
    """

    def __init__(self, sizes: np.ndarray, goal: float, end: int, slack: float = 0.0) -> None:
        import numpy as np

        self.goal, self._end, self._slack = goal, end, slack
        self._every = max(1, end // ADAPTATIONS)
        self._knee = max(float(np.quantile(sizes, goal)) * KNEE, TINY)
        self._threshold = self._knee * (1 / KNEE + 1 / KNEE**2 / 2) / end

    def reach(self, sizes: Any) -> Any:
        """How far each of these sizes (of any array library) moves towards zero in this step."""
        return self._threshold * self._knee / (sizes + self._knee)

    def is_adapted_at(self, step: int) -> bool:
        """Whether `adapt` is to be called after a step."""
        return step % self._every == 0

    def adapt(self, share: float, step: int) -> None:
        """Raise the threshold where the share of zeros is behind its schedule, which rises as that of magnitude pruning; else lower it."""
        progress = 1 - (1 - min(1.0, step / self._end)) ** 3
        if share < self.goal * progress:
            self._threshold *= FACTOR
        elif share >= self.goal * progress + self._slack:
            self._threshold /= FACTOR
