"""Bundles that an insider with the key signed again: what differs from the trail is named."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from audit import bundle_records
from experiments.models import Job
from integrations.mlflow_records import ModelVersionRecord, RegisteredModelRecord
from registry import bypass, card, comments, deadlines, import_models, promotion, rollback, waivers
from registry.models import ModelVersion, Promotion
from registry.policy_rules import GateSetting
from tests.bundles import (
    bundle_of,
    edited,
    faults_of,
    make_registered,
    make_subject,
    members,
    only,
    serve,
    verified,
)
from tests.cards import COMPLETE
from tests.people import make_user
from tests.promotions import bring, set_rules
from tests.trail import checkpoint_folder

pytestmark = pytest.mark.django_db(transaction=True)
__all__ = ["checkpoint_folder"]

Change = Callable[[Any], Any]
CARD = COMPLETE.replace("{{ metadata.dataset_name }}", "receipts")


@pytest.fixture
def whole(auditor: User) -> dict[str, bytes]:
    """The members of a bundle in which everything is."""
    version = make_subject()
    comments.add(version.promotions.get(), "Which shop?", user=auditor)
    return members(bundle_of(version, auditor))


FORGED: list[tuple[str, Change, str]] = [
    (
        "deployments.json",
        lambda told: told[0].update(environment="test"),
        "environment is 'test', the audit trail says",
    ),
    (
        "deployments.json",
        lambda told: told[0].update(url="http://x"),
        "url is 'http://x', the audit trail says ''",
    ),
    ("deployments.json", lambda told: told[0].update(at="2020-01-01T00:00:00+00:00"), "at is 2020-01-01"),
    (
        "deployments.json",
        lambda told: told[0].update(recorded_at="2020-01-01T00:00:00+00:00"),
        "recorded_at is 2020",
    ),
    (
        "deployments.json",
        lambda told: told[0].update(retired_at=None),
        "retired_at is None, the audit trail says 2",
    ),
    (
        "deployments.json",
        lambda told: told[0].update(replaced_by=None),
        "replaced_by is None, the audit trail says",
    ),
    (
        "deployments.json",
        lambda told: told[1].update(recorded_by_name="x"),
        "recorded_by_name is 'x', the audit trail",
    ),
    (
        "deployments.json",
        lambda told: told[1].update(retired_by_name="x"),
        "retired_by_name is 'x', the audit trail",
    ),
    ("deployments.json", lambda told: told.pop(), "is in the audit trail, and not here"),
    ("deployments.json", lambda told: told.append({**told[0], "pk": 99}), "has not recorded deployment 99"),
    ("deployments.json", lambda told: told.append(told[0]), "more than once"),
    (
        "version.json",
        lambda told: told.update(stage="Production"),
        "stage is 'Production', the list of its stages",
    ),
    ("version.json", lambda told: told["stages"].clear(), "it has 0 changes of the stage, the audit trail 1"),
    (
        "version.json",
        lambda told: told["stages"][0].update(by_name="x"),
        "by_name is 'x', the audit trail says",
    ),
    (
        "version.json",
        lambda told: told["stages"][0].update(to_stage="Production"),
        "to_stage is 'Production', the",
    ),
    (
        "version.json",
        lambda told: told["stages"][0].update(at="2020-01-01T00:00:00Z"),
        "of the stage is 2020-01-01",
    ),
    (
        "version.json",
        lambda told: told.update(created_by="x"),
        "created_by is 'x', the audit trail says 'engineer'",
    ),
    ("version.json", lambda told: told.update(run_id="x"), "run_id is 'x', the audit trail says"),
    ("version.json", lambda told: told["metadata"].update(val_cer=0.001), "of version.json, metadata is"),
    (
        "promotions/",
        lambda told: told.update(requested_by_name="x"),
        "requested_by_name is 'x', the audit trail says",
    ),
    (
        "promotions/",
        lambda told: told.update(state="open"),
        "state is 'open', the audit trail says 'approved'",
    ),
    (
        "promotions/",
        lambda told: told.update(to_stage="Production"),
        "to_stage is 'Production', the audit trail says",
    ),
    (
        "promotions/",
        lambda told: told.update(kind="bypass"),
        "kind is 'bypass', the audit trail says 'request'",
    ),
    ("promotions/", lambda told: told.update(decided_at="2020-01-01T00:00:00Z"), "decided_at is 2020-01-01"),
    ("promotions/", lambda told: told.update(applied_at="2020-01-01T00:00:00Z"), "applied_at is 2020-01-01"),
    (
        "promotions/",
        lambda told: told["reviews"][0].update(comment="Bad."),
        "comment is 'Bad.', the audit trail says",
    ),
    (
        "promotions/",
        lambda told: told["reviews"][0].update(at="2020-01-01T00:00:00Z"),
        "at of reviews 1 is 2020",
    ),
    ("promotions/", lambda told: told["comments"].clear(), "it has 0 comments, the audit trail 1"),
    (
        "promotions/",
        lambda told: told["waivers"].append({"gate": "card", "reason": "x", "by_name": "y", "at": "2020"}),
        "it has 1 waivers, the audit trail 0",
    ),
    ("evidence/", lambda told: told.update(digest="0" * 64), "has not recorded this evidence of promotion"),
    (
        "card.json",
        lambda told: told.update(state="approved"),
        "state is 'approved', the audit trail says 'draft'",
    ),
]


def test_what_the_trail_recorded_otherwise_is_named(whole: dict[str, bytes]) -> None:
    assert faults_of(dict(whole)) == []
    for start, change, told in FORGED:
        found = dict(whole)
        edited(found, only(found, start), change)
        outcome = faults_of(found)
        assert any(told in one for one in outcome), (told, outcome)


def without_entries(found: dict[str, bytes], *events: str) -> None:
    """Leave entries out of the excerpt, which stays one."""
    lines = found[bundle_records.TRAIL].decode().splitlines(keepends=True)
    kept = [line for line in lines if json.loads(line)["event"] not in events]
    assert len(kept) < len(lines)
    found[bundle_records.TRAIL] = "".join(kept).encode()


def test_entries_cannot_be_left_out_while_something_they_tell_of_is_there(whole: dict[str, bytes]) -> None:
    for event, told in {
        "version.registered": "version.json: the audit trail does not tell how the version came here",
        "version.stage_changed": "it has 1 changes of the stage, the audit trail 0",
        "promotion.opened": "the audit trail does not tell who asked for it",
        "promotion.approved": "state is 'approved', the audit trail says 'open'",
        "promotion.reviewed": "its reviews are not those that the audit trail recorded",
        "deployment.recorded": "the audit trail has not recorded deployment",
        "deployment.retired": "retired_by_name is 'engineer', the audit trail says ''",
    }.items():
        found = dict(whole)
        without_entries(found, event)
        assert any(told in one for one in faults_of(found)), (event, faults_of(found))


def test_a_rejected_promotion_cannot_be_left_out_of_the_members(auditor: User) -> None:
    version = make_subject()
    asked = promotion.open_for(version, "Production", user=make_user(Role.ENGINEER))
    critic = make_user(Role.REVIEWER, username="critic")
    promotion.review(asked, "reject", user=critic, evidence_digest=asked.evidence_digest, comment="No.")
    found = members(bundle_of(version, auditor))
    for name in [
        name for name in found if name.startswith((f"promotions/{asked.pk}.", f"evidence/{asked.pk}-"))
    ]:
        del found[name]
    missing = f"promotions/{asked.pk}.json: the audit trail tells of it, and it is not in the bundle"
    assert missing in faults_of(found)
    manifest = json.loads(found["MANIFEST.json"])
    manifest["statement"]["left_out"] = {"promotions": 1}  # older ones, it says, but this is the newest
    found["MANIFEST.json"] = json.dumps(manifest).encode()
    assert missing in faults_of(found)


def test_an_older_promotion_cannot_be_left_out_unless_the_manifest_says_so(auditor: User) -> None:
    version = make_subject()
    oldest = version.promotions.get()
    promotion.open_for(version, "Production", user=make_user(Role.ENGINEER))
    found = members(bundle_of(version, auditor))
    for name in [
        name for name in found if name.startswith((f"promotions/{oldest.pk}.", f"evidence/{oldest.pk}-"))
    ]:
        del found[name]
    missing = f"promotions/{oldest.pk}.json: the audit trail tells of it, and it is not in the bundle"
    assert missing in faults_of(found)
    manifest = json.loads(found["MANIFEST.json"])
    manifest["statement"]["left_out"] = {"promotions": 1}
    found["MANIFEST.json"] = json.dumps(manifest).encode()
    assert missing not in faults_of(found)


def test_entries_about_another_version_prove_nothing(whole: dict[str, bytes], auditor: User) -> None:
    other = make_registered("2.0.0")
    serve(other, "elsewhere")
    theirs = members(bundle_of(other, auditor))
    found = whole | {name: theirs[name] for name in ("audit/export.jsonl", "audit/checkpoints.jsonl")}
    outcome = faults_of(found)
    assert any("is not about receipt-ocr@1.0.0" in one for one in outcome)
    assert any("the audit trail has not recorded deployment" in one for one in outcome)


def asked_for(version: ModelVersion, stage: str = "Production") -> Promotion:
    return promotion.open_for(version, stage, user=make_user(Role.ENGINEER), comment="Please.")


def test_whatever_was_decided_makes_a_bundle_that_verifies(auditor: User) -> None:
    set_rules()
    boss, critic = make_user(Role.ADMINISTRATOR, username="boss"), make_user(Role.REVIEWER, username="critic")
    first, second = (bring(make_registered(number), "Staging", "Production") for number in ("1.0.0", "1.1.0"))
    rollback.roll_back(first.model, first, user=critic, reason="It cannot read euros.")
    third = make_registered("1.2.0")
    promotion.withdraw(asked_for(third, "Staging"), user=boss)
    for verdict in ("reject", "request_changes"):
        asked = asked_for(third, "Staging")
        seen = {"evidence_digest": asked.evidence_digest, "comment": "No."}
        promotion.review(asked, verdict, user=critic, **seen)
    late = asked_for(third, "Staging")
    Promotion.objects.filter(pk=late.pk).update(expires_at=timezone.now() - timedelta(days=1))
    assert deadlines.expire(late, timezone.now())
    asked_for(third, "Staging")
    made = bypass.bypass(third, "Production", user=boss, reason="The till stands still")
    bypass.follow_up(made, user=critic, comment="Fine by me")
    written = card.save(third, CARD, user=boss, based_on=0)
    serve(third, alongside=True)
    set_rules(gates=(GateSetting("card"),))
    fourth = make_registered("1.3.0")
    asked = asked_for(fourth, "Staging")
    waivers.waive(asked, "card", user=boss, reason="A hot fix")
    promotion.review(asked, "approve", user=critic, evidence_digest=asked.evidence_digest)
    for version in (first, second, third, fourth):
        assert verified(bundle_of(ModelVersion.objects.get(pk=version.pk), auditor)).ok
        for one in version.promotions.all():
            assert verified(bundle_of(ModelVersion.objects.get(pk=version.pk), auditor, one)).ok
    card.submit(third, user=boss, number=written.number)
    card.approve(third, user=critic, number=written.number)
    found = members(bundle_of(third, auditor))
    assert json.loads(found["card.json"])["state"] == "approved"
    edited(found, "card.json", lambda told: told.update(decided_by_name="x"))
    assert faults_of(found) == ["card.json: decided_by_name is 'x', the audit trail says 'critic'"]


def test_a_version_from_mlflow_verifies(auditor: User) -> None:
    then = 1_700_000_000_000
    model = RegisteredModelRecord("found", "", then, then, {}, {})
    there = ModelVersionRecord("found", 3, "Production", "READY", "", "s3://x", "", then, then, {}, ())
    import_models.adopt(model, [there], deadline=float("inf"))
    version = ModelVersion.objects.get(model__name="found")
    assert version.stage == "Production"
    Job.objects.all().delete()
    assert verified(bundle_of(version, auditor)).ok
