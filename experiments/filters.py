"""Rules: the filter language of the table of runs. No database, no Django.

    metrics.val_cer < 0.05 and (params.optimizer = "AdamW" or tags.team is null) and start > "-7d"

It is a superset of MLflow's search syntax (MLflow's documentation, "Search Runs"): the same names of fields
(``attributes.``, ``params.``, ``metrics.``, ``tags.`` and their singular forms, keys in double quotes or
backticks), operators and single-quoted texts, and besides ``or``, ``not``, parentheses, times relative to
now, lists for every field, and comparison of parameters as numbers.

As there, a condition on a key that a run does not have is false, ``!=`` included; ``is null`` asks for that.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

MAX_LENGTH = 4_000
MAX_DEPTH = 30
MAX_CONDITIONS = 50
MAX_LIST = 200

_GRAMMAR = r"""
    ?start: either
    ?either: both (_OR both)*
    ?both: negation (_AND negation)*
    ?negation: _NOT single -> no
        | single
    ?single: _OPEN either _CLOSE
        | condition
    condition: FIELD COMPARE value             -> compare
        | FIELD LIKE value                     -> compare
        | FIELD _NOT LIKE value                -> compare_not
        | FIELD _IN _OPEN value (_COMMA value)* _CLOSE      -> within
        | FIELD _NOT _IN _OPEN value (_COMMA value)* _CLOSE -> without
        | FIELD _IS _NULL                      -> missing
        | FIELD _IS _NOT _NULL                 -> present
    ?value: NUMBER | TEXT | WORD

    _AND.3: /and(?![\w.])/i
    _OR.3: /or(?![\w.])/i
    _NOT.3: /not(?![\w.])/i
    _IN.3: /in(?![\w.])/i
    _IS.3: /is(?![\w.])/i
    _NULL.3: /null(?![\w.])/i
    LIKE.3: /i?like(?![\w.])/i
    _OPEN: "("
    _CLOSE: ")"
    _COMMA: ","
    COMPARE: "==" | "=" | "!=" | "<>" | "<=" | ">=" | "<" | ">"
    NUMBER.2: /[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)(e[+-]?[0-9]+)?(?![\w.-])/i
    TEXT: /"(\\.|[^"\\])*"|'(\\.|[^'\\])*'/
    FIELD: /[A-Za-z_]\w*(\.("[^"]+"|`[^`]+`|[^\s()=!<>,"'`]+))?/
    WORD.1: /[^\s()=!<>,"'`]+/
    %ignore /\s+/
"""

_KINDS = {
    **dict.fromkeys(("metrics", "metric"), "metrics"),
    **dict.fromkeys(("params", "param", "parameters", "parameter"), "params"),
    **dict.fromkeys(("tags", "tag"), "tags"),
    **dict.fromkeys(("attributes", "attribute", "attr", "run"), "attributes"),
}
#: Name of an attribute, ours or MLflow's -> ours.
ATTRIBUTES = {
    **{name: name for name in ("name", "status", "user", "id", "experiment", "start", "end", "duration")},
    "experiment_id": "experiment_id",
    "run_name": "name",
    "run name": "name",
    "run_id": "id",
    "user_id": "user",
    "start_time": "start",
    "started": "start",
    "created": "start",
    "end_time": "end",
    "ended": "end",
    "artifact_uri": "artifact_uri",
}
#: The attributes that are compared as times, and as spans of time.
TIMES = frozenset({"start", "end"})
SPANS = frozenset({"duration"})

_PLAIN_KEY = re.compile(r"""[^\s()=!<>,"'`]+""")

_OPERATOR = re.compile(
    r"""[=<>!()"'`]|(?i:\b(?:is|in|like|ilike)\b)|^\s*(?:metrics|params|tags|attributes)\."""
)

Value = float | str


class FilterError(ValueError):
    """A filter that cannot be understood.

    :ivar start: where the trouble begins, counting characters from 0; `end` is behind it
    """

    def __init__(self, message: str, start: int, end: int) -> None:
        super().__init__(message)
        self.start = start
        self.end = max(end, start + 1)


@dataclass(frozen=True)
class Field:
    """What a condition looks at: ``metrics``, ``params``, ``tags`` or ``attributes``, and the key in it."""

    kind: str
    key: str

    def __str__(self) -> str:
        return self.key if self.kind == "attributes" else f"{self.kind}.{self.key}"


@dataclass(frozen=True)
class Condition:
    """One comparison.

    :ivar operator: one of ``= != < <= > >= like ilike in null``
    :ivar values: what it is compared with: one value, several for ``in``, none for ``null``
    :ivar start: where it stands in the text; `end` is behind it
    """

    field: Field
    operator: str
    values: tuple[Value, ...]
    start: int
    end: int


@dataclass(frozen=True)
class Not:
    """What must not hold."""

    part: "Expression"


@dataclass(frozen=True)
class All:
    """What must hold together."""

    parts: tuple["Expression", ...]


@dataclass(frozen=True)
class Either:
    """Of which one must hold."""

    parts: tuple["Expression", ...]


Expression = Condition | Not | All | Either


def parse(text: str) -> Expression | None:
    """Return what `text` asks for; None if it asks for nothing.

    :raises FilterError: it is too long, too deep, or not of the language
    """
    if len(text) > MAX_LENGTH:
        raise FilterError(f"A filter has at most {MAX_LENGTH} characters.", MAX_LENGTH, len(text))
    if not text.strip():
        return None
    _check_depth(text)
    try:
        tree = _parser().parse(text)
    except UnexpectedInput as error:
        raise _explained(error, text) from None
    found = _expression(tree)
    conditions_in = list(conditions(found))
    if len(conditions_in) > MAX_CONDITIONS:
        extra = conditions_in[MAX_CONDITIONS]
        raise FilterError(f"A filter has at most {MAX_CONDITIONS} conditions.", extra.start, extra.end)
    return found


def is_words(text: str) -> bool:
    """Say whether `text` is no expression but words to search for: it holds no operator at all."""
    return _OPERATOR.search(text) is None


def conditions(expression: Expression) -> Iterator[Condition]:
    """Yield the conditions of `expression` from left to right."""
    if isinstance(expression, Condition):
        yield expression
    elif isinstance(expression, Not):
        yield from conditions(expression.part)
    else:
        for part in expression.parts:
            yield from conditions(part)


def written(kind: str, key: str) -> str:
    """Return how a filter names a key, quoted where it has to be."""
    if _PLAIN_KEY.fullmatch(key):
        return f"{kind}.{key}"
    return f"{kind}.`{key}`" if '"' in key else f'{kind}."{key}"'


def quoted(value: str) -> str:
    """Return `value` as a text of the language."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def as_expression(text: str) -> str:
    """Return `text` as an expression, if it is words that are searched for; empty if it asks for nothing."""
    words = text.strip()
    if not words or not is_words(words):
        return words
    return f"name ilike {quoted(f'%{words}%')} or id like {quoted(f'{words.lower()}%')}"


@cache
def _parser() -> Lark:
    return Lark(_GRAMMAR, parser="lalr", propagate_positions=True)


def _check_depth(text: str) -> None:
    """Refuse deep nesting before the tree is built and walked."""
    depth, quote = 0, ""
    for position, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'`":
            quote = character
        elif character == "(":
            depth += 1
            if depth > MAX_DEPTH:
                raise FilterError(f"At most {MAX_DEPTH} parentheses may be open.", position, position + 1)
        elif character == ")":
            depth -= 1


def _expression(tree: "Tree[Token]") -> Expression:
    rule = str(tree.data)
    if rule in ("either", "both"):
        parts = tuple(_expression(part) for part in tree.children if isinstance(part, Tree))
        return Either(parts) if rule == "either" else All(parts)
    if rule == "no":
        return Not(_expression(next(part for part in tree.children if isinstance(part, Tree))))
    tokens = [token for token in tree.children if isinstance(token, Token)]
    # The end of the rule and not of its last token: keywords and parentheses are not among them.
    return _condition(rule, tokens, int(tree.meta.end_pos))


def _condition(rule: str, tokens: list[Token], end: int) -> Expression:
    field, start = _field(tokens[0]), _start(tokens[0])
    if rule in ("missing", "present"):
        found = Condition(field, "null", (), start, end)
        return Not(found) if rule == "present" else found
    if rule in ("within", "without"):
        if len(tokens) - 1 > MAX_LIST:
            raise FilterError(f"A list has at most {MAX_LIST} values.", start, end)
        found = Condition(field, "in", tuple(map(_value, tokens[1:])), start, end)
        # As `!=`: false where the run has no such key.
        return All((Not(found), Not(_null(found)))) if rule == "without" else found
    operator = {"==": "=", "<>": "!="}.get(str(tokens[1]), str(tokens[1]).lower())
    found = Condition(field, operator, (_value(tokens[2]),), start, end)
    return All((Not(found), Not(_null(found)))) if rule == "compare_not" else found


def _null(found: Condition) -> Condition:
    return Condition(found.field, "null", (), found.start, found.end)


def _field(token: Token) -> Field:
    name, dot, key = str(token).partition(".")
    if not dot:
        attribute = ATTRIBUTES.get(name.lower())
        if attribute is None:
            raise FilterError(
                f"There is no field {name!r}. Fields are metrics.…, params.…, tags.…, "
                f"{', '.join(sorted(set(ATTRIBUTES.values())))}.",
                _start(token),
                _end(token),
            )
        return Field("attributes", attribute)
    kind = _KINDS.get(name.lower())
    if kind is None:
        raise FilterError(
            f"There is no field {name!r}: before the point stands metrics, params, tags or attributes.",
            _start(token),
            _end(token),
        )
    key = key[1:-1] if key[0] in '"`' else key
    if "\0" in key:
        raise FilterError("A key cannot hold a zero character.", _start(token), _end(token))
    if kind != "attributes":
        return Field(kind, key)
    attribute = ATTRIBUTES.get(key.lower())
    if attribute is None:
        raise FilterError(f"A run has no attribute {key!r}.", _start(token), _end(token))
    return Field("attributes", attribute)


def _value(token: Token) -> Value:
    if token.type == "NUMBER":
        return float(token)
    if token.type == "WORD":
        return str(token)
    inner = str(token)[1:-1]
    if "\0" in inner:
        raise FilterError("A text cannot hold a zero character.", _start(token), _end(token))
    return _unescaped(inner)


def _unescaped(text: str) -> str:
    r"""Undo ``\"``, ``\'`` and ``\\``; any other backslash stands for itself."""
    result, position = [], 0
    while position < len(text):
        if text[position] == "\\" and text[position + 1 : position + 2] in ('"', "'", "\\"):
            position += 1
        result.append(text[position])
        position += 1
    return "".join(result)


def _start(token: Token) -> int:
    return token.start_pos or 0


def _end(token: Token) -> int:
    return token.end_pos or _start(token) + 1


_EXPECTED = {
    "FIELD": "a field such as metrics.val_loss",
    "COMPARE": "an operator (=, !=, <, <=, >, >=, like, ilike, in, is null)",
    "NUMBER": "a value",
    "_AND": "and",
    "_OR": "or",
    "_OPEN": "(",
    "_CLOSE": ")",
    "_COMMA": ",",
    "_NULL": "null",
    "_IN": "in",
}


def _explained(error: UnexpectedInput, text: str) -> FilterError:
    """Return what went wrong, in words, and where."""
    length = len(text.rstrip())
    if isinstance(error, UnexpectedCharacters):
        start = int(error.pos_in_stream or 0)
        token = text[start]
        if text[start] in "\"'`":
            return FilterError("This quotation mark has no partner.", start, len(text))
        accepts = set(error.allowed or ())
    elif isinstance(error, UnexpectedToken) and error.token.type != "$END":
        start, token, accepts = _start(error.token), str(error.token), set(error.accepts or error.expected)
    else:
        start, token, accepts = length, "", set(getattr(error, "accepts", None) or ())
    words = [word for name, word in _EXPECTED.items() if name in accepts]
    what = f"Expected here: {', '.join(words)}." if words else "This cannot be understood."
    shown = f"{token!r} does not belong here." if start < length else "The filter ends too early."
    return FilterError(f"{shown} {what}", start, start + max(len(token), 1))
