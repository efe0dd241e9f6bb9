"""What the figures of a device profile must be together, beyond each one's type: raises `ProfileError` where they are not.

`file` names the profile in messages.
"""

from __future__ import annotations

from edgekit.devices.profile_tables import Budget, Memory, Npu, Numerics, Quantity, Rates, Runtime
from edgekit.errors import ProfileError
from edgekit.units import format_size


def check_memory(memory: Memory, budget: Budget, file: str) -> None:
    """A model's share of memory is at most the whole, on the largest board if several sizes are sold."""
    ram, flash = _largest(memory.ram, memory.ram_slow), _largest(memory.flash)
    parts = {
        "memory.ram_for_model": (memory.ram_for_model, ram, "memory.ram"),
        "memory.ram_fast": (memory.ram_fast, ram, "memory.ram"),
        "memory.flash_for_model": (memory.flash_for_model, flash, "memory.flash"),
        "budget.ram": (budget.ram, ram, "memory.ram"),
        "budget.flash": (budget.flash, flash, "memory.flash"),
    }
    for name, (part, whole, what) in parts.items():
        if part is None or part.value is None or whole is None or 0 < part.value <= whole:
            continue
        raise ProfileError(
            "more memory than the board has" if part.value > whole else "no memory at all",
            where=f"{file}: {name}",
            received=format_size(part.value),
            allowed=f"more than 0, and at most the {format_size(whole)} of {what}",
            next_step=f"correct {name}, or {what} where the board has more",
        )


def _largest(*parts: Quantity | None) -> float | None:
    """The total bytes of one kind of memory on the largest board that is sold; None if not known."""
    known = [part.high or part.value for part in parts if part is not None]
    found = [size for size in known if size is not None]
    return sum(found) if found else None


def check_rates(numerics: Numerics, rates: Rates, file: str) -> None:
    """A number format that the device computes in must have a rate, or its latency could not be predicted."""
    for name in ("float32", "int8", "int16x8"):
        if getattr(numerics, name) == "native" and getattr(rates, name) is None:
            raise ProfileError(
                f"{name} is native, and has no rate",
                where=f"{file}: cost.rates.{name}",
                allowed="a rate of multiply-accumulates with its interval, basis and source",
                next_step=f"add cost.rates.{name}, or set numerics.{name} to 'absent'",
            )


def check_operators(runtime: Runtime, file: str) -> None:
    """Every runtime must name an operator table, since files are checked against it; only kind 'none' must not."""
    if (runtime.kind == "none") == (runtime.operators is None):
        return
    missing = runtime.operators is None
    raise ProfileError(
        "a runtime without its operators" if missing else "operators of a runtime that is not there",
        where=f"{file}: runtime.operators",
        received=None if missing else repr(runtime.operators),
        allowed="the name of an operator table; nothing where kind is 'none'",
        next_step="name the table of the runtime's version" if missing else "remove the key, or name the kind",
    )


def check_npu(npu: Npu | None, runtime: Runtime, kind: str, file: str) -> None:
    """Vela needs a complete configuration, and only a profile of class (`kind`) 'npu' may have one."""
    if npu is None:
        return
    needed = {
        "clock": npu.clock, "accelerator": npu.accelerator, "system_config": npu.system_config,
        "memory_mode": npu.memory_mode, "cpu_rate": npu.cpu_rate,
    }  # fmt: skip
    missing = [name for name, value in needed.items() if value is None] if npu.compiler == "vela" else []
    if missing:
        raise ProfileError(
            "an NPU without the whole configuration of its compiler",
            where=f"{file}: npu.{missing[0]}",
            allowed=f"for vela all of {', '.join(needed)}",
            next_step="`vela --list-configs Arm/vela.ini` names the configurations",
        )
    for name in ("clock", "cpu_rate"):
        quantity = needed[name]
        if isinstance(quantity, Quantity) and not (quantity.value and (quantity.low is None or quantity.low > 0)):
            raise ProfileError("not above zero", where=f"{file}: npu.{name}", received=str(quantity.value))
    if kind != "npu" or runtime.compiler is None:
        raise ProfileError(
            "an NPU's table in a profile that is of none",
            where=f"{file}: npu",
            received=f"class {kind!r}",
            allowed="class = 'npu', and runtime.compiler for people",
        )
