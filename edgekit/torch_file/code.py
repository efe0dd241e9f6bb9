"""Code in a `.pt2`: PyTorch evaluates the sizes and guards of a program as Python, and unpickles what is pickled.

So a text is taken if it is arithmetic of sizes and nothing else, and a pickle if all that it names are tensors. What each function finds
is named, for a message; empty means that nothing was found.
"""

from __future__ import annotations

import ast
import pickletools
import re
from collections.abc import Callable, Iterator
from typing import IO, Any

LONGEST = 20_000
"""Characters of one size: a sum over the sizes of a concatenation has some hundreds."""
SYMPY = frozenset(
    "Symbol Integer Float Rational Add Mul Pow Mod Max Min Abs And Or Not Eq Ne Lt Le Gt Ge Equality Unequality LessThan GreaterThan "
    "StrictLessThan StrictGreaterThan Identity FloorDiv CleanDiv CeilDiv PythonMod ModularIndexing Where IntTrueDiv FloatTrueDiv "
    "PowByNatural FloatPow ToFloat TruncToInt TruncToFloat FloorToInt CeilToInt RoundToInt RoundDecimal IsNonOverlappingAndDenseIndicator".split()
)
"""What sizes are made of in a program: constructors of sympy and of torch.utils._sympy.functions, which compute."""
GUARD_METHODS = frozenset({"size", "stride", "storage_offset", "dim", "numel"})
"""What a guard asks of an input."""
GUARD_NAMES = frozenset(
    {"L", "True", "False", "None", "Max", "Min", "Mod", "FloorDiv", "Eq", "Ne", "max", "min", "abs"}
)
TENSORS = frozenset({
    "torch._utils _rebuild_tensor_v2", "torch._utils _rebuild_parameter", "torch._tensor _rebuild_from_type_v2", "collections OrderedDict",
    "torch serialization._get_layout", "torch device", "torch Size",
    *(f"torch {kind}Storage" for kind in ("Float", "Double", "Half", "BFloat16", "Long", "Int", "Short", "Char", "Byte", "Bool")),
    *(f"torch {kind}" for kind in ("float32", "float64", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool")),
})  # fmt: skip
"""What a pickle of tensors names, as 'module name'."""
OBJECTS = frozenset({"STACK_GLOBAL", "INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "EXT1", "EXT2", "EXT4"})
"""Opcodes by which a pickle makes other objects; one of tensors (protocol 2) has none."""
_NODES = (
    ast.Expression, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.Constant, ast.Load, ast.operator, ast.unaryop, ast.boolop, ast.cmpop,
    ast.Name, ast.Call, ast.keyword,
)  # fmt: skip


def in_size(text: str) -> str:
    """What a size's expression has beyond arithmetic of named sizes.

    >>> in_size("Mul(Integer(2), Symbol('s77', positive=True))"), in_size("2*s0 + 1"), in_size("__import__('os')")
    ('', '', "__import__('os')")
    """
    return _in(text, _is_of_a_size)


def in_guard(text: str) -> str:
    """What a guard has beyond comparing the sizes of the inputs.

    >>> in_guard("L['x'].size()[0] >= 2"), in_guard("L['x'].__class__")
    ('', "L['x'].__class__")
    """
    return _in(text, _is_of_a_guard)


def in_specification(text: str) -> str:
    """What the description of nested inputs names beyond plain containers: an enumeration, whose module PyTorch would import."""
    found = re.search(r"enum|\\u", text, re.IGNORECASE)
    return text[found.start() : found.start() + 40] if found else ""


def in_pickle(content: bytes) -> str:
    """What a pickle names beyond tensors, or why it is none."""
    try:
        for opcode, argument, _ in pickletools.genops(content):
            if opcode.name in OBJECTS:
                return f"the opcode {opcode.name}"
            if opcode.name == "GLOBAL" and str(argument) not in TENSORS:
                return str(argument).replace(" ", ".")[:80]
    except Exception as problem:  # the module reads what it is given without checking
        return f"no pickle: {type(problem).__name__}"
    return ""


def names_in_pickle(content: bytes | IO[bytes]) -> tuple[str, ...] | None:
    """What a pickle of any protocol names, as 'module name'; None for what is no pickle. A file is read to the pickle's end.

    It is for a message alone: names are read off the texts before them, and a crafted pickle can say others than it uses.

    >>> names_in_pickle(b"c__main__\\nNet\\n."), names_in_pickle(b"]."), names_in_pickle(b"junk")
    (('__main__ Net',), (), None)
    """
    texts, found = [""], []
    memo: list[object] = []
    last: object = None
    try:
        for opcode, argument, _ in pickletools.genops(content):
            if opcode.name in ("MEMOIZE", "BINPUT", "LONG_BINPUT", "PUT"):
                memo.append(last)
                continue
            last = argument
            if opcode.name.endswith("GET") and isinstance(argument, int) and argument < len(memo):
                last = memo[argument]
            if opcode.name in ("GLOBAL", "INST"):
                found.append(str(argument))
            elif opcode.name == "STACK_GLOBAL":
                found.append(" ".join(texts[-2:]))
            elif isinstance(last, str):
                texts.append(last)
    except Exception:  # the module reads what it is given without checking
        return None
    return tuple(found)


def _in(text: str, allowed: Callable[[ast.AST], bool]) -> str:
    if len(text) > LONGEST:
        return f"{len(text)} characters"
    try:
        nodes = list(_walked(ast.parse(text, mode="eval")))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return text[:80]
    return "" if all(map(allowed, nodes)) else text[:80]


def _walked(tree: ast.AST) -> Iterator[ast.AST]:
    """The nodes of an expression, without the names and texts of calls, which are judged with their call."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += [child for child in ast.iter_child_nodes(node) if not _is_label(node, child)]


def _is_label(node: ast.AST, child: ast.AST) -> bool:
    return isinstance(node, ast.Call) and child in (node.func, *_texts(node))


def _texts(call: ast.Call) -> list[ast.expr]:
    return [one for one in call.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]


def _is_of_a_size(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        texts: list[Any] = [one.value for one in _texts(node) if isinstance(one, ast.Constant)]
        named = isinstance(node.func, ast.Name) and (node.func.id in SYMPY or node.func.id.startswith("OpaqueUnaryFn_"))
        plain = all(re.fullmatch(r"[\w.+-]{1,60}", text) for text in texts)
        return named and plain and (not texts or node.func.id in ("Symbol", "Float"))  # type: ignore[attr-defined]
    if isinstance(node, ast.Constant):
        return isinstance(node.value, int | float)
    return isinstance(node, _NODES) and not (isinstance(node, ast.Name) and node.id.startswith("__"))


def _is_of_a_guard(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        is_method = isinstance(node.func, ast.Attribute) and node.func.attr in GUARD_METHODS and not node.keywords
        if is_method and isinstance(node.func, ast.Attribute):
            return all(map(_is_of_a_guard, _walked(node.func.value))) and not _texts(node)
        return isinstance(node.func, ast.Name) and node.func.id in GUARD_NAMES - {"L"} and not _texts(node)
    if isinstance(node, ast.Attribute):
        return node.attr in ("shape", "ndim")
    if isinstance(node, ast.Name):
        return node.id in GUARD_NAMES
    return isinstance(node, (*_NODES, ast.Subscript))
