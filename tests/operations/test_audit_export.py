"""The export of the trail: whole and in parts, verified elsewhere, in bounded memory."""

import json
import subprocess
import sys
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from audit import bundle, checkpoints, excerpts, rows, verification
from audit.checkpoint_files import read
from audit.events import Event
from audit.models import AuditEntry
from audit.trail import Target
from tests import trail as trails
from tests.trail import lines_of, make_entries, make_entry, rewrite, run_sql

pytestmark = pytest.mark.django_db
checkpoint_folder = trails.checkpoint_folder


def verified(folder: Path) -> dict[str, Any]:
    command = [sys.executable, "-I", "verifier.py", "export.jsonl", "checkpoints.jsonl", "public_key.pem"]
    done = subprocess.run([*command, "--json"], cwd=folder, capture_output=True, text=True, check=False)
    report: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == (0 if report["ok"] else 1)
    return report


def test_an_exported_folder_verifies_and_the_export_is_in_the_trail(tmp_path: Path) -> None:
    make_entries(5)
    call_command("audit_export", str(tmp_path / "out"))
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "README.txt",
        "checkpoints.jsonl",
        "export.jsonl",
        "public_key.pem",
        "verifier.py",
    ]
    report = verified(tmp_path / "out")
    assert (report["ok"], report["entries"], report["covered_to"], report["uncovered"]) == (True, 6, 6, 0)
    exported = AuditEntry.objects.get(event=Event.AUDIT_EXPORTED)
    assert (exported.sequence, exported.actor_id) == (6, "system")
    assert exported.data == {"format": "bundle", "filter": {}}


def test_an_exported_archive_verifies(tmp_path: Path) -> None:
    make_entries(5)
    call_command("audit_export", str(tmp_path / "out.zip"))
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert archive.testzip() is None
        archive.extractall(tmp_path / "out")
    assert verified(tmp_path / "out")["ok"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--first", "3", "--last", "5"], [3, 4, 5]),
        (["--model", "invoice-ocr"], [7]),
        (["--model", "receipt-ocr", "--last", "2"], [1, 2]),
    ],
)
def test_an_excerpt_is_proven_without_the_rest(
    tmp_path: Path, options: list[str], expected: list[int]
) -> None:
    make_entries(6)
    make_entry(target=Target("model", "invoice-ocr", "invoice-ocr", "invoice-ocr"))
    call_command("audit_export", str(tmp_path / "out"), *options)
    lines = lines_of(tmp_path / "out" / "export.jsonl")
    assert [json.loads(line)["sequence"] for line in lines] == expected
    report = verified(tmp_path / "out")
    assert (report["ok"], report["mode"]) == (True, "excerpt")


def test_an_excerpt_of_a_rewritten_trail_is_not_proven() -> None:
    make_entries(6)
    checkpoints.make()
    rewrite(3, actor_name="mallory")
    found = (record for record in rows.records(after=2, until=3) if isinstance(record, dict))
    [line] = excerpts.lines(found, read())
    report = verification.verifier.verify([json.loads(line)], read())
    assert report.fault is not None
    assert (report.fault["kind"], report.fault["sequence"]) == ("rewritten", 3)


def test_an_excerpt_spans_several_checkpoints_and_ends_with_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "LONGEST", 3)
    make_entries(8)
    checkpoints.make()
    make_entries(2)
    records = [record for record in rows.records() if isinstance(record, dict)]
    lines = [json.loads(line) for line in excerpts.lines(records, read())]
    assert [line["proof"]["checkpoint"] for line in lines] == [3, 3, 3, 6, 6, 6, 8, 8]
    assert verification.verifier.verify(lines, read()).ok


def test_a_broken_trail_is_exported_as_the_evidence_that_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_entries(5)
    checkpoints.make()
    run_sql("UPDATE {table} SET data = '7', actor_name = 'mallory' WHERE sequence = 3")
    call_command("audit_export", str(tmp_path / "out"))
    report = verified(tmp_path / "out")
    assert (report["fault"]["kind"], report["fault"]["sequence"]) == ("unreadable", 3)


def test_a_trail_that_cannot_be_signed_any_more_is_exported_with_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_entries(5)
    checkpoints.make()
    rewrite(2, actor_name="mallory")
    call_command("audit_export", str(tmp_path / "out"))
    assert "No checkpoint was made: The trail no longer holds entry 5" in capsys.readouterr().err
    report = verified(tmp_path / "out")
    assert (report["fault"]["kind"], report["fault"]["checkpoint"]) == ("rewritten", 5)


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    make_entry()
    with pytest.raises(CommandError, match="is there already"):
        call_command("audit_export", str(tmp_path))
    assert not AuditEntry.objects.filter(event=Event.AUDIT_EXPORTED).exists()


def test_memory_does_not_grow_with_the_trail(tmp_path: Path) -> None:
    """Rows of 10 kB each: ten times as many take the same memory."""

    def peak(length: int) -> int:
        make_entries(length - AuditEntry.objects.count())
        tracemalloc.start()
        try:
            with (tmp_path / f"{length}.zip").open("wb") as file:
                file.writelines(bundle.zipped(bundle.parts(map(rows.line_of_any, rows.records()))))
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rows, "_CHUNK", 20)
        patch.setattr(bundle, "_LINES", 20)
        patch.setattr(trails, "make_data", lambda number: {"text": "x" * 10_000, "number": number})
        few = peak(40)
        many = peak(400)
    assert many < few * 1.5
