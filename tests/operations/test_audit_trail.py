"""The audit trail: what writes it, what cannot change it, and its order under concurrent writers."""

import math
from collections import Counter
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, connection, transaction

from audit import chain, trail
from audit.events import Event
from audit.models import AppendOnlyError, AuditEntry
from audit.trail import SYSTEM, Actor, Target
from tests.audit_writers import write_at_once

ENGINEER = Actor("7", "engineer")
JOB = Target("job", "42", "pipeline 42", "ocr-receipt")


def record(**changes: Any) -> AuditEntry:
    fields: dict[str, Any] = {"actor": ENGINEER, "target": JOB, "data": {"attempt": 1}} | changes
    with transaction.atomic():
        return trail.record(Event.JOB_SUBMITTED, **fields)


@pytest.mark.django_db
def test_an_entry_says_who_did_what_to_what() -> None:
    record()
    entry = AuditEntry.objects.get()
    assert (entry.event, entry.actor_id, entry.actor_name) == ("job.submitted", "7", "engineer")
    assert (entry.target_kind, entry.target_id, entry.target_name) == ("job", "42", "pipeline 42")
    assert (entry.model_name, entry.data) == ("ocr-receipt", {"attempt": 1})


@pytest.mark.django_db
def test_entries_are_numbered_from_one_and_chained_from_the_genesis() -> None:
    first, second, third = record(), record(actor=SYSTEM), record()
    assert [first.sequence, second.sequence, third.sequence] == [1, 2, 3]
    assert [first.prev_hash, second.prev_hash, third.prev_hash] == [chain.GENESIS, first.hash, second.hash]
    assert trail.verify() is None


@pytest.mark.django_db
def test_whatever_the_database_makes_of_the_data_the_hash_still_fits() -> None:
    data = {
        "한글": "값 \u2028 \U0001f600 \x7f",
        "numbers": [0.1, -0.0, 1.0, 1e22, 2.311747478800465e16, 5e-324, 1.7976931348623157e308, 2**53],
        "nested": {"b": [None, True, {}], "a": ()},
        "\ue000": 1,
        "\U0001f600": 2,
    }
    record(data=data)
    assert trail.verify() is None
    assert AuditEntry.objects.get().data["nested"] == {"a": [], "b": [None, True, {}]}


@pytest.mark.django_db(transaction=True)
def test_an_entry_is_rolled_back_with_its_change_and_leaves_no_gap() -> None:
    record()
    with transaction.atomic():
        trail.record(Event.JOB_FAILED, actor=SYSTEM, target=JOB)
        transaction.set_rollback(True)
    record()
    assert list(AuditEntry.objects.values_list("sequence", "event")) == [
        (1, "job.submitted"),
        (2, "job.submitted"),
    ]
    assert trail.verify() is None


@pytest.mark.django_db(transaction=True)
def test_without_a_transaction_nothing_is_recorded() -> None:
    with pytest.raises(transaction.TransactionManagementError):
        trail.record(Event.JOB_SUBMITTED, actor=ENGINEER, target=JOB)
    assert not AuditEntry.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"data": {"loss": math.nan}}, ValueError),
        ({"data": {"file": b"bytes"}}, ValueError),
        ({"target": Target("job", "42", "a\x00b")}, ValueError),
        ({"actor": Actor("", "")}, ValidationError),
        ({"target": Target("job", "", "nameless")}, ValidationError),
        ({"target": Target("job", "42", "x" * 301)}, ValidationError),
    ],
)
def test_what_cannot_be_recorded_raises_and_is_not_skipped(
    changes: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        record(**changes)
    assert not AuditEntry.objects.exists()


@pytest.mark.django_db
def test_an_event_that_is_not_on_the_list_is_refused() -> None:
    with pytest.raises(ValueError, match="not-on-the-list"), transaction.atomic():
        trail.record("not-on-the-list", actor=ENGINEER, target=JOB)  # type: ignore[arg-type]


@pytest.mark.django_db
def test_the_model_refuses_every_change() -> None:
    entry = record()
    entry.actor_name = "somebody else"
    for change in (
        entry.save,
        entry.delete,
        AuditEntry.objects.all().delete,
        lambda: AuditEntry.objects.update(actor_name="x"),
        lambda: AuditEntry.objects.bulk_create([entry]),
        lambda: AuditEntry.objects.bulk_update([entry], ["actor_name"]),
        lambda: AuditEntry.objects.update_or_create(sequence=1, defaults={"actor_name": "x"}),
    ):
        with pytest.raises(AppendOnlyError):
            change()
    assert AuditEntry.objects.get().actor_name == "engineer"


COPY = (
    "INTO audit_auditentry (sequence, at, event, actor_id, actor_name, target_kind, target_id, target_name,"
    " model_name, data, prev_hash, hash) SELECT {}, at, event, actor_id, 'x', target_kind, target_id,"
    " target_name, model_name, data, {}, {} FROM audit_auditentry WHERE sequence = 1"
)
CHANGES = {
    "update": "UPDATE audit_auditentry SET actor_name = 'x' WHERE sequence = 1",
    "update of the number": "UPDATE audit_auditentry SET sequence = 9 WHERE sequence = 2",
    "delete": "DELETE FROM audit_auditentry WHERE sequence = 2",
    "delete of all": "DELETE FROM audit_auditentry",
    "second entry of a number": "INSERT " + COPY.format("1", "'p'", "'h'"),
    "fork": "INSERT " + COPY.format("3", "prev_hash", "'h'"),
    "twin": "INSERT " + COPY.format("3", "'p'", "hash"),
}
ENGINE_CHANGES = {
    "sqlite": {
        "replace": "INSERT OR REPLACE " + COPY.format("1", "'p'", "'h'"),
        "replace of the hash": "REPLACE " + COPY.format("3", "'p'", "hash"),
        "replace of the predecessor": "REPLACE " + COPY.format("3", "prev_hash", "'h'"),
        "replace of the row": "REPLACE "
        + COPY.replace("(sequence", "(rowid, sequence").format("1, 3", "'p'", "'h'"),
        "upsert": "INSERT " + COPY.format("1", "'p'", "'h'") + " ON CONFLICT DO UPDATE SET actor_name = 'x'",
    },
    "postgresql": {
        "truncate": "TRUNCATE audit_auditentry",
        "replica role": "SET LOCAL session_replication_role = replica; DELETE FROM audit_auditentry",
        "upsert": "INSERT "
        + COPY.format("1", "'p'", "'h'")
        + " ON CONFLICT (sequence) DO UPDATE SET actor_name = 'x'",
    },
}


@pytest.mark.django_db
@pytest.mark.parametrize("change", CHANGES | ENGINE_CHANGES[connection.vendor])
def test_the_database_refuses_every_change_by_sql(change: str) -> None:
    record()
    record()
    before = list(AuditEntry.objects.values())
    sql = (CHANGES | ENGINE_CHANGES[connection.vendor])[change]
    refused = pytest.raises(DatabaseError, match=r"audit entries|duplicate key")
    with refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)
    assert list(AuditEntry.objects.values()) == before


@pytest.mark.django_db(transaction=True)
def test_the_triggers_are_back_after_a_test_has_flushed_the_table() -> None:
    record()
    with pytest.raises(DatabaseError, match="audit entries"), connection.cursor() as cursor:
        cursor.execute(CHANGES["delete of all"])
    assert AuditEntry.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_eight_writers_at_once_make_one_line() -> None:
    outcome = write_at_once(writers=8, each=25)
    assert outcome["fault"] is None
    assert [sequence for sequence, _ in outcome["rows"]] == list(range(1, 201))
    assert Counter(actor for _, actor in outcome["rows"]) == {f"writer-{n}": 25 for n in range(8)}
