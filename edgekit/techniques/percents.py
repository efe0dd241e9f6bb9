"""Shares in percent, as they stand in the names of candidates and in sentences: none is said to be 0, 100 or another share that it is not."""

from __future__ import annotations

from decimal import Decimal

TINY = 1e-9
"""Of a smaller share it is told what stays: nearly a hundred percent have too many nines to be read."""
MOST_DECIMALS = 16


def percent(share: float) -> str:
    """A share in percent with all its digits: no two shares look the same.

    >>> percent(0.35), percent(0.999999999), percent(1e-300)
    ('35', '99.9999999', '1e-298')
    """
    return _plain(Decimal(repr(float(share))) * 100)


def percent_gone(left: float) -> str:
    """What goes where a share stays, in percent with all its digits.

    >>> percent_gone(0.7), percent_gone(0.99999999), percent_gone(1e-300)
    ('30', '0.000001', 'all_but_1e-298')
    """
    return f"all_but_{percent(left)}" if left < TINY else _plain((1 - Decimal(repr(float(left)))) * 100)


def about(share: float, beside: float | None = None, *, decimals: int = 1) -> str:
    """A share in percent to some decimals, and to more where it would look like none, like all, or like the share beside it.

    >>> about(0.5), about(0.99996), about(0.1234, 0.12, decimals=0)
    ('50.0', '99.996', '12.3')
    """
    others = [one for one in (0.0, 1.0, beside) if one is not None and one != share]
    for digits in range(decimals, MOST_DECIMALS):
        text = f"{100 * share:.{digits}f}"
        if all(text != f"{100 * other:.{digits}f}" for other in others):
            return text
    return percent(share)


def _plain(number: Decimal) -> str:
    """A number without zeros at its end, and with an exponent only where it is very small."""
    plain = number.normalize()
    return f"{plain:f}" if plain.adjusted() >= -12 else str(plain).lower()
