"""Whether the program in a `pt2` archive is only arithmetic on tensors.

`torch.export.load` does more than read numbers: shape expressions go through `sympy.sympify`, which
evaluates Python; guards are executed; and a node's target may be any attribute below `torch`,
`_operator` or `math`, so `torch.os.system` is a valid one. MLflow's pickle check looks at none of
this (measured with torch 2.13 and MLflow 3.17.2). Here everything that the format can name is
compared with what an exported network needs; the rest is reported, not judged.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from typing import Any

MAX_FINDINGS = 20

_OPERATOR = re.compile(
    r"torch\.ops\.(aten|prims|quantized_decomposed|torchvision|higher_order)\.[a-z0-9_]+(\.\w+)?"
    r"|torch\.sym_[a-z]+|torch\._sym_[a-z]+|math\.[a-z0-9]+"
    r"|_operator\.(getitem|add|sub|mul|truediv|floordiv|mod|pow|neg|lt|le|gt|ge|eq|ne|and_|or_|not_)"
)
_FILE_OPERATOR = re.compile(r"torch\.ops\.aten\.from_file(\.\w+)?|.*\.__.*")
_SYMBOL = re.compile(r"[A-Za-z]\w*")
_TREE_TYPES = frozenset({"builtins.tuple", "builtins.list", "builtins.dict", "collections.OrderedDict"})

_SYMPY = frozenset(
    [
        "Symbol",
        "Integer",
        "Float",
        "Rational",
        "Add",
        "Mul",
        "Pow",
        "Mod",
        "Max",
        "Min",
        "Abs",
        "floor",
        "ceiling",
        "Piecewise",
        "true",
        "false",
        "oo",
        "Eq",
        "Ne",
        "Lt",
        "Le",
        "Gt",
        "Ge",
        "And",
        "Or",
        "Not",
        "Equality",
        "Unequality",
        "StrictLessThan",
        "LessThan",
        "StrictGreaterThan",
        "GreaterThan",
        "Infinity",
        "NegativeInfinity",
        "IntInfinity",
        "NegativeIntInfinity",
        "int_oo",
        "FloorDiv",
        "CeilDiv",
        "CleanDiv",
        "ModularIndexing",
        "PythonMod",
        "Where",
        "Identity",
        "FloatPow",
        "PowByNatural",
        "IntTrueDiv",
        "FloatTrueDiv",
        "CeilToInt",
        "FloorToInt",
        "TruncToInt",
        "TruncToFloat",
        "RoundToInt",
        "RoundDecimal",
        "ToFloat",
        "LShift",
        "RShift",
    ]
)
_GUARD_METHODS = frozenset({"size", "stride", "storage_offset", "dim", "ndim", "shape"})
_PLAIN_NODES = (
    *(ast.Expression, ast.Constant, ast.Name, ast.Load, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare),
    *(ast.Call, ast.keyword, ast.operator, ast.unaryop, ast.boolop, ast.cmpop),
)


def suspicious_parts(program: Any) -> tuple[str, ...]:
    """What in a parsed `models/model.json` is more than arithmetic on tensors; empty if nothing is."""
    found: list[str] = []
    for finding in _findings(program):
        found.append(finding)
        if len(found) == MAX_FINDINGS:
            break
    return tuple(found)


def _findings(program: Any) -> Iterator[str]:
    waiting = [program]
    while waiting:
        item = waiting.pop()
        if isinstance(item, list):
            waiting.extend(item)
        elif isinstance(item, dict):
            waiting.extend(item.values())
            for key, value in item.items():
                yield from _judged(key, value)


def _judged(key: str, value: Any) -> Iterator[str]:
    if key in {"target", "as_operator"} and not _is_operator(value):
        yield f"calls {str(value)[:80]}"
    elif key == "expr_str" and not is_shape_expression(value):
        yield f"evaluates {str(value)[:80]}"
    elif key == "guards_code" and not all(is_guard(guard) for guard in value or ()):
        yield "executes its own guards"
    elif key in {"in_spec", "out_spec"} and not _is_plain_tree(value):
        yield f"builds containers of its own ({key})"
    elif key in {"as_custom_obj", "custom_obj"}:
        yield "holds custom objects"


def _is_operator(value: Any) -> bool:
    return (
        isinstance(value, str)
        and _OPERATOR.fullmatch(value) is not None
        and _FILE_OPERATOR.fullmatch(value) is None
    )


def is_shape_expression(text: Any) -> bool:
    """Whether a text is a sympy expression of symbols, numbers and known functions."""
    for node in _nodes(text):
        if isinstance(node, ast.Call):
            if not isinstance(node.func, ast.Name) or not _texts_only_name_symbols(node):
                return False
        elif isinstance(node, ast.Name):
            if node.id not in _SYMPY and not re.fullmatch(r"[a-z]+\d+", node.id):
                return False
        elif not isinstance(node, _PLAIN_NODES):
            return False
    return True


def is_guard(text: Any) -> bool:
    """Whether a text compares sizes of inputs, such as `L['x'].size()[0] >= 2`."""
    for node in _nodes(text):
        if isinstance(node, ast.Call):
            if not isinstance(node.func, ast.Attribute):
                return False
        elif isinstance(node, ast.Attribute):
            if node.attr not in _GUARD_METHODS:
                return False
        elif isinstance(node, ast.Name):
            if node.id != "L" and not re.fullmatch(r"[a-z]+\d+", node.id):
                return False
        elif not isinstance(node, (*_PLAIN_NODES, ast.Subscript)):
            return False
    return True


def _nodes(text: Any) -> Iterator[ast.AST]:
    if not isinstance(text, str) or len(text) > 10_000:
        yield ast.Pass()
        return
    try:
        yield from ast.walk(ast.parse(text, mode="eval"))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        yield ast.Pass()


def _texts_only_name_symbols(call: ast.Call) -> bool:
    texts = [arg.value for arg in call.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
    texts += [
        word.value.value
        for word in call.keywords
        if isinstance(word.value, ast.Constant) and isinstance(word.value.value, str)
    ]
    is_symbol = isinstance(call.func, ast.Name) and call.func.id == "Symbol"
    return not texts or (is_symbol and all(_SYMBOL.fullmatch(text) for text in texts))


def _is_plain_tree(value: Any) -> bool:
    try:
        waiting = [json.loads(value)]
    except (TypeError, ValueError):
        return False
    while waiting:
        item = waiting.pop()
        if isinstance(item, list):
            waiting.extend(item)
        elif isinstance(item, dict):
            if item.get("type") is not None and item["type"] not in _TREE_TYPES:
                return False
            waiting.extend(item.get("children_spec") or ())
    return True
