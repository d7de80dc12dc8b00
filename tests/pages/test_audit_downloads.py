"""What of the audit trail can be taken along: its files, and that they verify far from the product."""

import csv
import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from accounts.csv_cells import neutral
from accounts.models import User
from accounts.roles import Role
from audit import checkpoints
from audit.events import Event
from audit.models import AuditEntry
from audit.trail import Actor, Target
from audit.verifier import FIELDS
from tests import trail as trails
from tests.people import make_user
from tests.trail import make_entries, make_entry, make_variety

pytestmark = pytest.mark.django_db
checkpoint_folder = trails.checkpoint_folder


@pytest.fixture
def auditor(client: Client) -> User:
    user = make_user(Role.AUDITOR, username="examiner")
    client.force_login(user)
    return user


def content(response: Any) -> bytes:
    return b"".join(response.streaming_content)


@pytest.mark.parametrize(
    "path", ["/audit/export.jsonl", "/api/v1/audit/export/", "/api/v1/audit/export/?file=jsonl"]
)
def test_json_lines_hold_what_is_hashed_and_the_export_is_recorded(
    client: Client, auditor: User, path: str
) -> None:
    make_entries(3)
    response = client.get(path)
    lines = content(response).decode().splitlines()
    assert [json.loads(line)["sequence"] for line in lines] == [1, 2, 3, 4]
    assert set(json.loads(lines[0])) == set(FIELDS)
    assert 'filename="audit-to-4.jsonl"' in response["Content-Disposition"]
    entry = AuditEntry.objects.get(sequence=4)
    assert (entry.event, entry.actor_name) == ("audit.exported", "examiner")
    assert entry.data == {"format": "jsonl", "filter": {}}


def test_the_filter_of_an_export_is_recorded_and_applied(client: Client, auditor: User) -> None:
    make_variety()
    lines = content(client.get("/audit/export.jsonl?event=promotion&since=2020-01-01")).decode().splitlines()
    assert [json.loads(line)["sequence"] for line in lines] == [1, 2]
    asked = AuditEntry.objects.get(event=Event.AUDIT_EXPORTED).data["filter"]
    assert asked == {"event": "promotion", "since": "2020-01-01T00:00:00.000000Z"}


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_of_a_csv_is_a_formula(client: Client, auditor: User, start: str) -> None:
    formula = f"{start}cmd|' /C calc'!A0"
    make_entry(
        actor=Actor(formula, formula), target=Target("job", formula, formula, formula), data={"a": formula}
    )
    text = content(client.get("/audit/export.csv")).decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert tuple(rows[0]) == FIELDS
    assert len(rows) == 3
    assert rows[1][FIELDS.index("actor_name")] == f"'{formula}"
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for row in rows for cell in row)
    assert json.loads(rows[1][FIELDS.index("data")]) == {"a": formula}


def test_a_harmless_cell_stays_as_it_is() -> None:
    assert [neutral(text) for text in ("", "someone", "a=b", "1.2.0-rc.1")] == [
        "",
        "someone",
        "a=b",
        "1.2.0-rc.1",
    ]


def unpacked(response: Any, folder: Path) -> Path:
    with zipfile.ZipFile(io.BytesIO(content(response))) as archive:
        assert archive.testzip() is None
        archive.extractall(folder)
    return folder


def run_verifier(folder: Path) -> dict[str, Any]:
    command = [
        sys.executable,
        "-I",
        "verifier.py",
        "export.jsonl",
        "checkpoints.jsonl",
        "public_key.pem",
        "--json",
    ]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    report: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == (0 if report["ok"] else 1)
    return report


def test_a_bundle_of_the_whole_trail_verifies_far_from_the_product(
    client: Client, auditor: User, tmp_path: Path
) -> None:
    make_entries(5)
    checkpoints.make()
    folder = unpacked(client.get("/audit/export.bundle"), tmp_path / "bundle")
    report = run_verifier(folder)
    # The five, their checkpoint, and the export itself, signed before it is sent.
    assert (report["ok"], report["entries"], report["covered_to"]) == (True, 7, 7)
    path = folder / "export.jsonl"
    path.write_text(path.read_text().replace("job 2", "job 3"))
    assert run_verifier(folder)["fault"]["sequence"] == 2


def test_a_bundle_of_a_filter_proves_each_of_its_entries(
    client: Client, auditor: User, tmp_path: Path
) -> None:
    make_entries(3)
    make_variety()
    checkpoints.make()
    make_variety()
    folder = unpacked(client.get("/audit/export.bundle?event=promotion"), tmp_path / "bundle")
    report = run_verifier(folder)
    assert (report["ok"], report["mode"], report["entries"]) == (True, "excerpt", 4)
    path = folder / "export.jsonl"
    path.write_text(path.read_text().replace('"actor_name":"bookkeeper"', '"actor_name":"forger"', 1))
    assert run_verifier(folder)["fault"]["kind"] == "altered"


def test_a_process_without_the_key_exports_unsigned_and_makes_no_key(client: Client, auditor: User) -> None:
    make_entry()
    content(client.get("/audit/export.bundle"))
    assert not trails.key_exists()
    assert not AuditEntry.objects.filter(event=Event.AUDIT_CHECKPOINTED).exists()
