"""What the published schemas of OpenLineage ask of an event, as far as ours go.

Source: https://openlineage.io/spec/2-0-2/OpenLineage.json and, of the facets, the files that `_schemaURL` of
each names. The client's own classes let an address that is none, and a time without a zone, pass.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

_SPEC = "https://openlineage.io/spec/"
_STATES = ("START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+")
_FORMATS = {
    **dict.fromkeys(("producer", "schemaURL", "_producer", "_schemaURL", "url"), _URI),
    "runId": _UUID,
    "eventTime": _TIME,
}
#: Facet -> the fields that it must have, and of what kind.
_FACETS: dict[str, dict[str, type]] = {
    "parent": {"run": dict, "job": dict},
    "errorMessage": {"message": str, "programmingLanguage": str},
    "jobType": {"processingType": str, "integration": str},
    "sourceCodeLocation": {"type": str, "url": str},
    "version": {"datasetVersion": str},
    "outputStatistics": {},
}
_INTEGERS = ("size", "fileCount")


def faults(event: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with an event of a run or of a job."""
    found = [*_wanted(event, "event", {"eventTime": str, "producer": str, "schemaURL": str, "job": dict})]
    kind = "RunEvent" if "run" in event else "JobEvent"
    if event.get("schemaURL") != f"{_SPEC}2-0-2/OpenLineage.json#/$defs/{kind}":
        found.append(f"schemaURL: it is a {kind}")
    if ("run" in event) != (event.get("eventType") in _STATES):
        found.append("eventType: it goes with a run")
    if "run" in event:
        found += _wanted(event["run"], "run", {"runId": str})
        found += _facets(event["run"], "facets")
    found += _wanted(event.get("job", {}), "job", {"namespace": str, "name": str})
    found += _facets(event.get("job", {}), "facets")
    for side, further in (("inputs", "inputFacets"), ("outputs", "outputFacets")):
        for one in event.get(side, []):
            found += _wanted(one, side, {"namespace": str, "name": str})
            found += [*_facets(one, "facets"), *_facets(one, further)]
    return [*found, *_formats(event)]


def _facets(holder: Mapping[str, Any], name: str) -> Iterator[str]:
    for facet, content in holder.get(name, {}).items():
        if facet not in _FACETS:
            yield f"{facet}: no facet that is known here"
            continue
        yield from _wanted(content, facet, {"_producer": str, "_schemaURL": str, **_FACETS[facet]})
        if not str(content.get("_schemaURL")).startswith(f"{_SPEC}facets/"):
            yield f"{facet}: its schema is not a published one"
        yield from (
            f"{facet}: {key} is no integer" for key in _INTEGERS if type(content.get(key, 0)) is not int
        )


def _wanted(content: Mapping[str, Any], where: str, fields: Mapping[str, type]) -> Iterator[str]:
    for name, kind in fields.items():
        if not isinstance(content.get(name), kind):
            yield f"{where}: {name} is missing"


def _formats(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for one in value:
            yield from _formats(one)
    elif isinstance(value, dict):
        for key, one in value.items():
            if key in _FORMATS and not (isinstance(one, str) and _FORMATS[key].fullmatch(one)):
                yield f"{key}: {one!r} is not of its format"
            yield from _formats(one)
