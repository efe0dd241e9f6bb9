"""What kind of loss a name stands for: a distance from the targets, or a cross-entropy of labels.

The text of a loss is Keras's own name, `_from_logits` after it where the output is no probability, and settings as JSON;
`edgekit.make.workshop.loss` makes losses of such texts.
"""

from __future__ import annotations

FROM_LOGITS = "_from_logits"
SHORT = {"mse": "mean_squared_error", "mae": "mean_absolute_error"}
_DISTANCES = {
    "mse", "mae", "mean_squared_error", "mean_absolute_error", "mean_absolute_percentage_error", "mape", "mean_squared_logarithmic_error",
    "msle", "huber", "huber_loss", "log_cosh", "logcosh", "poisson", "cosine_similarity", "cosine", "cosine_proximity",
}  # fmt: skip
_SHARES = {"categorical_crossentropy", "kl_divergence", "kld", "kullback_leibler_divergence"}


def plain_name(text: str) -> str:
    """Keras's own name of a loss given as text, written out: without its settings, and whatever its output is.

    >>> plain_name('huber {"delta": 5.0}'), plain_name("binary_crossentropy_from_logits"), plain_name("mse")
    ('huber', 'binary_crossentropy', 'mean_squared_error')
    """
    name = text.partition(" ")[0].removesuffix(FROM_LOGITS)
    return SHORT.get(name, name)


def is_distance(text: str | None) -> bool:
    """Whether a loss is a distance of numbers, as a regression has it.

    >>> is_distance("mae"), is_distance("MeanSquaredError"), is_distance("hinge"), is_distance(None)
    (True, True, False, False)
    """
    return text is not None and _snake(plain_name(text)) in _DISTANCES


def takes_shares(text: str | None) -> bool:
    """Whether a loss takes rows of shares that sum to 1."""
    return text is not None and _snake(plain_name(text)) in _SHARES


def is_binary(text: str | None) -> bool:
    """Whether a loss takes each item of an output as a yes or no of its own."""
    return text is not None and _snake(plain_name(text)).startswith(("binary_", "bce"))


def _snake(name: str) -> str:
    if name.islower():
        return name
    return "".join(
        f"_{c.lower()}" if c.isupper() and i and name[i - 1].islower() else c.lower() for i, c in enumerate(name)
    )
