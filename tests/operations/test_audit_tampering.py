"""Against somebody who may do anything in the database: the first false entry or the checkpoint is named."""

# ruff: noqa: S608  the statements are those of the attacker

import json
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from audit import checkpoints, verification
from audit.models import TrailStatus
from audit.verification import TrailBrokenError
from audit.verifier import FIELDS
from tests import trail as trails
from tests.trail import make_entries, rewrite, run_sql

pytestmark = pytest.mark.django_db
checkpoint_folder = trails.checkpoint_folder

SQLITE = connection.vendor == "sqlite"
LENGTH = 7  # six entries and the one about their checkpoint
LATER = "'2030-01-01 00:00:00'"
VALUES = {
    "sequence": "1000 + sequence",
    "at": LATER if SQLITE else f"{LATER}::timestamptz",
    "data": "'{{\"attempt\": 99}}'" if SQLITE else "'{{\"attempt\": 99}}'::jsonb",
    "prev_hash": "'" + "a" * 64 + "'",
    "hash": "'" + "b" * 64 + "'",
}


@pytest.fixture(autouse=True)
def signed_trail() -> None:
    make_entries(LENGTH - 1)
    checkpoints.make()


def fault() -> dict[str, Any]:
    report = verification.verify()
    assert not report.ok
    assert report.fault is not None
    return report.fault


def place() -> tuple[str, int | None]:
    found = fault()
    return found["kind"], found["sequence"]


def test_an_honest_trail_is_whole() -> None:
    report = verification.verify()
    assert (report.ok, report.entries, report.covered_to, report.uncovered) == (True, LENGTH, LENGTH - 1, 1)


@pytest.mark.parametrize("row", range(1, LENGTH + 1))
@pytest.mark.parametrize("field", FIELDS)
def test_every_field_of_every_row_is_protected(field: str, row: int) -> None:
    value = VALUES.get(field, "'forged'")
    run_sql(f"UPDATE {{table}} SET {field} = {value} WHERE sequence = {row}")
    found = fault()
    kind = {"sequence": "missing", "prev_hash": "order"}.get(field, "altered")
    assert (found["kind"], found["sequence"]) == (kind, row)


# What the type of the column lets in; SQLite has none.
UNREADABLE = ["'[1]'", "'null'", "'7'", *(["'{{'", "'{{\"a\": 1e999}}'", "x'ff'"] if SQLITE else [])]


@pytest.mark.parametrize("value", UNREADABLE)
def test_data_that_cannot_be_read_is_named_and_stops_nothing(value: str) -> None:
    run_sql(f"UPDATE {{table}} SET data = {value} WHERE sequence = 4")
    assert place() == ("unreadable", 4)


@pytest.mark.parametrize("row", range(1, LENGTH))
def test_a_deleted_row_is_missed(row: int) -> None:
    run_sql(f"DELETE FROM {{table}} WHERE sequence = {row}")
    assert place() == ("missing", row)


@pytest.mark.parametrize("row", range(1, LENGTH))
def test_a_deleted_row_is_missed_where_the_others_move_up(row: int) -> None:
    run_sql(f"DELETE FROM {{table}} WHERE sequence = {row}")
    for later in range(row + 1, LENGTH + 1):
        run_sql(f"UPDATE {{table}} SET sequence = {later - 1} WHERE sequence = {later}")
    assert place() == ("order", row)


COLUMNS = ", ".join(f'"{name}"' for name in FIELDS)


@pytest.mark.parametrize("row", range(1, LENGTH + 1))
def test_an_inserted_row_is_found(row: int) -> None:
    for later in range(LENGTH, row - 1, -1):
        run_sql(f"UPDATE {{table}} SET sequence = {later + 1} WHERE sequence = {later}")
    other = 1 if row > 1 else 2
    fields = ", ".join([str(row), *(f'"{name}"' for name in FIELDS[1:-2]), "'x'", "'y'"])
    run_sql(f"INSERT INTO {{table}} ({COLUMNS}) SELECT {fields} FROM {{table}} WHERE sequence = {other}")
    assert place() == ("order", row)


@pytest.mark.parametrize(("one", "other"), [(1, 2), (3, 6), (2, LENGTH)])
def test_two_swapped_rows_are_found(one: int, other: int) -> None:
    run_sql(
        f"UPDATE {{table}} SET sequence = 99 WHERE sequence = {one}",
        f"UPDATE {{table}} SET sequence = {one} WHERE sequence = {other}",
        f"UPDATE {{table}} SET sequence = {other} WHERE sequence = 99",
    )
    assert place() == ("order", one)


def test_two_rows_whose_contents_were_swapped_are_found() -> None:
    run_sql(
        "UPDATE {table} SET target_name = 'job 3' WHERE sequence = 2",
        "UPDATE {table} SET target_name = 'job 2' WHERE sequence = 3",
    )
    assert place() == ("altered", 2)


@pytest.mark.parametrize("kept", range(LENGTH - 1))
def test_a_tail_cut_off_is_missed_by_the_checkpoint(kept: int) -> None:
    run_sql(f"DELETE FROM {{table}} WHERE sequence > {kept}")
    found = fault()
    assert (found["kind"], found["sequence"], found["checkpoint"]) == ("cut", kept + 1, LENGTH - 1)


@pytest.mark.parametrize("first", range(1, LENGTH))
def test_a_chain_rewritten_without_a_seam_is_shown_by_the_checkpoint(first: int) -> None:
    rewrite(first, actor_name="mallory")
    found = fault()
    assert (found["kind"], found["sequence"], found["checkpoint"]) == ("rewritten", LENGTH - 1, LENGTH - 1)


def test_the_first_checkpoint_that_a_rewritten_chain_breaks_bounds_the_first_false_entry() -> None:
    make_entries(3)
    checkpoints.make()
    rewrite(8, actor_name="mallory")
    found = fault()
    assert (found["kind"], found["checkpoint"]) == ("rewritten", 10)
    assert "one of 7 to 10" in found["reason"]


def test_a_cut_trail_that_grew_again_is_shown_by_the_checkpoint() -> None:
    run_sql("DELETE FROM {table} WHERE sequence > 3")
    make_entries(9)
    assert place() == ("rewritten", LENGTH - 1)


def test_the_command_ends_with_status_one_and_names_the_entry(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("audit_verify")
    assert f"OK: {LENGTH} entries form one unbroken chain." in capsys.readouterr().out
    run_sql("UPDATE {table} SET actor_name = 'mallory' WHERE sequence = 5")
    with pytest.raises(SystemExit) as ended:
        call_command("audit_verify", "--json")
    assert ended.value.code == 1
    report = json.loads(capsys.readouterr().out)
    assert (report["ok"], report["fault"]["sequence"], report["fault"]["kind"]) == (False, 5, "altered")


def test_the_chore_notes_that_the_trail_is_whole_and_how_far() -> None:
    verification.keep()
    status = verification.status()
    assert (status.fault_kind, status.whole_to, status.checkpoint_sequence) == ("", LENGTH, LENGTH - 1)
    assert status.whole_at is not None
    assert status.checkpoint_at is not None


def test_the_chore_goes_through_a_long_trail_bit_by_bit_and_over_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(verification, "BATCH", 3)
    verification.keep()
    assert (verification.status().sequence, verification.status().whole_at) == (3, None)
    verification.keep()
    verification.keep()
    first = verification.status()
    assert (first.sequence, first.whole_to) == (0, LENGTH)
    run_sql("UPDATE {table} SET actor_name = 'mallory' WHERE sequence = 5")
    verification.keep()
    with pytest.raises(TrailBrokenError):
        verification.keep()
    assert verification.status().fault_sequence == 5


def test_the_chore_names_the_first_fault_and_forgets_it_once_all_is_whole_again() -> None:
    TrailStatus.objects.create(sequence=4, hash="0" * 64)
    run_sql("UPDATE {table} SET actor_name = 'mallory' WHERE sequence = 2")
    with pytest.raises(TrailBrokenError):
        verification.keep()
    status = verification.status()
    assert (status.fault_kind, status.fault_sequence) == ("altered", 2)
    run_sql("UPDATE {table} SET actor_name = 'someone' WHERE sequence = 2")
    verification.keep()
    assert verification.status().fault_kind == ""


def test_the_chore_misses_entries_that_no_checkpoint_had_signed_yet() -> None:
    TrailStatus.objects.create(sequence=LENGTH, hash="0" * 64)
    run_sql(f"DELETE FROM {{table}} WHERE sequence = {LENGTH}")
    with pytest.raises(TrailBrokenError, match="were there before"):
        verification.keep()
    assert verification.status().fault_kind == "cut"
