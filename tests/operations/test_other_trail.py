"""A trail that who holds the key wrote anew: a copy of the checkpoints, taken earlier, shows it."""

import subprocess
import sys
from pathlib import Path

import pytest

from accounts.models import User
from audit import checkpoint_files, checkpoints, standing_alone
from audit.events import Event
from audit.models import AuditEntry
from registry import comments
from registry.models import ModelVersion
from tests.bundles import bundle_of, make_subject, verified
from tests.trail import checkpoint_folder, rewrite

pytestmark = pytest.mark.django_db(transaction=True)
__all__ = ["checkpoint_folder"]

OTHER = "audit/checkpoints.jsonl: line 1 is another one than in the copy: this is another trail"


@pytest.fixture
def version() -> ModelVersion:
    return make_subject()


def test_checkpoints_that_were_copied_show_a_trail_written_anew(
    version: ModelVersion, auditor: User, checkpoint_folder: Path
) -> None:
    checkpoints.make()
    copy = (checkpoint_folder / "checkpoints.jsonl").read_text()
    bundle_of(version, auditor)
    reviewed = AuditEntry.objects.get(event=Event.PROMOTION_REVIEWED)
    rewrite(reviewed.sequence, actor_name="somebody-else")
    version.promotions.get().reviews.update(reviewer_name="somebody-else")
    version.stage_events.update(by_name="somebody-else")
    moved = AuditEntry.objects.get(event=Event.VERSION_STAGE_CHANGED)
    rewrite(moved.sequence, actor_name="somebody-else")
    (checkpoint_folder / "checkpoints.jsonl").unlink()
    checkpoints.make(despite_loss=True)
    forged = bundle_of(version, auditor)
    assert verified(forged).ok
    assert verified(forged, copy=copy).faults == [OTHER]


def test_a_copy_from_before_and_one_from_after_fit(
    version: ModelVersion, auditor: User, checkpoint_folder: Path
) -> None:
    checkpoints.make()
    older = (checkpoint_folder / "checkpoints.jsonl").read_text()
    content = bundle_of(version, auditor)
    inside = (checkpoint_folder / "checkpoints.jsonl").read_text()
    comments.add(version.promotions.get(), "Which shop?", user=auditor)
    checkpoints.make()
    newer = (checkpoint_folder / "checkpoints.jsonl").read_text()
    assert older < inside < newer
    for copy, count in ((older, older.count("\n")), (newer, inside.count("\n"))):
        outcome = verified(content, copy=copy)
        assert (outcome.faults, outcome.checkpoints) == ([], count)
    for copy in ("", "no checkpoint\n", "{}\n"):
        assert not verified(content, copy=copy).ok


def test_the_program_compares_a_copy(version: ModelVersion, auditor: User, tmp_path: Path) -> None:
    (tmp_path / "bundle.zip").write_bytes(bundle_of(version, auditor))
    (tmp_path / "verify.py").write_text(standing_alone.text())
    (tmp_path / "key.pem").write_text(checkpoint_files.public_keys())
    command = [sys.executable, "-I", "verify.py", "bundle.zip", "key.pem", "--checkpoints"]
    for copy, status, told in (
        ("checkpoints/checkpoints.jsonl", 0, "checkpoints are those of the copy"),
        ("elsewhere.jsonl", 2, "cannot be read"),
    ):
        done = subprocess.run([*command, copy], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == status
        assert told in done.stdout + done.stderr
