"""Checkpoints: what is signed, what is never signed, and the key's way of life."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError

from audit import (
    canonical_json,
    checkpoint_files,
    checkpoint_keys,
    checkpoints,
    verification,
    verifier,
)
from audit.events import Event
from audit.models import AuditEntry
from tests import trail as trails
from tests.trail import lines_of, make_entries, make_entry, rewrite, run_sql

pytestmark = pytest.mark.django_db
checkpoint_folder = trails.checkpoint_folder


def made() -> list[dict[str, Any]]:
    return [json.loads(line) for line in checkpoint_files.lines()]


def test_a_checkpoint_says_where_the_trail_stands_and_is_told_of_in_the_trail() -> None:
    make_entries(3)
    mark = checkpoints.make()
    assert mark is not None
    third = AuditEntry.objects.get(sequence=3)
    assert (mark.first, mark.sequence, mark.hash) == (1, 3, third.hash)
    [line] = made()
    assert (line["sequence"], line["count"], line["hash"]) == (3, 3, third.hash)
    told = AuditEntry.objects.get(sequence=4)
    assert (told.event, told.actor_id) == ("audit.checkpointed", "system")
    assert told.data == {"digest": verifier.line_digest(line), "sequence": 3, "key": line["key"]}


def test_nothing_is_signed_where_only_the_last_checkpoint_was_recorded() -> None:
    assert checkpoints.make() is None
    make_entry()
    assert checkpoints.make() is not None
    assert checkpoints.make() is None
    assert len(made()) == 1
    make_entry()
    mark = checkpoints.make()
    assert mark is not None
    assert (mark.first, mark.sequence) == (2, 3)
    assert verification.verify().ok


def test_the_private_key_is_its_owners_alone_and_the_public_one_is_beside_the_checkpoints(
    checkpoint_folder: Path,
) -> None:
    make_entry()
    checkpoints.make()
    assert trails.key_mode() == 0o600
    key = checkpoint_keys.load(settings.CHECKPOINT_KEY)
    keys = verifier.read_keys((checkpoint_folder / "public_key.pem").read_text())
    assert list(keys) == [verifier.key_id(key.public_key())]
    assert b"PRIVATE" not in b"".join(path.read_bytes() for path in checkpoint_folder.iterdir())


def test_a_key_that_others_may_read_is_not_used() -> None:
    make_entry()
    checkpoints.make()
    Path(settings.CHECKPOINT_KEY).chmod(0o640)
    make_entry()
    with pytest.raises(checkpoint_keys.KeyFileError, match="chmod 600"):
        checkpoints.make()


def test_many_entries_are_signed_in_several_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "LONGEST", 4)
    make_entries(10)
    checkpoints.make()
    assert [(line["first"], line["sequence"]) for line in made()] == [(1, 4), (5, 8), (9, 10)]
    assert verification.verify().ok


def test_what_does_not_go_on_from_the_last_checkpoint_is_never_signed() -> None:
    make_entries(3)
    checkpoints.make()
    make_entries(2)
    run_sql("UPDATE {table} SET actor_name = 'mallory' WHERE sequence = 6")
    with pytest.raises(checkpoints.CheckpointError, match="Entry 6 is not signed"):
        checkpoints.make()
    assert len(made()) == 1


def test_a_rewritten_trail_is_never_signed() -> None:
    make_entries(3)
    checkpoints.make()
    make_entry()
    rewrite(2, actor_name="mallory")
    with pytest.raises(checkpoints.CheckpointError, match="no longer holds entry 3"):
        checkpoints.make()


def test_checkpoints_that_are_gone_are_missed(checkpoint_folder: Path) -> None:
    make_entries(2)
    checkpoints.make()
    (checkpoint_folder / "checkpoints.jsonl").unlink()
    make_entry()
    with pytest.raises(checkpoints.CheckpointError, match="entry 3 tells of"):
        checkpoints.make()
    report = verification.verify()
    assert report.fault is not None
    assert (report.fault["kind"], report.fault["sequence"]) == ("checkpoint", 3)


def test_an_operator_can_go_on_after_a_loss_which_verifiers_still_see(checkpoint_folder: Path) -> None:
    make_entries(2)
    checkpoints.make()
    (checkpoint_folder / "checkpoints.jsonl").unlink()
    call_command("audit_checkpoint", "--despite-loss")
    assert [(line["first"], line["sequence"]) for line in made()] == [(1, 3)]
    make_entry()
    call_command("audit_checkpoint")
    assert [line["sequence"] for line in made()] == [3, 5]
    assert not verification.verify().ok


def test_a_line_that_a_crash_left_half_written_is_replaced(checkpoint_folder: Path) -> None:
    path = checkpoint_folder / "checkpoints.jsonl"
    make_entry()
    checkpoints.make()
    with path.open("a") as file:
        file.write('{"kind":"checkpoint","first":2')
    make_entry()
    checkpoints.make()
    assert [line["first"] for line in made()] == [1, 2]
    assert verification.verify().ok


def test_a_new_key_takes_over_and_the_old_public_key_still_verifies_everything(
    checkpoint_folder: Path,
) -> None:
    make_entries(2)
    checkpoints.make()
    old = (checkpoint_folder / "public_key.pem").read_text()
    first_key = made()[0]["key"]
    second_key = checkpoints.rotate()
    make_entry()
    checkpoints.make()
    assert [line["key"] for line in made()] == [first_key, first_key, second_key]
    assert trails.key_mode() == 0o600
    assert AuditEntry.objects.filter(event=Event.AUDIT_CHECKPOINTED, data__new_key=second_key).exists()
    both = (checkpoint_folder / "public_key.pem").read_text()
    new = both.removeprefix(old)
    for pem in (old, both, new):
        assert verification.verify(pem).ok


def test_a_process_that_died_while_the_key_changed_leaves_a_key_that_signs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make_entry()
    checkpoints.make()

    def die(*_: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint_keys, "take_next", die)
        with pytest.raises(SystemExit):
            checkpoints.rotate()
    make_entry()
    checkpoints.make()
    assert made()[-1]["key"] == verifier.key_id(checkpoint_keys.load(settings.CHECKPOINT_KEY).public_key())
    assert made()[-1]["key"] != made()[0]["key"]
    assert verification.verify().ok


def test_a_signature_by_the_old_key_is_worth_nothing_after_the_change(checkpoint_folder: Path) -> None:
    make_entry()
    checkpoints.make()
    stolen = Path(settings.CHECKPOINT_KEY).read_bytes()
    checkpoints.rotate()
    Path(settings.CHECKPOINT_KEY).write_bytes(stolen)
    read = checkpoint_files.read()
    key = checkpoint_keys.load(settings.CHECKPOINT_KEY)
    forged = {"kind": "checkpoint", "first": 2, "sequence": 2, "count": 2, "hash": "0" * 64, "root": "0" * 64}
    checkpoint_files.add(checkpoints._signed(forged, key, read.last_digest))
    with pytest.raises(verifier.FaultError, match="retired"):
        checkpoint_files.read()


def test_a_checkpoint_signed_by_a_stranger_is_not_trusted(checkpoint_folder: Path) -> None:
    make_entries(2)
    checkpoints.make()
    honest = (checkpoint_folder / "public_key.pem").read_text()
    for path in (*checkpoint_folder.glob("*.*"), Path(settings.CHECKPOINT_KEY)):
        path.unlink()
    rewrite(1, actor_name="mallory")
    checkpoints.make(despite_loss=True)
    report = verification.verify(honest)
    assert report.fault is not None
    assert "a key nobody trusts" in report.fault["reason"]


@pytest.mark.parametrize("field", ["first", "sequence", "count", "hash", "root", "at", "previous", "key"])
def test_no_field_of_a_checkpoint_can_be_changed(checkpoint_folder: Path, field: str) -> None:
    path = checkpoint_folder / "checkpoints.jsonl"
    make_entries(2)
    checkpoints.make()
    make_entry()
    checkpoints.make()
    first, second = lines_of(path)
    changed = json.loads(second)
    changed[field] = changed[field] + 1 if isinstance(changed[field], int) else "0" * 64
    path.write_text(f"{first}\n{canonical_json.canonical(changed)}\n")
    assert not verification.verify().ok
    path.write_text(f"{second}\n")
    report = verification.verify()
    assert report.fault is not None
    assert report.fault["kind"] == "checkpoint"


def test_the_command_signs_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    make_entries(2)
    call_command("audit_checkpoint")
    call_command("audit_checkpoint")
    call_command("audit_checkpoint", "--rotate-key")
    output = capsys.readouterr().out
    assert "Signed up to entry 2." in output
    assert "Nothing new to sign." in output
    assert "signs from now on" in output


def test_the_command_says_why_it_did_not_sign() -> None:
    make_entries(2)
    run_sql("UPDATE {table} SET actor_name = 'mallory' WHERE sequence = 1")
    with pytest.raises(CommandError, match="Entry 1 is not signed"):
        call_command("audit_checkpoint")
