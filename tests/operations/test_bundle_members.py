"""Members of an evidence bundle that are genuine, but not of this version or not all: each is named."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from accounts.models import User
from accounts.roles import Role
from audit import bundle_verifier, checkpoint_files, standing_alone, statements
from integrations.artifacts import ArtifactFile, manifest_digest
from registry import promotion
from registry.models import ModelVersion
from tests.bundles import bundle_of, edited, faults_of, make_registered, make_subject, members, only
from tests.cards import make_card
from tests.people import make_user
from tests.reproductions import make_reproduction
from tests.trail import checkpoint_folder

pytestmark = pytest.mark.django_db(transaction=True)
__all__ = ["checkpoint_folder"]


@pytest.fixture
def version() -> ModelVersion:
    """A version of which everything is known."""
    return make_subject()


def other_version() -> ModelVersion:
    """Make a version of the same model with all that the first has, and other files."""
    files = [ArtifactFile("data/model.pt2", 7, "7" * 64)]
    told = {"manifest": [vars(one) for one in files], "manifest_digest": manifest_digest(files)}
    other = make_registered("2.0.0", **told)
    make_card(other, "# Another card\n")
    asked = promotion.open_for(other, "Staging", user=make_user(Role.ENGINEER))
    critic = make_user(Role.REVIEWER, username="critic")
    promotion.review(asked, "approve", user=critic, evidence_digest=asked.evidence_digest)
    make_reproduction(other, registered=[])
    return other


SWAPPED = {
    "artifacts.json": ["it is not the manifest that version.json names"],
    "lineage/graph.json": ["it is not the graph of receipt-ocr@1.0.0"],
    "evidence/": [
        "it is evidence of another version than receipt-ocr@1.0.0",
        "it names other artifacts than artifacts.json",
        "that it belongs to is not in the bundle",
    ],
    "promotions/": [
        "it is a promotion of receipt-ocr@2.0.0",
        "the evidence that it was decided on is not in the bundle",
        "the evidence that critic reviewed is not in the bundle",
        "its reviews are not those that the audit trail recorded",
    ],
    "reproductions/": [
        "it is a report about receipt-ocr@2.0.0",
        "it is about other artifacts than artifacts.json",
        "the audit trail has not recorded this report",
    ],
}


def test_a_member_of_another_genuine_bundle_is_found(version: ModelVersion, auditor: User) -> None:
    whole = members(bundle_of(version, auditor))
    other = members(bundle_of(other_version(), auditor))
    assert faults_of(dict(whole)) == []
    for start, told in SWAPPED.items():
        found = dict(whole)
        del found[only(found, start)]
        name = only(other, start)
        found[name] = other[name]
        outcome = faults_of(found)
        for sentence in told:
            assert any(one.startswith(f"{name}: ") and sentence in one for one in outcome), (name, outcome)


def test_an_older_report_and_another_card_are_found(version: ModelVersion, auditor: User) -> None:
    asked = version.promotions.get()
    of_promotion = members(bundle_of(version, auditor, asked))
    make_card(version, "# Newer\n")
    newest = members(bundle_of(version, auditor))
    found = of_promotion | {"card.json": newest["card.json"]}
    told = "card.json: it is not the revision that the evidence of the promotion names"
    assert told in faults_of(found)
    found = dict(newest)
    edited(found, "card.json", lambda told: told.update(text="# Newer, and better\n"))
    assert faults_of(found) == ["card.json: its digest is not that of its text"]

    report = only(newest, "reproductions/")
    kept = json.loads(newest[report])
    changed = kept["statement"]
    del changed["registered"]  # as older reports are
    made = statements.sign(bundle_verifier.REPRODUCTION, changed)
    signed = {**kept, "statement": changed, "key": made.key, "signature": made.signature}
    found = newest | {report: json.dumps(signed).encode()}
    assert f"{report}: the audit trail has not recorded this report" in faults_of(found)


EDITS: list[tuple[str, Callable[[Any], Any], str]] = [
    ("promotions/", lambda told: told["reviews"].clear(), "its reviews are not those"),
    ("promotions/", lambda told: told["reviews"].clear(), "it was approved by fewer than 1 people"),
    ("promotions/", lambda told: told["reviews"][0].update(verdict="reject"), "its reviews are not those"),
    ("promotions/", lambda told: told.update(requested_by_name="reviewer"), "fewer than 1 people"),
    ("evidence/", lambda told: told["facts"].update(run_id="x"), "not what the digest stands for"),
    ("artifacts.json", lambda told: told["files"].pop(), "its digest is not that of its files"),
    (
        "artifacts.json",
        lambda told: told["files"][1].update(sha256="0" * 64),
        "the file MLmodel that it traced is not that",
    ),
    ("artifacts.json", lambda told: told.pop("files"), "it is not as the product writes it"),
    ("version.json", lambda told: told.update(version="9.9.9"), "the bundle about receipt-ocr@1.0.0"),
]


def test_what_does_not_fit_together_is_found(version: ModelVersion, auditor: User) -> None:
    whole = members(bundle_of(version, auditor))
    for start, change, told in EDITS:
        found = dict(whole)
        edited(found, only(found, start), change)
        outcome = faults_of(found)
        assert any(told in one for one in outcome), (told, outcome)
    del whole["version.json"]
    assert faults_of(whole) == ["version.json: nothing can be compared without it"]


def test_model_files_are_compared_with_those_that_were_registered(
    version: ModelVersion, auditor: User, tmp_path: Path
) -> None:
    contents = {"data/model.pt2": b"the model itself", "MLmodel": b"flavors:\n"}
    files = [
        ArtifactFile(name, len(content), hashlib.sha256(content).hexdigest())
        for name, content in contents.items()
    ]
    told = {"manifest": [vars(one) for one in files], "manifest_digest": manifest_digest(files)}
    (tmp_path / "bundle.zip").write_bytes(bundle_of(make_registered("3.0.0", **told), auditor))
    (tmp_path / "verify.py").write_text(standing_alone.text())
    (tmp_path / "key.pem").write_text(checkpoint_files.public_keys())
    folder = tmp_path / "model"
    (folder / "data").mkdir(parents=True)
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    assert compared(tmp_path) == (0, [])

    (folder / "data/model.pt2").write_bytes(b"another model....")
    (folder / "MLmodel").unlink()
    (folder / "more.txt").write_text("x")
    status, found = compared(tmp_path)
    assert status == 1
    assert found == [
        "FAULT more.txt: it was not registered",
        "FAULT MLmodel: it was registered and is not in model",
        "FAULT data/model.pt2: it is not the file that was registered",
    ]
    (folder / "MLmodel").symlink_to(tmp_path / "key.pem")
    assert "FAULT MLmodel: it is a link" in compared(tmp_path)[1]
    (tmp_path / "bundle.zip").write_bytes(
        bundle_of(make_registered("4.0.0", manifest=[], manifest_digest=""), auditor)
    )
    assert any("no file was registered" in one for one in compared(tmp_path)[1])
    assert compared(tmp_path, "elsewhere")[0] == 1


def compared(folder: Path, artifacts: str = "model") -> tuple[int, list[str]]:
    """Run the stand-alone verifier with a folder of model files; return its status and faults."""
    command = [sys.executable, "-I", "verify.py", "bundle.zip", "key.pem", "--artifacts", artifacts]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if not done.returncode:
        assert "2 files in the folder are those that were registered." in done.stdout
    return done.returncode, [line for line in done.stdout.splitlines() if line.startswith("FAULT")]
