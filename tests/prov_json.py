"""What the W3C member submission PROV-JSON asks of a document, as far as ours goes.

Source: https://www.w3.org/Submission/prov-json/, sections 2 and 3.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

ELEMENTS = ("entity", "activity", "agent")
#: Relation -> its formal attributes that name something, and of what kind; the first ones are required.
RELATIONS: dict[str, dict[str, str]] = {
    "wasGeneratedBy": {"prov:entity": "entity", "prov:activity": "activity"},
    "used": {"prov:activity": "activity", "prov:entity": "entity"},
    "wasDerivedFrom": {
        "prov:generatedEntity": "entity",
        "prov:usedEntity": "entity",
        "prov:activity": "activity",
    },
    "wasAssociatedWith": {"prov:activity": "activity", "prov:agent": "agent"},
    "wasInvalidatedBy": {"prov:entity": "entity", "prov:activity": "activity"},
    "wasInformedBy": {"prov:informed": "activity", "prov:informant": "activity"},
    # Ours says of entities only that one had an influence on another.
    "wasInfluencedBy": {"prov:influencee": "entity", "prov:influencer": "entity"},
}
REQUIRED = 2  # how many of them ours always name
TIMES = ("prov:time", "prov:startTime", "prov:endTime")
_KNOWN = ("prov", "xsd", "_")  # declared by the submission itself; `_` is that of blank nodes
# Prefix and local part, of characters that may stand in a URI: the name is the URI when put together.
_NAME = re.compile(r"([A-Za-z0-9_-]+):((?:[A-Za-z0-9._~:/@!$&*+?#=,;'()\[\]-]|%[0-9A-F]{2})+)")
_TIME = re.compile(r"-?\d{4,}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!-~]*")


def faults(document: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with a document, in the order in which it stands there."""
    return list(_faults(document))


def _faults(document: Mapping[str, Any]) -> Iterator[str]:
    prefixes = document.get("prefix", {})
    yield from (f"prefix {name}: no URI" for name, uri in prefixes.items() if not _URI.fullmatch(uri))
    yield from (f"{name}: nothing of PROV-JSON" for name in {*document} - {"prefix", *ELEMENTS, *RELATIONS})
    for part in (*ELEMENTS, *RELATIONS):
        for name, facts in document.get(part, {}).items():
            where = f"{part} {name}"
            names = [name, *facts, *_typed(facts)]
            yield from (f"{where}: {fault}" for one in names if (fault := _name_fault(one, prefixes)))
            yield from (f"{where}: {fault}" for fault in _value_faults(facts))
            if part in RELATIONS:
                yield from (f"{where}: {fault}" for fault in _end_faults(document, RELATIONS[part], facts))


def _name_fault(name: str, prefixes: Mapping[str, str]) -> str:
    found = _NAME.fullmatch(name)
    if found is None:
        return f"{name} is no qualified name"
    return "" if found[1] in (*prefixes, *_KNOWN) else f"the prefix of {name} is not declared"


def _typed(facts: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names of the types of values, and the values that are names themselves."""
    for value in facts.values():
        if isinstance(value, dict) and "type" in value:
            yield value["type"]
            if value["type"] in ("xsd:QName", "prov:QUALIFIED_NAME"):
                yield value["$"]


def _value_faults(facts: Mapping[str, Any]) -> Iterator[str]:
    for key, value in facts.items():
        if key in TIMES and not (isinstance(value, str) and _TIME.fullmatch(value)):
            yield f"{key} is no xsd:dateTime: {value}"
        if isinstance(value, dict) and not {"$"} <= {*value} <= {"$", "type", "lang"}:
            yield f"{key} is no typed value: {value}"


def _end_faults(
    document: Mapping[str, Any], ends: Mapping[str, str], facts: Mapping[str, Any]
) -> Iterator[str]:
    for number, (key, kind) in enumerate(ends.items()):
        if key not in facts:
            if number < REQUIRED:
                yield f"{key} is missing"
        elif facts[key] not in document.get(kind, {}):
            yield f"{key} {facts[key]} is no {kind} of the document"
