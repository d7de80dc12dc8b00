"""The evidence bundle: who makes it, what is in it, that nothing in it can be changed without being named."""

import io
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from audit import bundle_verifier, checkpoint_files, checkpoints, standing_alone
from audit.events import Event
from audit.models import AuditEntry
from experiments import execution
from experiments.models import Job
from lineage import bundle_room, evidence_bundle, evidence_subject
from lineage.models import EvidenceBundle
from registry import comments
from registry.conflicts import ConflictError
from registry.models import ModelVersion, RegisteredModel
from registry.version_facts import metadata_of
from tests.bundles import bundle_of, made_for, make_subject, members, rebuild, serve, verified, zipped
from tests.cards import make_card
from tests.people import client_of, make_user
from tests.trail import checkpoint_folder, rewrite
from tests.versions import make_version

pytestmark = pytest.mark.django_db(transaction=True)
__all__ = ["checkpoint_folder"]

PAGE = "/models/receipt-ocr/versions/1.0.0/evidence/"
ARCHIVE = "/models/receipt-ocr/versions/1.0.0/evidence.zip"
REST = "/api/v1/models/receipt-ocr/versions/1.0.0/bundle/"


@pytest.fixture
def version() -> ModelVersion:
    """A version of which everything is known."""
    return make_subject()


def test_a_bundle_holds_everything_and_verifies_far_from_here(
    version: ModelVersion, auditor: User, tmp_path: Path
) -> None:
    content = bundle_of(version, auditor)
    found = members(content)
    promoted = version.promotions.get()
    assert {"report.html", "version.json", "card.md", "artifacts.json", "verify.py", "README.txt"} <= set(
        found
    )
    assert json.loads(found[f"promotions/{promoted.pk}.json"])["reviews"][0]["reviewer_name"] == "reviewer"
    measured = metadata_of(version)
    assert measured is not None
    assert str(measured.val_cer).encode() in found["report.html"]
    assert b"<img" not in found["report.html"]
    assert b'<link rel="stylesheet" href="report.css">' in found["report.html"]
    assert b"<style" not in found["report.html"]
    assert b"style=" not in found["report.html"]
    assert b"@page" in found["report.css"]
    assert AuditEntry.objects.filter(event=Event.EVIDENCE_EXPORTED, actor_name="auditor").count() == 1

    far = tmp_path / "far"
    far.mkdir()
    (far / "bundle.zip").write_bytes(content)
    (far / "verify.py").write_text(standing_alone.text())
    (far / "key.pem").write_text(checkpoint_files.public_keys())
    command = [sys.executable, "-I", "verify.py", "bundle.zip", "key.pem", "--json"]
    done = subprocess.run(command, cwd=far, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert (told["reproductions"], told["evidence"], told["trusts_own_key"]) == (1, 1, False)
    assert told["members"] == len(found) - 1
    assert told["audit"]["entries"] >= 4
    assert found["verify.py"].decode() == standing_alone.text()


def _append(found: dict[str, bytes], name: str) -> None:
    found[name] += b" "


def _report(found: dict[str, bytes]) -> str:
    return next(name for name in found if name.startswith("reproductions/"))


def _evidence(found: dict[str, bytes]) -> str:
    return next(name for name in found if name.startswith("evidence/"))


TAMPERING: list[tuple[Callable[[dict[str, bytes]], Any], str]] = [
    (lambda found: found.pop("version.json"), "version.json: it is missing"),
    (lambda found: found.update({"more.txt": b"x"}), "more.txt: it was added"),
    (lambda found: _append(found, _report(found)), "it was altered"),
    (
        lambda found: found.update(
            {_report(found): found[_report(found)].replace(b"within_tolerance", b"identical")}
        ),
        "nobody trusted signed this reproduction report",
    ),
    (
        lambda found: found.update({_evidence(found): found[_evidence(found)].replace(b"CRNN", b"CNN")}),
        "the evidence is not what the digest stands for",
    ),
    (
        lambda found: found.update(
            {"audit/export.jsonl": found["audit/export.jsonl"].replace(b"reviewer", b"somebody", 1)}
        ),
        "audit/export.jsonl: FAULT at entry",
    ),
    (
        lambda found: found.update(
            {"MANIFEST.json": found["MANIFEST.json"].replace(b"receipt-ocr@1.0.0", b"receipt-ocr@2.0.0")}
        ),
        "MANIFEST.json: nobody trusted signed it",
    ),
    (lambda found: found.update({"MANIFEST.json": b"{}"}), "MANIFEST.json: it cannot be read"),
]

ALTERED = ("report.html", "report.css", "version.json", "card.md", "lineage/prov.json", "verify.py")


def test_every_kind_of_tampering_is_found(version: ModelVersion, auditor: User) -> None:
    content = bundle_of(version, auditor)
    for name in ALTERED:
        found = members(content)
        _append(found, name)
        assert verified(zipped(found)).faults == [f"{name}: it was altered"]
    for change, told in TAMPERING:
        found = members(content)
        change(found)
        outcome = verified(zipped(found))
        assert not outcome.ok
        assert any(told in fault for fault in outcome.faults), outcome.faults


def test_another_key_is_not_believed_and_the_own_one_is_said_to_be(
    version: ModelVersion, auditor: User
) -> None:
    content = bundle_of(version, auditor)
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from audit.checkpoint_keys import public_pem

    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert bundle_verifier.verify_bundle(archive).trusts_own_key
        stranger = public_pem(Ed25519PrivateKey.generate().public_key())
        assert not bundle_verifier.verify_bundle(archive, stranger).ok


def test_get_changes_nothing_and_leaves_no_trace(version: ModelVersion, auditor: User) -> None:
    client = client_of(auditor)
    promoted = version.promotions.get()
    addresses = {PAGE: 200, f"/promotions/{promoted.pk}/evidence/": 200}
    addresses |= {ARCHIVE: 302, f"/promotions/{promoted.pk}/evidence.zip": 302}
    addresses |= {REST: 404, f"/api/v1/promotions/{promoted.pk}/bundle/": 404}
    before = (AuditEntry.objects.count(), Job.objects.count())
    for address, status in addresses.items():
        assert client.get(address).status_code == status, address
    assert (AuditEntry.objects.count(), Job.objects.count()) == before
    assert checkpoint_files.lines() == []


def test_a_bundle_is_asked_for_once_waits_for_a_worker_and_is_there_for_its_reader(
    version: ModelVersion, auditor: User
) -> None:
    client = client_of(auditor)
    assert client.post(PAGE).url == PAGE
    assert client.post(PAGE).url == PAGE
    job = Job.objects.get(kind="bundle")
    assert AuditEntry.objects.filter(event=Event.EVIDENCE_EXPORTED, actor_name="auditor").count() == 1
    waiting = client.get(PAGE).content.decode()
    assert "A worker makes and signs the bundle" in waiting
    assert 'class="live-poll"' in waiting
    told = client.post(REST)
    assert (told.status_code, told.json()["ready"], told.json()["job"]) == (202, False, job.pk)
    assert execution.run(job.pk)
    made = EvidenceBundle.objects.get()
    ready = client.get(PAGE).content.decode()
    assert made.get_absolute_url() in ready
    assert made.sha256 in ready
    assert "live-poll" not in ready
    for address in (made.get_absolute_url(), ARCHIVE, REST):
        answer = client.get(address)
        assert answer["Content-Length"] == str(made.size)
        assert verified(b"".join(answer.streaming_content)).ok
    leads_back = client.get(job.get_absolute_url()).content.decode()
    assert f'href="{PAGE}"' in leads_back
    assert made.sha256 in leads_back
    again = client.post(REST)
    assert (again.status_code, again.json()["ready"], again.json()["sha256"]) == (200, True, made.sha256)
    assert Job.objects.filter(kind="bundle").count() == 1
    assert client_of(make_user(Role.AUDITOR)).get(made.get_absolute_url()).status_code == 404

    # A worker that died after it had kept the bundle: the next one makes no other.
    Job.objects.filter(pk=job.pk).update(state="queued")
    assert execution.run(job.pk)
    assert EvidenceBundle.objects.get() == made


def test_what_changed_since_asks_for_another_bundle(version: ModelVersion, auditor: User) -> None:
    first = made_for(version, auditor)
    assert made_for(version, auditor) == first
    changes: list[Callable[[], Any]] = [
        lambda: make_card(version),
        lambda: rebuild(version),
        lambda: serve(version, "elsewhere"),
        lambda: comments.add(version.promotions.get(), "Why?", user=auditor),
        lambda: EvidenceBundle.objects.update(made_at=timezone.now() - bundle_room.AGE),
    ]
    for change in changes:
        change()
        subject = evidence_subject.of(version, auditor)
        assert evidence_bundle.standing(subject).ready is None
        assert verified(bundle_of(version, auditor)).ok
    assert EvidenceBundle.objects.count() == 1
    assert not EvidenceBundle.objects.filter(pk=first.pk).exists()


def test_the_web_process_needs_no_key(
    version: ModelVersion, auditor: User, settings: Any, tmp_path: Path
) -> None:
    with_key = settings.CHECKPOINT_KEY
    settings.CHECKPOINT_KEY = tmp_path / "elsewhere.pem"
    client = client_of(auditor)
    assert client.post(PAGE).status_code == 302
    assert client.get(PAGE).status_code == 200
    assert not settings.CHECKPOINT_KEY.exists()
    settings.CHECKPOINT_KEY = with_key
    assert verified(bundle_of(version, auditor)).ok


def test_entries_after_the_last_checkpoint_are_signed_first(version: ModelVersion, auditor: User) -> None:
    checkpoints.make()
    comments.add(version.promotions.get(), "Said after the checkpoint.", user=auditor)
    # JSON need not escape what other texts end a line with.
    comments.add(version.promotions.get(), "One\u2028two\x85three", user=auditor)
    content = bundle_of(version, auditor)
    assert b"Said after the checkpoint." in members(content)["audit/export.jsonl"]
    assert verified(content).ok


def test_what_does_not_verify_is_not_handed_out(version: ModelVersion, auditor: User) -> None:
    checkpoints.make()
    number = AuditEntry.objects.filter(event=Event.PROMOTION_REVIEWED).get().sequence
    rewrite(number, actor_name="somebody")
    found = evidence_bundle.request(version, user=auditor)
    assert found.job is not None
    assert execution.run(found.job.pk)
    job = Job.objects.get(pk=found.job.pk)
    assert job.state == "failed"
    assert "cannot be signed" in job.error
    page = client_of(auditor).get(PAGE).content.decode()
    assert "The bundle was not made." in page
    assert "cannot be signed" in page


def test_a_forged_report_is_named_by_the_job(version: ModelVersion, auditor: User) -> None:
    report = version.reproductions.get()
    version.reproductions.update(report={**report.report, "verdict": "identical"})
    found = evidence_bundle.request(version, user=auditor)
    assert found.job is not None
    assert execution.run(found.job.pk)
    assert f"reproductions/{report.pk}.json: nobody trusted signed" in Job.objects.get(pk=found.job.pk).error


def test_bundles_are_kept_for_a_day_and_within_a_bound(
    version: ModelVersion, auditor: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = made_for(version, auditor)
    other = made_for(version, auditor, version.promotions.get())
    bundle_room.keep()
    assert EvidenceBundle.objects.count() == 2
    monkeypatch.setattr(bundle_room, "IN_ALL", max(made.size, other.size))
    bundle_room.keep()
    assert EvidenceBundle.objects.get() == other
    client = client_of(auditor)
    assert client.get(other.get_absolute_url()).status_code == 200
    EvidenceBundle.objects.update(made_at=timezone.now() - bundle_room.AGE - timedelta(seconds=1))
    assert client.get(other.get_absolute_url()).status_code == 404
    bundle_room.keep()
    assert not EvidenceBundle.objects.exists()


def test_one_person_does_not_have_many_made_at_a_time(version: ModelVersion, auditor: User) -> None:
    for number in range(evidence_bundle.MAX_WAITING):
        evidence_bundle.request(make_version(f"2.0.{number}"), user=auditor)
    with pytest.raises(ConflictError, match="5 bundles are being made"):
        evidence_bundle.request(version, user=auditor)
    answer = client_of(auditor).post(PAGE)
    assert answer.status_code == 409
    assert b"5 bundles are being made" in answer.content
    assert client_of(auditor).post(REST).status_code == 409


def test_a_bundle_of_a_promotion_has_the_card_that_its_evidence_names(
    version: ModelVersion, auditor: User
) -> None:
    named = version.promotions.get().evidence["card"]["number"]
    make_card(version, "# Another\n")
    of_promotion = members(bundle_of(version, auditor, version.promotions.get()))
    assert json.loads(of_promotion["card.json"])["number"] == named
    assert b"# Another" not in of_promotion["card.md"]
    assert json.loads(members(bundle_of(version, auditor))["card.json"])["number"] == named + 1


def test_deployments_and_the_graph_are_in_the_bundle(version: ModelVersion, auditor: User) -> None:
    found = members(bundle_of(version, auditor))
    ended, serving = sorted(json.loads(found["deployments.json"]), key=lambda one: one["retired_at"] is None)
    assert ended["replaced_by"] == {"deployment": serving["pk"], "version": str(version)}
    assert serving["environment"] == "production-eu"
    assert b"production-eu" in found["report.html"]
    graph = json.loads(found["lineage/graph.json"])
    kinds = {node["id"].partition(":")[0] for node in graph["nodes"]}
    assert {"version", "commit", "run", "promotion", "deployment"} <= kinds
    assert (graph["root"], graph["direction"]) == (f"version:{version}", "both")


def test_what_is_left_out_is_said(
    version: ModelVersion, auditor: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evidence_subject, "REPRODUCTIONS", 1)
    monkeypatch.setattr(evidence_subject, "DEPLOYMENTS", 1)
    newest = rebuild(version)
    found = members(bundle_of(version, auditor))
    assert [name for name in found if name.startswith("reproductions/")] == [
        f"reproductions/{newest.pk}.json"
    ]
    told = json.loads(found["MANIFEST.json"])["statement"]["left_out"]
    assert told == {"reproductions": 1, "deployments": 1}
    assert b"1 reproductions, 1 deployments" in found["report.html"]


def test_who_may_have_it_and_what_refusals_tell(version: ModelVersion, auditor: User) -> None:
    viewer = make_user(Role.VIEWER)
    client = client_of(viewer)
    promoted = version.promotions.get()
    pages = [PAGE, f"/promotions/{promoted.pk}/evidence/"]
    downloads = [
        made_for(version, viewer).get_absolute_url(),
        made_for(version, viewer, promoted).get_absolute_url(),
        ARCHIVE,
        f"/promotions/{promoted.pk}/evidence.zip",
        REST,
        f"/api/v1/promotions/{promoted.pk}/bundle/",
    ]
    assert [client.get(page).status_code for page in pages] == [200, 200]
    for address in downloads:
        assert verified(b"".join(client.get(address).streaming_content)).ok
    # The command beside a download names the file as it arrives.
    for page, download in zip(pages, downloads[:2], strict=True):
        (command,) = re.findall(r"<code>(python verify\.py [^<]+)</code>", client.get(page).content.decode())
        assert command.split()[2] in client.get(download)["Content-Disposition"]
    assert client.get("/evidence/verify.py").content.decode() == standing_alone.text()
    RegisteredModel.objects.update(restricted=True)
    assert {client.get(address).status_code for address in pages + downloads} == {404}
    assert {client.post(address).status_code for address in pages} == {404}


def test_who_lost_sight_of_the_model_meanwhile_gets_no_bundle(version: ModelVersion) -> None:
    found = evidence_bundle.request(version, user=make_user(Role.VIEWER))
    RegisteredModel.objects.update(restricted=True)
    assert found.job is not None
    assert execution.run(found.job.pk)
    job = Job.objects.get(pk=found.job.pk)
    assert (job.state, "does not see this version" in job.error) == ("failed", True)


def test_the_page_costs_the_same_however_much_was_decided(
    version: ModelVersion, auditor: User, django_assert_max_num_queries: Any
) -> None:
    client = Client()
    client.force_login(auditor)
    with django_assert_max_num_queries(24):
        client.get("/models/receipt-ocr/versions/1.0.0/evidence/")
