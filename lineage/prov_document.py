"""A version's origin and decisions as a W3C PROV document, serialised as PROV-JSON by the library `prov`.

data --used-- stage --generated-- data        people --associated with-- promotion
                                   \\                                        |
                        commit ---- version (derived from data, commit, run) used
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from lineage.models import Reproduction
from lineage.origin import DataFile, Origin
from registry.models import ModelVersion, Promotion

if TYPE_CHECKING:
    from prov.model import ProvDocument

_URN = "urn:stagegate:"


def text(
    version: ModelVersion, origin: Origin, promotions: list[Promotion], reproductions: list[Reproduction]
) -> str:
    """Return the document as PROV-JSON."""
    return str(_Document(version, origin).made(promotions, reproductions).serialize(indent=1))


class _Document:
    """The document while it is made."""

    def __init__(self, version: ModelVersion, origin: Origin) -> None:
        from prov.model import PROV, Namespace, ProvDocument

        self.version, self.origin = version, origin
        self.ns = Namespace("stagegate", _URN)
        self.label = PROV["label"]
        self.person_type = PROV["Person"]
        self.document = ProvDocument()
        self.document.add_namespace(self.ns)
        self.people: dict[str, Any] = {}

    def made(self, promotions: list[Promotion], reproductions: list[Reproduction]) -> ProvDocument:
        model = self._entity(
            f"version:{self.version}", str(self.version), manifest=self.version.manifest_digest
        )
        self._stages()
        self._sources(model)
        registration = self._activity(f"registration:{self.version}", "registration", self.version.created_at)
        self.document.wasGeneratedBy(model, registration, self.version.created_at)
        self._associated(registration, self.version.created_by)
        for one in promotions:
            self._promotion(model, one)
        for report in reproductions:
            activity = self._activity(f"reproduction:{report.pk}", report.verdict, report.at)
            self.document.used(activity, model)
            result = self._entity(f"report:{report.pk}", report.summary, sha256=report.digest)
            self.document.wasGeneratedBy(result, activity, report.at)
        return self.document

    def _stages(self) -> None:
        for step in self.origin.steps:
            name = f"stage:{self.origin.repository}:{step.name}@{self.origin.commit}"
            activity = self._activity(name, step.command)
            inputs = [self._data(one) for one in step.inputs]
            for one in inputs:
                self.document.used(activity, one)
            for out in map(self._data, step.outputs):
                self.document.wasGeneratedBy(out, activity)
                for one in inputs:
                    self.document.wasDerivedFrom(out, one, activity)

    def _sources(self, model: Any) -> None:
        if self.origin.commit:
            name = f"commit:{self.origin.repository}@{self.origin.commit}"
            self.document.wasDerivedFrom(model, self._entity(name, self.origin.commit))
        if self.version.run_id:
            run = self._entity(f"run:{self.version.run_id}", self.version.run_id)
            self.document.wasDerivedFrom(model, run)
        made = [one for step in self.origin.steps for one in step.outputs]
        for one in made:
            self.document.wasDerivedFrom(model, self._data(one))

    def _promotion(self, model: Any, one: Promotion) -> None:
        activity = self._activity(f"promotion:{one.pk}", str(one), one.opened_at, one.decided_at)
        self.document.used(activity, model)
        self._associated(activity, one.requested_by_name)
        for review in one.reviews.all():
            self._associated(activity, review.reviewer_name)
        evidence = self._entity(
            f"evidence:{one.pk}@{one.evidence_digest}", "evidence", sha256=one.evidence_digest
        )
        self.document.used(activity, evidence)

    def _named(self, name: str) -> Any:
        """Return a qualified name; what no URI may hold (a blank, a quote, Hangul) is percent-encoded."""
        return self.ns[quote(name, safe=":/@+")]

    def _data(self, one: DataFile) -> Any:
        return self._entity(f"data:{self.origin.repository}:{one.path}@{one.hash}", one.path, md5=one.hash)

    def _entity(self, name: str, label: str, **facts: str) -> Any:
        identity = self._named(name)
        known = self.document.get_record(identity)
        if known:
            return known[0]
        attributes: dict[Any, Any] = {self.ns[key]: value for key, value in facts.items() if value}
        return self.document.entity(identity, {self.label: label, **attributes})

    def _activity(self, name: str, label: str, start: Any = None, end: Any = None) -> Any:
        return self.document.activity(self._named(name), start, end, {self.label: label})

    def _associated(self, activity: Any, name: str) -> None:
        if not name:
            return
        if name not in self.people:
            attributes: dict[Any, Any] = {"prov:type": self.person_type, self.label: name}
            self.people[name] = self.document.agent(self._named(f"person:{name}"), attributes)
        self.document.wasAssociatedWith(activity, self.people[name])
