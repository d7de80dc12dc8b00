"""Every single value of a bundle, changed by an insider with the key: which changes are named."""

import copy
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from accounts.roles import Role
from tests.bundles import bundle_of, faults_of, make_subject, members
from tests.people import make_user
from tests.trail import checkpoint_folder

pytestmark = pytest.mark.django_db(transaction=True)
__all__ = ["checkpoint_folder"]

LAST = "the last of"
Path = tuple[str | int, ...]
# Values that nothing else in the bundle tells (docs/evidence-bundle.md, "Not checked are"); of the events
# also what is the same in each of their kind, of PROV how a name is written.
UNGUARDED = {
    "card.json": {"by_name", "at", "decided_at"},
    "deployments.json": {"replaced_by.deployment"},
    "evidence/": {"by", "at"},
    "lineage/openlineage.jsonl": {
        *("eventTime", "producer", "schemaURL"),
        *(f"job.facets.jobType.{name}" for name in ("integration", "jobType", "processingType")),
        *(
            f"{place}.{name}"
            for name in ("_producer", "_schemaURL")
            for place in (
                "job.facets.jobType",
                "inputs.facets.version",
                "outputs.facets.version",
                "outputs.outputFacets.outputStatistics",
            )
        ),
        "outputs.outputFacets.outputStatistics.size",
    },
    "lineage/origin.json": {"model"},
    "lineage/prov.json": {"prov:type.type"},
    "promotions/": {"incumbent", "from_stage", "expires_at", "problem"},
    "version.json": {"mlflow_version", "model_format", "bump", "required_bump"},
}
APART = ("MANIFEST.json", "lineage/graph.json")


def test_each_value_that_is_changed_is_named_but_for_those_that_nothing_else_tells() -> None:
    whole = members(bundle_of(make_subject(), make_user(Role.AUDITOR, username="auditor")))
    assert faults_of(dict(whole)) == []
    passed: dict[str, set[str]] = {}
    for name, content in sorted(whole.items()):
        for place, forged in _forgeries(name, content.decode()):
            if not faults_of(whole | {name: forged.encode()}):
                passed.setdefault(re.sub(r"[\d-]+\.json", "", name), set()).add(place)
    assert passed == UNGUARDED


def _forgeries(name: str, text: str) -> Iterator[tuple[str, str]]:
    """Yield, for each value of a member, where it is and the member with another or, of a list, without."""
    if name.endswith(".json") and name not in APART:
        told = json.loads(text)
        yield from ((_words(path), json.dumps(_changed(told, path))) for path in _paths(told))
    elif name == "lineage/openlineage.jsonl":
        lines = text.splitlines()
        for number, line in enumerate(lines):
            for path in _paths(json.loads(line)):
                other = json.dumps(_changed(json.loads(line), path))
                yield _words(path), "\n".join([*lines[:number], other, *lines[number + 1 :], ""])


def _paths(told: Any, path: Path = ()) -> Iterator[Path]:
    if isinstance(told, dict | list):
        rows = told.items() if isinstance(told, dict) else enumerate(told)
        for key, value in rows:
            yield from _paths(value, (*path, key))
        if isinstance(told, list) and told:
            yield (*path, LAST)
    else:
        yield path


def _words(path: Path) -> str:
    """Return a path without numbers and names of things."""
    names = [one for one in path if isinstance(one, str)]
    return ".".join(names[-2:] if "prov:type" in names else names)


def _changed(told: Any, path: Path) -> Any:
    made = place = copy.deepcopy(told)
    for step in path[:-1]:
        place = place[step]
    if path[-1] == LAST:
        place.pop()
    else:
        place[path[-1]] = _other(place[path[-1]])
    return made


def _other(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    if value is None:
        return "2026-01-01T00:00:00+00:00"
    if re.match(r"\d{4}-\d\d-\d\dT", value):
        return f"2020{value[4:]}"
    if re.match("[0-9a-f]{32}", value):
        return ("1" if value[0] == "0" else "0") + value[1:]
    return f"{value}x"
