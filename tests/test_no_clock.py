"""No assertion of a test says how long something took: a busy machine would fail it, and a fast one hide the fault.

The tests' sources are read for an `assert` that compares a clock's reading. What a test may do with a clock is to give
up: to poll until a deadline, and then to assert what it polled for. Seconds are in docs/benchmarks.md.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
CLOCKS = {
    f"{name}{unit}"
    for name in ("time", "monotonic", "perf_counter", "process_time", "thread_time")
    for unit in ("", "_ns")
}
# Functions whose result is as much of a reading as what they are given.
OF_THE_SAME_KIND = {
    "abs",
    "float",
    "int",
    "max",
    "min",
    "pytest.approx",
    "round",
    "sorted",
    "sum",
    "statistics.mean",
    "statistics.median",
}
Function = ast.FunctionDef | ast.AsyncFunctionDef


def clock_assertions(source: str) -> list[int]:
    """The lines of the assertions that compare a clock's reading, be it by way of a name, a list or a function."""
    tree = ast.parse(source)
    clocks, known = set(_clocks(tree)), set[str]()
    if not clocks:
        return []
    functions = [node for node in ast.walk(tree) if isinstance(node, Function)]
    while found := {one.name for one in functions if _returns_one(one, clocks | known)} - known:
        known |= found
    return sorted({line for one in functions for line in _lines(one, clocks | known)})


def _clocks(tree: ast.Module) -> Iterator[str]:
    """What the module calls the clocks of `time`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (
                f"{one.asname or one.name}.{clock}" for one in node.names if one.name == "time" for clock in CLOCKS
            )
        elif isinstance(node, ast.ImportFrom) and node.module == "time":
            yield from (one.asname or one.name for one in node.names if one.name in CLOCKS)


def _lines(function: Function, clocks: set[str]) -> Iterator[int]:
    names = _names(function, clocks)
    for node in ast.walk(function):
        if isinstance(node, ast.Assert):
            compared = (one for one in ast.walk(node.test) if isinstance(one, ast.Compare))
            if any(_is_reading(side, names) for one in compared for side in (one.left, *one.comparators)):
                yield node.lineno


def _returns_one(function: Function, clocks: set[str]) -> bool:
    names = _names(function, clocks)
    return any(isinstance(node, ast.Return) and _is_reading(node.value, names) for node in ast.walk(function))


def _names(function: Function, clocks: set[str]) -> set[str]:
    """The clocks, and every name of a function that was given a reading."""
    given = [pair for node in ast.walk(function) for pair in _given(node)]
    names = set(clocks)
    while found := {name for name, value in given if _is_reading(value, names)} - names:
        names |= found
    return names


def _given(node: ast.AST) -> Iterator[tuple[str, ast.expr | None]]:
    """Names with the expression that they are given: by an assignment, a loop, or a list's `append`."""
    match node:
        case ast.Assign(targets=targets, value=value):
            yield from ((ast.unparse(name), value) for target in targets for name in _parts(target))
        case ast.AnnAssign(target=target, value=value) | ast.AugAssign(target=target, value=value):
            yield ast.unparse(target), value
        case ast.NamedExpr(target=target, value=value):
            yield target.id, value
        case ast.For(target=target, iter=value) | ast.comprehension(target=target, iter=value):
            yield from ((ast.unparse(name), value) for name in _parts(target))
        case ast.Call(func=ast.Attribute(value=name, attr="append" | "add"), args=[value]):
            yield ast.unparse(name), value


def _parts(target: ast.expr) -> list[ast.expr]:
    return target.elts if isinstance(target, ast.Tuple | ast.List) else [target]


def _is_reading(node: ast.AST | None, names: set[str]) -> bool:
    """Whether an expression's value is a clock's reading, a difference of two, or a list of them."""
    if node is None or isinstance(node, ast.Compare | ast.Lambda):
        return False
    if isinstance(node, ast.Call):
        called = ast.unparse(node.func)
        return called in names or (called in OF_THE_SAME_KIND and any(_is_reading(one, names) for one in node.args))
    if isinstance(node, ast.expr) and ast.unparse(node) in names:
        return True
    return any(_is_reading(one, names) for one in ast.iter_child_nodes(node))


def test_no_assertion_compares_a_clocks_reading():
    found = {
        str(path.relative_to(TESTS)): clock_assertions(path.read_text(encoding="utf-8")) for path in TESTS.rglob("*.py")
    }
    assert {path: lines for path, lines in found.items() if lines} == {}, "say what was done, and not how long it took"


FORBIDDEN = {
    "a difference": "import time\ndef test():\n    began = time.monotonic()\n    work()\n    assert time.monotonic() - began < 5",
    "a name": "import time\ndef test():\n    began = time.time()\n    took = round(time.time() - began, 1)\n    assert work() and 0 < took < 2",
    "another name of the clock": "from time import perf_counter_ns as now\ndef test():\n    a = now()\n    b: int = now()\n    assert b - a < 9",
    "another name of the module": "import time as t\ndef test():\n    assert t.process_time() < 9",
    "a function": "import time\ndef took():\n    start = time.perf_counter()\n    return time.perf_counter() - start\ndef test():\n    assert took() < 1",
    "a median": "import statistics, time\ndef took():\n    return time.time()\ndef test():\n    pairs = [(took(), took()) for _ in range(3)]\n    ratio = statistics.median(a / b for a, b in pairs)\n    assert ratio < 1.5",
    "a list": "import pytest, time\ndef test():\n    left = []\n    work(lambda end: left.append(end - time.monotonic()))\n    assert left == pytest.approx([25.0])",
    "an attribute": "import time\nclass Test:\n    def test(self):\n        self.began = time.time()\n        assert 5 > time.time() - self.began",
    "in a loop": "import time\ndef test():\n    end = time.monotonic() + 5\n    while not done():\n        assert time.monotonic() < end",
}  # fmt: skip
ALLOWED = {
    "a poll": "import time\ndef test():\n    end = time.monotonic() + 5\n    while not done() and time.monotonic() < end:\n        time.sleep(0.1)\n    assert done()",
    "a limit": "import time\ndef test():\n    end = time.monotonic() + 5\n    code = child.wait(end - time.monotonic())\n    assert code == 0",
    "a clock of the test's own": "import types\ndef test(patch):\n    now = 0.0\n    patch(code, 'time', types.SimpleNamespace(monotonic=lambda: now))\n    code.run()\n    assert now == 5.0",
    "seconds that a report holds": "import time\ndef test():\n    assert report().seconds == 3.5 and time.sleep(0) is None",
}  # fmt: skip


@pytest.mark.parametrize("kind", FORBIDDEN)
def test_a_planted_assertion_of_seconds_is_found(kind):
    source = FORBIDDEN[kind]
    last = len(source.splitlines())
    assert clock_assertions(source) == [last]


@pytest.mark.parametrize("kind", ALLOWED)
def test_what_only_gives_up_is_allowed(kind):
    assert clock_assertions(ALLOWED[kind]) == []
