"""What kind of loss a name stands for: a distance from the targets, or a cross-entropy of labels.

A loss is written as Keras's own name, followed by `_from_logits` if the output is a logit, and by settings as JSON;
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
    """Keras's own name of a loss given as text, in full: without its settings and `_from_logits`.

    >>> plain_name('huber {"delta": 5.0}'), plain_name("binary_crossentropy_from_logits"), plain_name("mse")
    ('huber', 'binary_crossentropy', 'mean_squared_error')
    """
    name = text.partition(" ")[0].removesuffix(FROM_LOGITS)
    return SHORT.get(name, name)


def is_distance(text: str | None) -> bool:
    """Whether a loss is a distance between numbers, as used for regression.

    >>> is_distance("mae"), is_distance("MeanSquaredError"), is_distance("hinge"), is_distance(None)
    (True, True, False, False)
    """
    return text is not None and _snake(plain_name(text)) in _DISTANCES


def takes_shares(text: str | None) -> bool:
    """Whether a loss expects rows of probabilities that sum to 1."""
    return text is not None and _snake(plain_name(text)) in _SHARES


def is_binary(text: str | None) -> bool:
    """Whether a loss takes each item of an output as a separate yes-or-no decision."""
    return text is not None and _snake(plain_name(text)).startswith(("binary_", "bce"))


def _snake(name: str) -> str:
    if name.islower():
        return name
    return "".join(
        f"_{c.lower()}" if c.isupper() and i and name[i - 1].islower() else c.lower() for i, c in enumerate(name)
    )
