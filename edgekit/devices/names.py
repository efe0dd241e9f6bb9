"""Which device a name means: its id, an alias, or its product name, in any spelling.

Case and punctuation are ignored. A name that fits two devices stands for neither, and a part of a name for none: an
ESP32 is not an ESP32-S3.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from edgekit.values import Value

_NOTE = re.compile(r"\(.*?\)")
_WORD = re.compile(r"[a-z0-9]+")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")  # control characters other than white space: no name has one
IDLE = {"model", "board", "kit", "discovery", "developer", "development", "evk"}
"""Words that may be left out of a name."""
MOST_NAMED = 8  # how many devices are suggested that have all the words of a name
MOST_NEAR = 3  # how many devices are suggested for a similar spelling
NEARLY, AS_NEAR = 0.6, 0.05  # difflib ratios: the least for a suggestion, and how far below the nearest it may be


class Identity(Value):
    """What a device is called."""

    id: str
    name: str = ""
    aliases: tuple[str, ...] = ()


class Meant(Value):
    """The device that a name means; None if it means none, with the devices in `near` as suggestions."""

    id: str | None = None
    is_ambiguous: bool = False
    near: tuple[str, ...] = ()


def meant(given: str, devices: Iterable[Identity]) -> Meant:
    """The device that a name means, among `devices`.

    >>> pi = Identity(id="rpi4", name="Raspberry Pi 4 Model B", aliases=("raspberry-pi-4",))
    >>> meant("Raspberry Pi 4", [pi]).id, meant("raspberry_pi_4b", [pi]).id, meant("Raspberry Pi", [pi]).near
    ('rpi4', 'rpi4', ('rpi4',))
    """
    known = {device.id: device for device in devices}
    if given in known:
        return Meant(id=given)
    by_key: dict[str, dict[str, None]] = {}
    for device in known.values():
        for key in _keys(device):
            by_key.setdefault(key, {})[device.id] = None
    found = () if _CONTROL.search(given) else tuple(by_key.get(_key(given), ()))
    if len(found) == 1:
        return Meant(id=found[0])
    return Meant(is_ambiguous=bool(found), near=found or _near(given, known, by_key))


def suggestion(near: Sequence[str], devices: Iterable[Identity]) -> str:
    """What to try in place of a name that means none, or several: the devices near it, or where all are listed."""
    names = {device.id: device.name for device in devices}
    if len(near) == 1:
        return f"did you mean {near[0]!r}?"
    said = ", ".join(f"{one!r} ({names[one]})" for one in near)
    return f"did you mean one of {said}?" if near else "`edgekit devices` lists them"


def _keys(device: Identity) -> Iterator[str]:
    """Every spelling that means a device, without case and punctuation."""
    yield from filter(None, map(_key, _names(device)))
    words = _words(_NOTE.sub("", device.name))
    for shorter in (words, words[1:]):  # the first word may be the manufacturer
        telling = [word for word in shorter if word not in IDLE]
        if len(telling) > 1 or any(_is_model_number(word) for word in telling):
            yield "".join(shorter)
            yield "".join(telling)


def _names(device: Identity) -> tuple[str, ...]:
    return (device.id, device.name, *device.aliases)


def _is_model_number(word: str) -> bool:
    """Whether a word has both letters and digits: such a word names a product, a plain word or number may mean many."""
    return not word.isalpha() and not word.isdigit()


def _words(name: str) -> list[str]:
    return _WORD.findall(name.casefold().replace("+", "plus"))


def _key(name: str) -> str:
    return "".join(_words(name))


def _near(given: str, known: Mapping[str, Identity], by_key: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """Devices whose names have all the words of the given name, else those with a similar spelling."""
    words = set(_words(given))
    told = {device.id: {word for name in _names(device) for word in _words(name)} for device in known.values()}
    within = [identity for identity, mine in told.items() if words and words <= mine]
    if within:
        return tuple(within)[:MOST_NAMED]
    likeness = {key: difflib.SequenceMatcher(None, _key(given), key).ratio() for key in by_key}
    best = max(likeness.values(), default=0.0)
    keys = [
        key for key in sorted(by_key, key=lambda key: -likeness[key]) if likeness[key] >= max(NEARLY, best - AS_NEAR)
    ]
    return tuple(dict.fromkeys(identity for key in keys for identity in by_key[key]))[:MOST_NEAR]
