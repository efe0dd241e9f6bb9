"""Inputs of an ONNX file that are held at a constant value: whether the file has them, and whether each value is one of theirs.

A value is a number, a truth value, or nested lists of them, as `edgekit.toml` writes it. The package onnx is not needed, so that a wrong value is
refused before a worker is started.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from edgekit.errors import ProjectError, did_you_mean
from edgekit.onnx_file.outline import Outline, Port
from edgekit.values import Value

if TYPE_CHECKING:
    import numpy as np

WHERE = "edgekit.toml: model.held"
WHOLE = {f"{sign}int{bits}": bits for sign in ("", "u") for bits in (8, 16, 32, 64)}
"""The types of whole numbers, and their bits."""
LARGEST = {"float16": 65504.0, "float32": 3.4028235e38, "float64": 3.4028235e38}
"""The largest number of a type; what the file has in float64 becomes float32. onnxruntime cannot be given bfloat16."""
SHOWN = 60
"""So many characters of a value are shown."""


class HeldInput(Value):
    """An input with the value that it is held at: `shape` is that of its tensor, `dtype` the type that the file declares.

    A single `value` stands for a tensor that has it everywhere.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    value: Any

    @property
    def words(self) -> str:
        """The value for a reader, cut where it is long."""
        return shown(self.value)

    def array(self) -> np.ndarray:
        """The tensor; numbers with a fraction in float32, whatever the file has."""
        import numpy as np

        dtype = "float32" if self.dtype in LARGEST else self.dtype
        return np.array(np.broadcast_to(np.asarray(self.value, dtype), self.shape))


def holdable(outline: Outline, held: Mapping[str, Any], *, where: str = WHERE) -> tuple[HeldInput, ...]:
    """Each held input with its value; raises `ProjectError` for a name or a value that the file's inputs do not have, or if none would be left to feed.

    `held` is checked as `edgekit.project.held` does. `where` is the key that holds it, for messages.
    """
    ports = {port.name: port for port in outline.inputs}
    constants = {one.name for one in outline.tensors}
    for name in held:
        if name not in ports and name in constants:
            raise ProjectError(
                f"{name!r} is a constant of the file, and no input that is fed", where=f"{where}.{name}", received=name, allowed=", ".join(ports),
                next_step="leave it out: the value that the file has counts",
            )  # fmt: skip
        if name not in ports:
            near = did_you_mean(name, ports)
            raise ProjectError(
                f"the model has no input {name!r}", where=f"{where}.{name}", received=name, allowed=", ".join(ports),
                next_step=f"did you mean {near!r}?" if near else "name an input of the file, or leave it out",
            )  # fmt: skip
    if held and len(held) == len(ports):
        raise ProjectError(
            "every input of the model is held at a value: nothing is left that a device feeds", where=where, received=", ".join(held),
            allowed="all inputs but one at the most", next_step=f"take out the one that changes, such as {max(ports.values(), key=_amount).name!r}",
        )  # fmt: skip
    batches = {port.shape[0] for name, port in ports.items() if name not in held and port.shape} - {""}
    found = tuple(_holdable(ports[name], value, batches, f"{where}.{name}") for name, value in held.items())
    for one in found:
        _require_one_sample(one, ports[one.name], batches, f"{where}.{one.name}")
    return found


def not_held(outline: Outline, held: Collection[str]) -> tuple[Port, ...]:
    """The inputs that are left to feed."""
    return tuple(port for port in outline.inputs if port.name not in held)


def shape_of(value: Any) -> tuple[int, ...]:
    """The sizes of nested lists, whose items are alike.

    >>> shape_of([[1, 2, 3], [4, 5, 6]]), shape_of(16000)
    ((2, 3), ())
    """
    return (len(value), *shape_of(value[0])) if isinstance(value, list | tuple) and value else ()


def leaves(value: Any) -> Iterator[Any]:
    """The numbers or truth values in nested lists.

    >>> list(leaves([[1, 2], [3, 4]]))
    [1, 2, 3, 4]
    """
    if isinstance(value, list | tuple):
        for part in value:
            yield from leaves(part)
    else:
        yield value


def shown(value: Any) -> str:
    """A value as `edgekit.toml` writes it, cut where it is long.

    >>> shown([True, False]), shown(16000)
    ('[true, false]', '16000')
    """
    text = f"[{', '.join(map(shown, value))}]" if isinstance(value, list | tuple) else _toml(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def _toml(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _amount(port: Port) -> tuple[int, int]:
    """How much an input takes, by its free sizes and then by the others: what is held is small as a rule."""
    known = [size for size in port.shape if isinstance(size, int)]
    return len(port.shape) - len(known), math.prod(known)


def _holdable(port: Port, value: Any, batches: Collection[int | str], where: str) -> HeldInput:
    wrong = next((one for one in leaves(value) if not _is_of(one, port.dtype)), None)
    if wrong is not None:
        raise ProjectError(
            f"the input {port.name!r} cannot be held at that value", where=where, received=shown(wrong), allowed=_allowed(port.dtype),
            next_step=_advice(port, wrong),
        )  # fmt: skip
    shape = shape_of(value)
    if shape == () and port.has_shape:
        shape = tuple(_of_one(size, axis, batches) for axis, size in enumerate(port.shape))  # type: ignore[misc]
    if not port.has_shape or _fits(shape, port.shape):
        return HeldInput(name=port.name, dtype=port.dtype, shape=shape, value=value)
    given = "one value" if not isinstance(value, list | tuple) else f"{shown(value)}, of sizes {list(shape)}"
    raise ProjectError(
        f"the input {port.name!r} has another shape than its value", where=where, received=given,
        allowed=f"sizes {_declared(port.shape)}" + (" (free: any size)" if any(isinstance(size, str) for size in port.shape) else ""),
        next_step=_advice_on_shape(port),
    )  # fmt: skip


def _require_one_sample(held: HeldInput, port: Port, batches: Collection[int | str], where: str) -> None:
    """Raise `ProjectError` for a value of several samples: its size is that of a free batch of the inputs that are fed, which is 1 on a device."""
    for axis, (size, name) in enumerate(zip(held.shape, port.shape, strict=False)):
        if isinstance(name, str) and name in batches and size != 1:
            wanted = [1 if place == axis else one for place, one in enumerate(port.shape)]
            raise ProjectError(
                f"the input {port.name!r} is held at the values of {size} samples", where=where,
                received=f"{shown(held.value)}, of sizes {list(held.shape)}",
                allowed=f"sizes {_declared(wanted)}: {name!r} is the batch of the inputs that are fed, and a device feeds one sample",
                next_step="write the value of one sample, in the same number of brackets",
            )  # fmt: skip


def _of_one(size: int | str, axis: int, batches: Collection[int | str]) -> int | str:
    """The size of a tensor that has one value everywhere: a free batch is that of one sample."""
    return 1 if isinstance(size, str) and (axis == 0 or size in batches) else size


def _is_of(value: Any, dtype: str) -> bool:
    """Whether a number or truth value is one of a type."""
    if dtype in WHOLE:
        low, high = _range(dtype)
        return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
    if dtype in LARGEST:
        return not isinstance(value, bool) and abs(value) <= LARGEST[dtype]
    return dtype == "bool" and isinstance(value, bool)


def _range(dtype: str) -> tuple[int, int]:
    bits = WHOLE[dtype]
    return (0, 2**bits - 1) if dtype.startswith("u") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def _allowed(dtype: str) -> str:
    if dtype in WHOLE:
        low, high = _range(dtype)
        return f"whole numbers from {low} to {high}: it is of {dtype}"
    if dtype in LARGEST:
        return f"numbers from {-LARGEST[dtype]:g} to {LARGEST[dtype]:g}: it is of {dtype}"
    return "true or false: it is of bool" if dtype == "bool" else f"nothing: it holds {dtype or 'no numbers'}"


def _advice(port: Port, wrong: Any) -> str:
    if port.dtype in WHOLE and isinstance(wrong, float) and wrong.is_integer() and _is_of(int(wrong), port.dtype):
        return f"write it without a fraction: {int(wrong)}"
    if port.dtype != "bool" and isinstance(wrong, bool):
        return "write a number, as 1 for true"
    if port.dtype == "bool":
        return "write true or false"
    return (
        "write a value of that type"
        if port.dtype in {**WHOLE, **LARGEST}
        else "export the network without that input, or with numbers in float32"
    )


def _fits(shape: Sequence[int | str], declared: Sequence[int | str]) -> bool:
    pairs = zip(shape, declared, strict=False)
    return len(shape) == len(declared) and all(
        isinstance(size, int) and (isinstance(wanted, str) or size == wanted) for size, wanted in pairs
    )


def _declared(shape: Sequence[int | str]) -> str:
    """The sizes of an input in words.

    >>> _declared(("batch", 3, "")), _declared(())
    ('[batch, 3, free]', '[]: one value')
    """
    return f"[{', '.join(str(size or 'free') for size in shape)}]" if shape else "[]: one value"


def _advice_on_shape(port: Port) -> str:
    if not port.shape:
        return f"write one value, without brackets: {port.name} = 1"
    if any(isinstance(size, str) for size in port.shape[1:]):
        return "write nested lists of these sizes, with a size of your own where one is free"
    return "write nested lists of these sizes, or one value alone, which then stands everywhere"
