"""The style rules that plotly.js would write into a <style> element, as text of a style sheet.

Our content security policy refuses such an element. The rules are read out of the bundle that is installed,
so that an upgrade brings its own; a bundle in which they are not found stops the build.
"""

import re

_STRING = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\""""
# {"X,X div":'direction:ltr;…', Y:"…", …} followed by the loop that replaces X and Y by class names.
_TABLE = re.compile(r"""\{["']X,X div["']:(?:[^{}'"]|%s)*\}""" % _STRING)  # noqa: UP031 - braces
_PAIR = re.compile(r"""(?P<selector>%s|[A-Za-z_$]+):(?P<body>%s)""" % (_STRING, _STRING))  # noqa: UP031
_REPLACE = re.compile(r"""\.replace\(/(?P<letter>[XY])/g,["'](?P<with>[^"']+)["']\)""")
_GUARD = re.compile(
    r"""getElementById\(["'](?P<id>[0-9a-f]{64})["']\)\)\{var \w+=document\.createElement\(["']style["']\)"""
)


class StylesNotFoundError(ValueError):
    """The bundle does not look as this module expects; look at its source before upgrading."""


def extract(bundle: str) -> str:
    """Return the style sheet that `bundle` would insert, each rule on its own line, in the browser's order.

    :raises StylesNotFoundError: when the table of rules or its class names are not where they were
    """
    table = _TABLE.search(bundle)
    if table is None:
        raise StylesNotFoundError("the style rules of plotly.js were not found in its bundle")
    names = dict(_REPLACE.findall(bundle[table.end() : table.end() + 400]))
    if set(names) != {"X", "Y"}:
        raise StylesNotFoundError("the class names of plotly.js were not found beside its style rules")
    rules = [_rule(pair, names) for pair in _PAIR.finditer(table[0])]
    # plotly.js inserts every rule before the ones it inserted earlier.
    return "\n".join(reversed(rules)) + "\n"


def without_style_attributes(bundle: str) -> str:
    """Return `bundle` setting the `style` property where it sets the attribute, which the policy refuses.

    To the element both mean the same; d3's `property` assigns to `element.style`, that is to its text.
    """
    return bundle.replace('.attr("style",', '.property("style",')


def guarded_ids(bundle: str) -> list[str]:
    """Return the ids by which `bundle` recognises style elements of its parts already in the page."""
    return _GUARD.findall(bundle)


def _rule(pair: re.Match[str], names: dict[str, str]) -> str:
    selector = _text(pair["selector"])
    for letter, name in names.items():
        selector = selector.replace(letter, name)
    return f"{selector}{{{_text(pair['body'])}}}"


def _text(literal: str) -> str:
    """Return the value of a JavaScript string literal, or of a bare property name."""
    if literal[0] not in "'\"":
        return literal
    return re.sub(r"\\(.)", r"\1", literal[1:-1])
