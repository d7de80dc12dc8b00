"""The origin and the decisions of a version in its evidence bundle as PROV-JSON."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import User
from accounts.roles import Role
from experiments.models import Job, Repository, Run
from registry import promotion
from registry.models import ModelVersion, Promotion
from tests import prov_json
from tests.bundles import LOCK, bundle_of, make_subject, members, rebuild
from tests.lineage_rows import make_history_commit, make_stage
from tests.people import make_user
from tests.trail import checkpoint_folder

pytestmark = pytest.mark.django_db(transaction=True)
__all__ = ["checkpoint_folder"]


@pytest.fixture
def version() -> ModelVersion:
    """A version of which everything is known."""
    return make_subject()


def test_lineage_is_prov_that_its_library_reads(version: ModelVersion, auditor: User) -> None:
    from prov.model import ProvDocument

    found = members(bundle_of(version, auditor))
    document = ProvDocument.deserialize(content=found["lineage/prov.json"].decode())
    names = {str(record.identifier) for record in document.get_records() if record.identifier}
    assert f"stagegate:version:{version}" in names
    assert f"stagegate:stage:receipt-ocr:train@{'d' * 40}" in names
    assert {"stagegate:person:reviewer", f"stagegate:data:receipt-ocr:models@{'b' * 32}"} <= names


def _without(document: dict[str, Any], part: str, key: str) -> None:
    del next(iter(document[part].values()))[key]


def _name(document: dict[str, Any], part: str, name: str) -> None:
    document[part][name] = document[part].popitem()[1]


BROKEN: list[tuple[Callable[[dict[str, Any]], Any], str]] = [
    (lambda prov: prov["prefix"].clear(), "is not declared"),
    (lambda prov: prov["prefix"].update(stagegate="here"), "prefix stagegate: no URI"),
    (lambda prov: prov.update(edges={}), "edges: nothing of PROV-JSON"),
    (lambda prov: _name(prov, "agent", "stagegate:two words"), "is no qualified name"),
    (lambda prov: _without(prov, "used", "prov:entity"), "prov:entity is missing"),
    (lambda prov: _without(prov, "wasGeneratedBy", "prov:activity"), "prov:activity is missing"),
    (lambda prov: _without(prov, "wasDerivedFrom", "prov:usedEntity"), "prov:usedEntity is missing"),
    (lambda prov: _without(prov, "wasAssociatedWith", "prov:agent"), "prov:agent is missing"),
    (lambda prov: _without(prov, "wasInvalidatedBy", "prov:activity"), "prov:activity is missing"),
    (lambda prov: _without(prov, "wasInformedBy", "prov:informant"), "prov:informant is missing"),
    (lambda prov: _without(prov, "wasInfluencedBy", "prov:influencer"), "prov:influencer is missing"),
    (lambda prov: prov["entity"].popitem(), "is no entity of the document"),
    (lambda prov: prov["agent"].clear(), "is no agent of the document"),
    (
        lambda prov: next(iter(prov["activity"].values())).update({"prov:startTime": "yesterday"}),
        "is no xsd:dateTime",
    ),
]


def test_the_prov_document_is_what_the_submission_of_prov_json_asks(
    auditor: User,
) -> None:
    version = make_subject(created_by="Ada König <ada@example.org>")
    lock = {**LOCK["train"], "outs": [{**LOCK["train"]["outs"][0], "path": 'models/the "best" 100%.pt'}]}
    Job.objects.update(result={"lock": {"train": lock}})
    version.refresh_from_db()
    text = members(bundle_of(version, auditor))["lineage/prov.json"].decode()
    document = json.loads(text)
    assert prov_json.faults(document) == []
    assert {*prov_json.ELEMENTS, *prov_json.RELATIONS, "prefix"} == {*document}
    # Stage, registration, promotion, review, change of stage, reproduction, two deployments, an end of one.
    assert len(document["activity"]) == 9
    assert {one["prov:label"] for one in document["entity"].values()} >= {'models/the "best" 100%.pt'}
    for change, told in BROKEN:
        broken = json.loads(text)
        change(broken)
        assert any(told in fault for fault in prov_json.faults(broken)), told


def _document(version: ModelVersion, user: User, asked: Promotion | None = None) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(members(bundle_of(version, user, asked))["lineage/prov.json"])
    return found


def _pairs(document: dict[str, Any], relation: str, first: str, second: str) -> set[tuple[str, str]]:
    """Return both ends of every relation of a kind, without the prefix of the product."""
    rows = document.get(relation, {}).values()
    return {(row[first].removeprefix("stagegate:"), row[second].removeprefix("stagegate:")) for row in rows}


def test_who_approved_and_who_rejected_is_told_apart(version: ModelVersion, auditor: User) -> None:
    asked = promotion.open_for(version, "Production", user=make_user(Role.ENGINEER, username="asker"))
    critic = make_user(Role.REVIEWER, username="critic")
    promotion.review(asked, "reject", user=critic, evidence_digest=asked.evidence_digest, comment="No.")
    document = _document(version, auditor)
    roles = {
        (row["prov:activity"].partition(":")[2].partition(":")[0], row["prov:agent"], row["prov:role"])
        for row in document["wasAssociatedWith"].values()
    }
    assert roles >= {
        ("review", "stagegate:person:reviewer", "approve"),
        ("review", "stagegate:person:critic", "reject"),
        ("promotion", "stagegate:person:asker", "requester"),
        ("reproduction", "stagegate:person:auditor", "requester"),
        ("deploying", "stagegate:person:engineer", "recorder"),
    }
    informed = _pairs(document, "wasInformedBy", "prov:informed", "prov:informant")
    reviews = {review.verdict: review.pk for review in asked.reviews.all()}
    assert (f"promotion:{asked.pk}", f"review:{reviews['reject']}") in informed


def test_stages_deployments_base_commit_and_candidate_are_in_the_document(
    version: ModelVersion, auditor: User
) -> None:
    document = _document(version, auditor)
    moved, promoted = version.stage_events.get(), version.promotions.get()
    event = document["activity"][f"stagegate:stage-event:{moved.pk}"]
    assert (event["stagegate:from"], event["stagegate:to"]) == ("Development", "Staging")
    informed = _pairs(document, "wasInformedBy", "prov:informed", "prov:informant")
    assert (f"stage-event:{moved.pk}", f"promotion:{promoted.pk}") in informed
    derived = _pairs(document, "wasDerivedFrom", "prov:generatedEntity", "prov:usedEntity")
    name = f"version:{version}"
    assert (f"commit:receipt-ocr@{'d' * 40}", f"commit:receipt-ocr@{'e' * 40}") in derived
    assert (name, "version:receipt-ocr@1.0.0-rc1") in derived
    ended, serving = version.deployments.order_by("at")
    assert {(f"deployment:{one.pk}", name) for one in (ended, serving)} <= derived
    invalidated = _pairs(document, "wasInvalidatedBy", "prov:entity", "prov:activity")
    assert invalidated == {(f"deployment:{ended.pk}", f"retiring:{ended.pk}")}


def two_outputs() -> None:
    """Have the stage make another thing beside the model."""
    outputs = [*LOCK["train"]["outs"], {**LOCK["train"]["outs"][0], "path": "plots", "md5": "9" * 32}]
    Job.objects.update(result={"lock": {"train": {**LOCK["train"], "outs": outputs}}})


def test_what_a_reproduction_traced_by_its_bytes_names_the_output(
    version: ModelVersion, auditor: User
) -> None:
    two_outputs()
    rebuild(version)
    derived = _pairs(_document(version, auditor), "wasDerivedFrom", "prov:generatedEntity", "prov:usedEntity")
    assert (f"version:{version}", f"data:receipt-ocr:models@{'b' * 32}") in derived
    assert (f"version:{version}", f"data:receipt-ocr:plots@{'9' * 32}") not in derived


def test_the_model_is_derived_from_the_output_that_it_is_and_no_other(
    version: ModelVersion, auditor: User
) -> None:
    model, other = f"data:receipt-ocr:models@{'b' * 32}", f"data:receipt-ocr:plots@{'9' * 32}"
    two_outputs()
    name = f"version:{version}"
    unknown = _document(version, auditor)
    influenced = _pairs(unknown, "wasInfluencedBy", "prov:influencee", "prov:influencer")
    assert {(name, model), (name, other)} <= influenced
    derived = _pairs(unknown, "wasDerivedFrom", "prov:generatedEntity", "prov:usedEntity")
    assert not {(name, model), (name, other)} & derived

    repository = Repository.objects.get_or_create(name="receipt-ocr")[0]
    made = [("models", "b" * 32), ("plots", "9" * 32)]
    stage = make_stage(repository, "train", reads=[("data/raw", "a" * 32)], makes=made, sha="d" * 40)
    snapshot = make_history_commit(repository, "d" * 40, [stage]).snapshot
    assert snapshot is not None
    snapshot.artifacts = {"ocr": {"path": "models/model.pt2", "type": "model"}}
    snapshot.save()
    known = _document(version, auditor)
    derived = _pairs(known, "wasDerivedFrom", "prov:generatedEntity", "prov:usedEntity")
    assert (name, model) in derived
    assert (name, other) not in derived
    assert "wasInfluencedBy" not in known


def test_data_that_a_run_logged_to_mlflow_are_what_it_came_from(version: ModelVersion, auditor: User) -> None:
    said = {"name": "digit scans", "digest": "1f0c94a3", "source_type": "s3", "source": "", "context": ""}
    Run.objects.filter(run_id=version.run_id).update(inputs=[said, {**said, "digest": ""}])
    document = _document(version, auditor)
    derived = _pairs(document, "wasDerivedFrom", "prov:generatedEntity", "prov:usedEntity")
    logged = "data::@1f0c94a3~digit_scans"
    assert {far for near, far in derived if near == f"run:{version.run_id}"} == {logged}
    assert document["entity"][f"stagegate:{logged}"]["prov:label"] == "digit scans"
    assert prov_json.faults(document) == []
