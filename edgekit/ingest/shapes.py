"""Whether a sample's values have only one possible order in the model's shape: only if the shapes differ by axes of size 1."""

from __future__ import annotations

import math

Shape = tuple[int, ...]


def clear_shape(sample: Shape, model: tuple[int | None, ...] | None) -> Shape | None:
    """The model's shape for a sample of another shape; None if it fits already, or if the order of its values would be a guess.

    >>> clear_shape((128,), (128, 1)), clear_shape((128,), (1, None, 1)), clear_shape((6,), (2, 3)), clear_shape((6,), (6,))
    ((128, 1), (1, 128, 1), None, None)
    """
    if model is None or sum(size is None for size in model) > 1:
        return None
    plain = tuple(math.prod(sample) if size is None else size for size in model)
    is_clear = [size for size in plain if size != 1] == [size for size in sample if size != 1]
    return plain if is_clear and plain != sample else None


def reshaped_note(sample: Shape, shape: Shape) -> str:
    """The note on samples that were reshaped."""
    said = [" x ".join(map(str, one)) for one in (sample, shape)]
    return f"samples of {said[0]} are reshaped to {said[1]}, as the model takes them"
