"""Lineage of a bundle that an insider with the key signed again: what no other member says is named."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from experiments.models import Job
from tests.bundles import LOCK, bundle_of, edited, faults_of, make_registered, make_subject, members
from tests.trail import checkpoint_folder

pytestmark = pytest.mark.django_db(transaction=True)
__all__ = ["checkpoint_folder"]

PROV, ORIGIN, EVENTS = "lineage/prov.json", "lineage/origin.json", "lineage/openlineage.jsonl"
THEN = "2020-01-01T00:00:00+00:00"


@pytest.fixture
def whole(auditor: User) -> dict[str, bytes]:
    """The members of a bundle whose pipeline and its stage have times on record."""
    version = make_subject()
    began = timezone.now() - timedelta(hours=1)
    stage = {"name": "train", "state": "ran", "seconds": 90.0, "started_at": began.isoformat()}
    times = {"started_at": began.isoformat(), "finished_at": timezone.now().isoformat(), "stages": [stage]}
    Job.objects.filter(pk=version.lineage["stagegate.job"]).update(result={"lock": LOCK, **times})
    return members(bundle_of(version, auditor))


def named(part: str, start: str) -> Callable[[Any], Any]:
    """Return what finds an element of the document by the beginning of its name."""
    return lambda told: next(row for name, row in told[part].items() if name.startswith(f"stagegate:{start}"))


def of_role(told: Any, role: str) -> Any:
    return next(row for row in told["wasAssociatedWith"].values() if row["prov:role"] == role)


FORGED: list[tuple[str, Callable[[Any], Any], str]] = [
    (PROV, lambda told: of_role(told, "approve").update({"prov:role": "reject"}), "role=reject"),
    (PROV, lambda told: of_role(told, "approve").update({"prov:agent": "stagegate:person:x"}), "person:x"),
    (PROV, lambda told: named("activity", "review:")(told).update({"prov:endTime": THEN}), "endTime=2020"),
    (PROV, lambda told: named("activity", "stage-event:")(told).update({"stagegate:to": "x"}), "to=x"),
    (PROV, lambda told: named("entity", "deployment:")(told).update({"stagegate:environment": "x"}), "=x"),
    (PROV, lambda told: named("entity", "version:")(told).update({"stagegate:manifest": "0" * 64}), "=0000"),
    (PROV, lambda told: named("entity", "evidence:")(told).update({"stagegate:sha256": "0" * 64}), "=0000"),
    (PROV, lambda told: named("agent", "person:reviewer")(told).update({"prov:label": "x"}), "label=x"),
    (PROV, lambda told: told["wasInformedBy"].clear(), "it does not say: wasInformedBy"),
    (PROV, lambda told: told["wasInvalidatedBy"].clear(), "it does not say: wasInvalidatedBy"),
    (PROV, lambda told: told["activity"].update({"stagegate:audit:1": {}}), "stagegate:audit:1"),
    (PROV, lambda told: told["prefix"].update(stagegate="urn:x:"), "do not stand for those of the product"),
    (ORIGIN, lambda told: told.update(commit="0" * 40), "commit is '0000"),
    (ORIGIN, lambda told: told.update(repository="x"), "repository is 'x', version.json says 'receipt-ocr'"),
    (
        ORIGIN,
        lambda told: told["steps"][0]["inputs"][0].update(hash="0" * 32),
        "data/raw of the stage",
    ),
    (
        ORIGIN,
        lambda told: told["steps"][0]["outputs"][0].update(hash="0" * 32),
        "models of the stage",
    ),
    (ORIGIN, lambda told: told["events"]["steps"].clear(), "steps is [], the origin says"),
    (EVENTS, lambda told: told.pop(), "it does not say: COMPLETE"),
    (EVENTS, lambda told: told.append(told[0]), "it has 5 events, lineage/origin.json 4"),
    (
        EVENTS,
        lambda told: told[0].update(eventTime=THEN),
        "does not: START 2020",
    ),
    (EVENTS, lambda told: told[3].update(eventType="FAIL"), "does not: FAIL"),
    (EVENTS, lambda told: told[0]["run"].update(runId="x"), "it says, and lineage/origin.json does not"),
    (EVENTS, lambda told: told[1]["job"].update(name="x"), "it says, and lineage/origin.json does not"),
    (
        EVENTS,
        lambda told: told[2]["outputs"][0]["facets"]["version"].update(datasetVersion="0" * 32),
        "models 00000",
    ),
    (EVENTS, lambda told: told[0]["inputs"][0].update(name="x"), "dvc://receipt-ocr x aaaa"),
    ("reproductions/1.json", lambda told: told.update(summary="Identical."), "summary is 'Identical.', the"),
    ("reproductions/1.json", lambda told: told.update(at=THEN), "at is 2020"),
    ("reproductions/1.json", lambda told: told.update(by_name="x"), "by_name is 'x', the audit trail"),
]


def edited_lines(found: dict[str, bytes], name: str, change: Callable[[Any], Any]) -> None:
    """Change the JSON values in the lines of a member."""
    told = [json.loads(line) for line in found[name].decode().splitlines()]
    change(told)
    found[name] = "".join(f"{json.dumps(one)}\n" for one in told).encode()


def test_what_no_other_member_says_of_the_lineage_is_named(whole: dict[str, bytes]) -> None:
    assert faults_of(dict(whole)) == []
    reproduction = next(name for name in whole if name.startswith("reproductions/"))
    for name, change, told in FORGED:
        found = dict(whole)
        where = reproduction if name.startswith("reproductions/") else name
        (edited_lines if name == EVENTS else edited)(found, where, change)
        outcome = faults_of(found)
        assert any(one.startswith(where) and told in one for one in outcome), (told, outcome)


def test_a_run_cannot_end_before_it_begins(whole: dict[str, bytes]) -> None:
    edited(whole, ORIGIN, lambda told: told["events"]["ran"][0].update(ended_at=THEN))
    assert any("a run that ends before it begins" in one for one in faults_of(whole))


def test_a_plain_run_has_made_what_was_registered(auditor: User) -> None:
    whole = members(bundle_of(make_registered(), auditor))
    assert faults_of(dict(whole)) == []
    for change, told in (
        (lambda told: told["events"]["ran"][0].update(run="x"), "it is of the run x"),
        (lambda told: told["events"]["steps"][0]["outputs"][0].update(hash="0" * 64), "the run made ['0000"),
    ):
        found = dict(whole)
        edited(found, ORIGIN, change)
        assert any(told in one for one in faults_of(found)), (told, faults_of(found))
