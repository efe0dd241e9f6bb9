"""The values of `edgekit diet`: what each saving gave, and the proof that the file computes what it did.

How the savings are made (`tflite/diet`) and how the proof is taken (`measure/same`) is not known here.
"""

from __future__ import annotations

from typing import Literal

from edgekit.tflite.diet.whole import Saving
from edgekit.values import Value

SCHEMA_VERSION = 1
Sameness = Literal["same", "different", "not run"]


class RuntimeProof(Value):
    """Two files on one runtime.

    `inputs` of the `asked` random inputs were run: fewer where the time limit cut them. `operators` and `delegated` are
    those of the main graph and those of them that a delegate takes, None where the runtime does not tell;
    `arena_before` and `arena_after` bytes of a microcontroller's arena. `reason` says why they differ or were not run.
    """

    runtime: str
    outcome: Sameness
    inputs: int = 0
    asked: int = 0
    reason: str | None = None
    operators: int | None = None
    delegated: int | None = None
    arena_before: int | None = None
    arena_after: int | None = None


class Proof(Value):
    """Two files on every runtime that is at hand.

    `different` where they differ on one, `same` where they are equal to the bit on all that run them, `not run` where none
    does.
    """

    outcome: Sameness
    runtimes: tuple[RuntimeProof, ...] = ()

    @property
    def reason(self) -> str | None:
        """Why it is not `same`; None where it is."""
        if self.outcome == "same":
            return None
        said = [f"{one.runtime}: {one.reason}" for one in self.runtimes if one.outcome == self.outcome and one.reason]
        return "; ".join(said) or "no runtime is at hand"


class FileDiet(Value):
    """The diet of a file that a build wrote: the bytes before it, what each saving gave, and the proof.

    `reason` says why the file stayed as the converter wrote it; None where it did not.
    """

    flash_before: int
    savings: tuple[Saving, ...] = ()
    proof: Proof | None = None
    reason: str | None = None


class DietResult(Value):
    """What `edgekit diet` prints.

    `outcome` is `fail` where the file computes something else afterwards: then nothing is written. `out` is the file that
    was written, None where none was; `reason` says why it is the one given, unchanged. Sizes are bytes; `download_*` are
    deflated at level 9. The bytes of `savings` add up to what the file lost.
    """

    schema_version: int = SCHEMA_VERSION
    edgekit_version: str = ""
    outcome: Literal["pass", "fail"] = "pass"
    path: str = ""
    out: str | None = None
    reason: str | None = None
    sha256_before: str = ""
    sha256_after: str = ""
    flash_before: int = 0
    flash_after: int = 0
    download_before: int = 0
    download_after: int = 0
    savings: tuple[Saving, ...] = ()
    notes: tuple[str, ...] = ()
    proof: Proof | None = None
