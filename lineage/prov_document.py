"""A version's origin and decisions as a W3C PROV document, serialised as PROV-JSON by the library `prov`.

data --used-- stage --generated-- data      person --associated, in a role-- review --informed-- promotion
                                   \\                                          |                   |
             base -- commit ---- version (derived from data, commit, run)     used            stage change
                                   |                                           |
                               deployment (generated, later invalidated)    evidence
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from lineage.evidence_subject import Subject
from lineage.models import Reproduction
from lineage.origin import DataFile
from lineage.rebuilt import Source
from registry.models import Deployment, Promotion, StageEvent

if TYPE_CHECKING:
    from prov.model import ProvDocument

_URN = "urn:stagegate:"
_FROM_OUTPUTS = (Source.OUTPUT, Source.RECORDED)


def text(subject: Subject) -> str:
    """Return the document as PROV-JSON."""
    return str(_Document(subject).made().serialize(indent=1))


class _Document:
    """The document while it is made."""

    def __init__(self, subject: Subject) -> None:
        from prov.model import PROV, Namespace, ProvDocument

        self.subject, self.version, self.origin = subject, subject.version, subject.origin
        self.ns = Namespace("stagegate", _URN)
        self.label, self.role = PROV["label"], PROV["role"]
        self.person_type = PROV["Person"]
        self.document = ProvDocument()
        self.document.add_namespace(self.ns)
        self.people: dict[str, Any] = {}

    def made(self) -> ProvDocument:
        model = self._entity(
            f"version:{self.version}", str(self.version), manifest=self.version.manifest_digest
        )
        self._stages()
        self._sources(model)
        registration = self._activity(f"registration:{self.version}", "registration", self.version.created_at)
        self.document.wasGeneratedBy(model, registration, self.version.created_at)
        self._associated(registration, self.version.created_by, "registrant")
        for one in self.subject.promotions:
            self._promotion(model, one)
        for event in self.subject.stages:
            self._stage_change(model, event)
        for report in self.subject.reproductions:
            self._reproduction(model, report)
        for row in self.subject.deployments:
            self._deployment(model, row)
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
            commit = self._commit(self.origin.commit)
            self.document.wasDerivedFrom(model, commit)
            if self.origin.base:
                self.document.wasDerivedFrom(commit, self._commit(self.origin.base))
        if self.version.run_id:
            run = self._entity(f"run:{self.version.run_id}", self.version.run_id)
            self.document.wasDerivedFrom(model, run)
            for one in self.origin.logged:
                used = self._entity(f"data::@{one.hash}", one.path)
                self.document.wasDerivedFrom(run, used)
        if candidate := self.version.finalises:
            name = str(candidate)
            made_from = self._entity(f"version:{name}", name, manifest=candidate.manifest_digest)
            self.document.wasRevisionOf(model, made_from)
        self._outputs(model)

    def _outputs(self, model: Any) -> None:
        """Name the output that the model is; where nobody recorded which, each only had an influence."""
        known = self._traced() or self.origin.covering({self.origin.model} - {""})
        for one in known:
            self.document.wasDerivedFrom(model, self._data(one))
        if known:
            return
        for one in (one for step in self.origin.steps for one in step.outputs):
            self.document.wasInfluencedBy(model, self._data(one))

    def _traced(self) -> list[DataFile]:
        """Return the outputs in which reproductions found the bytes of registered files."""
        rows = [row for report in self.subject.reproductions for row in report.report.get("registered", ())]
        return self.origin.covering({str(row["from"]) for row in rows if row["source"] in _FROM_OUTPUTS})

    def _promotion(self, model: Any, one: Promotion) -> None:
        activity = self._activity(f"promotion:{one.pk}", str(one), one.opened_at, one.decided_at)
        self.document.used(activity, model)
        self._associated(activity, one.requested_by_name, "requester")
        self.document.used(activity, self._evidence(one, one.evidence_digest))
        for review in one.reviews.all():
            judged = self._activity(f"review:{review.pk}", review.verdict, review.at, review.at)
            self.document.used(judged, self._evidence(one, review.evidence_digest))
            self._associated(judged, review.reviewer_name, review.verdict)
            self.document.wasInformedBy(activity, judged)
        for waiver in one.waivers.all():
            waived = self._activity(f"waiver:{waiver.pk}", waiver.gate, waiver.at, waiver.at)
            self._associated(waived, waiver.by_name, "waive")
            self.document.wasInformedBy(activity, waived)

    def _stage_change(self, model: Any, one: StageEvent) -> None:
        facts = {"from": one.from_stage, "to": one.to_stage, "how": one.how}
        activity = self._activity(f"stage-event:{one.pk}", str(one), one.at, one.at, **facts)
        self.document.used(activity, model)
        self._associated(activity, one.by_name, "decider")
        if any(one.promotion_id == known.pk for known in self.subject.promotions):
            self.document.wasInformedBy(activity, self._named(f"promotion:{one.promotion_id}"))

    def _reproduction(self, model: Any, report: Reproduction) -> None:
        activity = self._activity(f"reproduction:{report.pk}", report.verdict, None, report.at)
        self.document.used(activity, model)
        self._associated(activity, report.by_name, "requester")
        result = self._entity(f"report:{report.pk}", report.summary, sha256=report.digest)
        self.document.wasGeneratedBy(result, activity, report.at)

    def _deployment(self, model: Any, one: Deployment) -> None:
        served = self._entity(f"deployment:{one.pk}", str(one), environment=one.environment, url=one.url)
        self.document.wasDerivedFrom(served, model)
        begun = self._activity(f"deploying:{one.pk}", "deployment", one.at)
        self.document.used(begun, model)
        self.document.wasGeneratedBy(served, begun, one.at)
        self._associated(begun, one.recorded_by_name, "recorder")
        if one.retired_at:
            ended = self._activity(f"retiring:{one.pk}", "retirement", one.retired_at, one.retired_at)
            self.document.wasInvalidatedBy(served, ended, one.retired_at)
            self._associated(ended, one.retired_by_name, "recorder")

    def _named(self, name: str) -> Any:
        """Return a qualified name; what no URI may hold (a blank, a quote, Hangul) is percent-encoded."""
        return self.ns[quote(name, safe=":/@+")]

    def _commit(self, sha: str) -> Any:
        return self._entity(f"commit:{self.origin.repository}@{sha}", sha)

    def _evidence(self, one: Promotion, digest: str) -> Any:
        return self._entity(f"evidence:{one.pk}@{digest}", "evidence", sha256=digest)

    def _data(self, one: DataFile) -> Any:
        return self._entity(f"data:{self.origin.repository}:{one.path}@{one.hash}", one.path, md5=one.hash)

    def _entity(self, name: str, label: str, **facts: str) -> Any:
        identity = self._named(name)
        known = self.document.get_record(identity)
        return known[0] if known else self.document.entity(identity, self._told(label, facts))

    def _activity(self, name: str, label: str, start: Any = None, end: Any = None, **facts: str) -> Any:
        return self.document.activity(self._named(name), start, end, self._told(label, facts))

    def _told(self, label: str, facts: dict[str, str]) -> dict[Any, Any]:
        return {self.label: label, **{self.ns[key]: value for key, value in facts.items() if value}}

    def _associated(self, activity: Any, name: str, role: str) -> None:
        if not name:
            return
        if name not in self.people:
            attributes: dict[Any, Any] = {"prov:type": self.person_type, self.label: name}
            self.people[name] = self.document.agent(self._named(f"person:{name}"), attributes)
        self.document.wasAssociatedWith(activity, self.people[name], other_attributes={self.role: role})
