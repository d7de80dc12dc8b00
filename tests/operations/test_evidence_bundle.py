"""The evidence bundle: what is in it, and that nothing in it can be changed without being named."""

import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from accounts.roles import Role
from audit import bundle_verifier, checkpoint_files, checkpoints, standing_alone
from audit.events import Event
from audit.models import AuditEntry
from experiments.models import Job
from lineage import evidence_bundle
from registry import promotion
from registry.models import ModelVersion, RegisteredModel
from tests import prov_json
from tests.cards import make_card
from tests.jobs import make_job
from tests.people import make_user
from tests.promotions import set_rules
from tests.registry_story import HOSTILE, full_metadata
from tests.reproductions import make_reproduction
from tests.trail import checkpoint_folder
from tests.versions import make_version

pytestmark = pytest.mark.django_db(transaction=True)
__all__ = ["checkpoint_folder"]

LOCK = {
    "train": {
        "cmd": "python train.py",
        "deps": [{"path": "data/raw", "md5": "a" * 32 + ".dir", "size": 40, "nfiles": 4}],
        "outs": [{"path": "models", "md5": "b" * 32, "size": 9, "nfiles": None}],
        "params": {},
        "digest": "c" * 64,
    }
}


@pytest.fixture
def auditor() -> User:
    return make_user(Role.AUDITOR, username="auditor")


@pytest.fixture
def version() -> ModelVersion:
    """A version with an origin, a card, a promotion that was approved, a reproduction, and a checkpoint."""
    set_rules()
    job = make_job("succeeded", result={"lock": LOCK})
    origin = {"git_commit": "d" * 40, "stagegate.repository": "receipt-ocr", "stagegate.job": str(job.pk)}
    made = make_version(lineage=origin, metadata=full_metadata("1.0.0"))
    make_card(made)
    asked = promotion.open_for(made, "Staging", user=make_user(Role.ENGINEER), comment=HOSTILE)
    reviewer = make_user(Role.REVIEWER, username="reviewer")
    promotion.review(asked, "approve", user=reviewer, evidence_digest=asked.evidence_digest, comment="Good.")
    make_reproduction(made)
    checkpoints.make()
    made.refresh_from_db()
    return made


def bundle_of(version: ModelVersion, user: User, **changes: Any) -> bytes:
    return b"".join(evidence_bundle.export(version, user=user, **changes).chunks)


def members(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(found: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in found.items():
            archive.writestr(name, content)
    return target.getvalue()


def verified(content: bytes) -> bundle_verifier.Findings:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return bundle_verifier.verify_bundle(archive, checkpoint_files.public_keys())


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
    (lambda prov: prov["entity"].popitem(), "is no entity of the document"),
    (lambda prov: prov["agent"].clear(), "is no agent of the document"),
    (
        lambda prov: next(iter(prov["activity"].values())).update({"prov:startTime": "yesterday"}),
        "is no xsd:dateTime",
    ),
]


def test_the_prov_document_is_what_the_submission_of_prov_json_asks(
    version: ModelVersion, auditor: User
) -> None:
    ModelVersion.objects.update(created_by="Ada König <ada@example.org>")
    lock = {**LOCK["train"], "outs": [{**LOCK["train"]["outs"][0], "path": 'models/the "best" 100%.pt'}]}
    Job.objects.update(result={"lock": {"train": lock}})
    version.refresh_from_db()
    text = members(bundle_of(version, auditor))["lineage/prov.json"].decode()
    document = json.loads(text)
    assert prov_json.faults(document) == []
    assert {*prov_json.ELEMENTS, *prov_json.RELATIONS, "prefix"} == {*document}
    assert len(document["activity"]) == 4  # stage, registration, promotion, reproduction
    assert {one["prov:label"] for one in document["entity"].values()} >= {'models/the "best" 100%.pt'}
    for change, told in BROKEN:
        broken = json.loads(text)
        change(broken)
        assert any(told in fault for fault in prov_json.faults(broken)), told


def test_who_may_have_it_and_what_refusals_tell(version: ModelVersion, auditor: User) -> None:
    viewer = make_user(Role.VIEWER)
    client = Client()
    client.force_login(viewer)
    promoted = version.promotions.get()
    pages = ["/models/receipt-ocr/versions/1.0.0/evidence/", f"/promotions/{promoted.pk}/evidence/"]
    downloads = [
        "/models/receipt-ocr/versions/1.0.0/evidence.zip",
        f"/promotions/{promoted.pk}/evidence.zip",
        "/api/v1/models/receipt-ocr/versions/1.0.0/bundle/",
        f"/api/v1/promotions/{promoted.pk}/bundle/",
    ]
    assert [client.get(page).status_code for page in pages] == [200, 200]
    for address in downloads:
        assert verified(b"".join(client.get(address).streaming_content)).ok
    assert client.get("/evidence/verify.py").content.decode() == standing_alone.text()
    RegisteredModel.objects.update(restricted=True)
    assert {client.get(address).status_code for address in pages + downloads} == {404}


def test_without_the_key_a_bundle_says_that_it_is_not_signed(
    version: ModelVersion, auditor: User, settings: Any, tmp_path: Path
) -> None:
    settings.CHECKPOINT_KEY = tmp_path / "elsewhere.pem"
    outcome = verified(bundle_of(version, auditor))
    assert outcome.faults == ["MANIFEST.json: it is not signed"]
    assert not settings.CHECKPOINT_KEY.exists()


def test_the_page_costs_the_same_however_much_was_decided(
    version: ModelVersion, auditor: User, django_assert_max_num_queries: Any
) -> None:
    client = Client()
    client.force_login(auditor)
    with django_assert_max_num_queries(24):
        client.get("/models/receipt-ocr/versions/1.0.0/evidence/")
