"""The exit code of a program that was interrupted is its own.

CPython (3.8 and later) notes a `KeyboardInterrupt` that leaves code run from a string, as every import of a dataclass
runs some, even where it is caught further out. A program started with `python -m` then sends itself SIGINT after its
own exit code was given, and its caller sees a signal in place of the code. Running another string takes the note back.
"""

from __future__ import annotations

from collections import namedtuple


def interrupt_is_handled() -> None:
    """Let the process end with the exit code that it chooses, not by SIGINT."""
    namedtuple("Nothing", ())  # runs a string
