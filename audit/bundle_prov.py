"""Rules: whether `prov.json` says what the other members of an evidence bundle say: all of it, and no more.

No database; part of the verifier. Every statement of the document is derived a second time, from the members.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from audit.bundle_records import DEPLOYMENTS, ORIGIN, PROV, REPRODUCTIONS, Bundle, digest_of, instant

_NAMESPACE = "stagegate:"
_TIMES = ("prov:startTime", "prov:endTime", "prov:time")
_ELEMENTS = ("entity", "activity", "agent")
_FROM_OUTPUTS = ("output", "recorded")

# Part of the document, name (of a relation: empty), attributes.
Statement = tuple[str, str, frozenset[tuple[str, str]]]


def check_prov(bundle: Bundle, _name: str) -> Iterator[str]:
    """Yield every statement that only the document makes, or only the members."""
    document = bundle.records[PROV]
    if document["prefix"] != {"stagegate": "urn:stagegate:"}:
        yield "its names do not stand for those of the product"
    told, right = set(_statements(document)), _Derived(bundle).statements
    yield from (
        f"it says, and no other member does: {_sentence(one)}" for one in sorted(told - right, key=repr)
    )
    yield from (f"it does not say: {_sentence(one)}" for one in sorted(right - told, key=repr))


def _statements(document: Mapping[str, Any]) -> Iterator[Statement]:
    for part, rows in document.items():
        if part == "prefix":
            continue
        for name, told in rows.items():
            for one in told if isinstance(told, list) else [told]:
                yield _statement(part, name if part in _ELEMENTS else "", one)


def _statement(part: str, name: str, attributes: Mapping[str, Any]) -> Statement:
    values = {key: value["$"] if isinstance(value, dict) else value for key, value in attributes.items()}
    return part, name, frozenset((key, _plain(key, value)) for key, value in values.items() if value)


def _plain(key: str, value: Any) -> str:
    return instant(value).isoformat() if key in _TIMES else str(value)


def _sentence(statement: Statement) -> str:
    part, name, attributes = statement
    return " ".join([part, *filter(None, [name]), *(f"{key}={value}" for key, value in sorted(attributes))])


class _Derived:
    """What the document has to say."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle, self.version, self.origin = bundle, bundle.version, bundle.records[ORIGIN]
        self.statements: set[Statement] = set()
        self._registration()
        self._steps()
        self._sources()
        for one in bundle.promotions:
            self._promotion(one)
        for one in self.version["stages"]:
            self._stage_change(one)
        for name, one in bundle.records.items():
            if name.startswith(REPRODUCTIONS):
                self._reproduction(one)
        for one in bundle.records[DEPLOYMENTS]:
            self._deployment(one)

    @property
    def model(self) -> str:
        return self._entity(
            f"version:{self.bundle.name}", self.bundle.name, manifest=self.version["manifest_digest"]
        )

    def _registration(self) -> None:
        at = self.version["created_at"]
        done = self._activity(f"registration:{self.bundle.name}", "registration", at)
        self._relation("wasGeneratedBy", entity=self.model, activity=done, time=at)
        self._associated(done, self.version["created_by"], "registrant")

    def _steps(self) -> None:
        for step in self.origin["steps"]:
            name = f"stage:{self.origin['repository']}:{step['name']}@{self.origin['commit']}"
            activity = self._activity(name, step["command"])
            inputs = [self._data(one) for one in step["inputs"]]
            for one in inputs:
                self._relation("used", activity=activity, entity=one)
            for out in map(self._data, step["outputs"]):
                self._relation("wasGeneratedBy", entity=out, activity=activity)
                for one in inputs:
                    self._derived(out, one, activity=activity)

    def _sources(self) -> None:
        origin, version = self.origin, self.version
        if origin["commit"]:
            self._derived(self.model, self._commit(origin["commit"]))
            if origin["base"]:
                self._derived(self._commit(origin["commit"]), self._commit(origin["base"]))
        if version["run_id"]:
            run = self._entity(f"run:{version['run_id']}", version["run_id"])
            self._derived(self.model, run)
            for one in origin["logged"]:
                self._derived(run, self._entity(f"data::@{one['hash']}", one["path"]))
        if version["finalises"]:
            name = f"{version['model']}@{version['finalises']}"
            made_from = self._entity(f"version:{name}", name, manifest=version["manifest_digest"])
            self._derived(self.model, made_from, type="prov:Revision")
        self._outputs()

    def _outputs(self) -> None:
        outputs = [one for step in self.origin["steps"] for one in step["outputs"]]
        known = _covering(outputs, self._traced()) or _covering(outputs, {self.origin["model"]} - {""})
        for one in known:
            self._derived(self.model, self._data(one))
        for one in [] if known else outputs:
            self._relation("wasInfluencedBy", influencee=self.model, influencer=self._data(one))

    def _traced(self) -> set[str]:
        reports = [one for name, one in self.bundle.records.items() if name.startswith(REPRODUCTIONS)]
        rows = [row for one in reports for row in one["statement"].get("registered", ())]
        return {row["from"] for row in rows if row["source"] in _FROM_OUTPUTS}

    def _promotion(self, one: Mapping[str, Any]) -> None:
        label = f"{one['version']} to {one['to_stage']}"
        activity = self._activity(f"promotion:{one['pk']}", label, one["opened_at"], one["decided_at"])
        self._relation("used", activity=activity, entity=self.model)
        self._associated(activity, one["requested_by_name"], "requester")
        self._seen(activity, one, one["evidence_digest"])
        for review in one["reviews"]:
            at, verdict = review["at"], review["verdict"]
            judged = self._activity(f"review:{review['pk']}", verdict, at, at)
            self._seen(judged, one, review["evidence_digest"])
            self._associated(judged, review["reviewer_name"], verdict)
            self._relation("wasInformedBy", informed=activity, informant=judged)
        for waiver in one["waivers"]:
            waived = self._activity(f"waiver:{waiver['pk']}", waiver["gate"], waiver["at"], waiver["at"])
            self._associated(waived, waiver["by_name"], "waive")
            self._relation("wasInformedBy", informed=activity, informant=waived)

    def _stage_change(self, one: Mapping[str, Any]) -> None:
        before, after, at = one["from_stage"], one["to_stage"], one["at"]
        label = f"{self.bundle.name}: {before} -> {after}"
        facts = {"from": before, "to": after, "how": one["how"]}
        activity = self._activity(f"stage-event:{one['pk']}", label, at, at, **facts)
        self._relation("used", activity=activity, entity=self.model)
        self._associated(activity, one["by_name"], "decider")
        if one["promotion_id"] in [known["pk"] for known in self.bundle.promotions]:
            decided = self._name(f"promotion:{one['promotion_id']}")
            self._relation("wasInformedBy", informed=activity, informant=decided)

    def _reproduction(self, one: Mapping[str, Any]) -> None:
        told, at = one["statement"], one["at"]
        activity = self._activity(f"reproduction:{one['pk']}", told["verdict"], None, at)
        self._relation("used", activity=activity, entity=self.model)
        self._associated(activity, one["by_name"], "requester")
        result = self._entity(f"report:{one['pk']}", one["summary"], sha256=digest_of(told))
        self._relation("wasGeneratedBy", entity=result, activity=activity, time=at)

    def _deployment(self, one: Mapping[str, Any]) -> None:
        number, at, until = one["pk"], one["at"], one["retired_at"]
        facts = {"environment": one["environment"], "url": one["url"]}
        served = self._entity(f"deployment:{number}", f"{self.bundle.name} in {one['environment']}", **facts)
        self._derived(served, self.model)
        begun = self._activity(f"deploying:{number}", "deployment", at)
        self._relation("used", activity=begun, entity=self.model)
        self._relation("wasGeneratedBy", entity=served, activity=begun, time=at)
        self._associated(begun, one["recorded_by_name"], "recorder")
        if until:
            ended = self._activity(f"retiring:{number}", "retirement", until, until)
            self._relation("wasInvalidatedBy", entity=served, activity=ended, time=until)
            self._associated(ended, one["retired_by_name"], "recorder")

    def _seen(self, activity: str, one: Mapping[str, Any], digest: str) -> None:
        evidence = self._entity(f"evidence:{one['pk']}@{digest}", "evidence", sha256=digest)
        self._relation("used", activity=activity, entity=evidence)

    def _commit(self, sha: str) -> str:
        return self._entity(f"commit:{self.origin['repository']}@{sha}", sha)

    def _data(self, one: Mapping[str, Any]) -> str:
        name = f"data:{self.origin['repository']}:{one['path']}@{one['hash']}"
        return self._entity(name, one["path"], md5=one["hash"])

    def _derived(self, made: str, source: str, **more: str) -> None:
        self._relation("wasDerivedFrom", generatedEntity=made, usedEntity=source, **more)

    def _associated(self, activity: str, name: str, role: str) -> None:
        if name:
            who = self._name(f"person:{name}")
            self._add("agent", who, {"prov:type": "prov:Person", "prov:label": name})
            self._relation("wasAssociatedWith", activity=activity, agent=who, role=role)

    def _entity(self, name: str, label: str, **facts: str) -> str:
        return self._element("entity", name, {"prov:label": label}, facts)

    def _activity(self, name: str, label: str, start: Any = None, end: Any = None, **facts: str) -> str:
        told = {"prov:label": label, "prov:startTime": start, "prov:endTime": end}
        return self._element("activity", name, told, facts)

    def _element(self, part: str, name: str, told: Mapping[str, Any], facts: Mapping[str, str]) -> str:
        own = {f"{_NAMESPACE}{key}": value for key, value in facts.items()}
        return self._add(part, self._name(name), {**told, **own})

    def _relation(self, part: str, **told: str) -> None:
        self._add(part, "", {f"prov:{key}": value for key, value in told.items()})

    def _add(self, part: str, name: str, told: Mapping[str, Any]) -> str:
        self.statements.add(_statement(part, name, told))
        return name

    def _name(self, name: str) -> str:
        return _NAMESPACE + quote(name, safe=":/@+")


def _covering(outputs: list[Mapping[str, Any]], paths: set[str]) -> list[Mapping[str, Any]]:
    """Return the outputs that are one of `paths`, or in which one of them lies."""
    return [one for one in outputs if any(f"{path}/".startswith(f"{one['path']}/") for path in paths)]
