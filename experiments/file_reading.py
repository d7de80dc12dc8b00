"""The chore `run-files`: reads the listings and contents that somebody waits for. For workers only."""

from __future__ import annotations

import logging
import time
from typing import Any

from django.db import transaction
from django.utils import timezone

from experiments import file_room, image_facts, sync
from experiments.file_kinds import by_name, sniffed
from experiments.mirror_values import LIVE_STATUSES
from experiments.models import RunFile, RunFileContent, RunListing
from experiments.stored_text import text
from integrations.artifact_listing import FileList, head, listing
from integrations.artifacts import Artifacts
from integrations.errors import IntegrationError

logger = logging.getLogger(__name__)

BUDGET = 5.0  # seconds; then the mirror may use this worker, too
_AT_ONCE = 500


def read_asked() -> None:
    """Read what was asked for, the last asked first, until nothing is left or the time is up.

    What cannot be read says why. When MLflow does not answer, everything that waits is told so at once:
    each would cost the same seconds.
    """
    artifacts = Artifacts(sync.connect())
    deadline = time.monotonic() + BUDGET
    while time.monotonic() < deadline:
        row = _next()
        if row is None:
            return
        try:
            _read(artifacts, row)
        except IntegrationError as error:
            if not error.permanent:
                _fail_all(error.message)
                return
            _fail(row, error.message)
        except Exception as error:
            # Files come from anybody: one that trips the reader must not be read for ever.
            logger.exception("The files of a run could not be read.")
            _fail(row, f"It could not be read ({type(error).__name__}).")


def _next() -> RunListing | RunFile | None:
    asked = RunListing.objects.filter(asked_at__isnull=False).select_related("run")
    wanted = RunFile.objects.filter(state=RunFile.State.ASKED).select_related("run")
    return asked.order_by("-asked_at").first() or wanted.order_by("-asked_at", "path").first()


def _read(artifacts: Artifacts, row: RunListing | RunFile) -> None:
    if isinstance(row, RunListing):
        _store_listing(row, listing(artifacts, row.run.artifact_uri))
    else:
        store_content(row, head(artifacts, row.run.artifact_uri, row.path, file_room.PER_FILE))


def _store_listing(row: RunListing, found: FileList) -> None:
    sizes = {file.path: file.size for file in found.files}
    with transaction.atomic():
        known = dict(RunFile.objects.filter(run=row.run).values_list("path", "size"))
        gone = RunFile.objects.filter(run=row.run)
        if row.renew:
            file_room.forget(gone)
        for paths in _batches([path for path in known if path not in sizes]):
            gone.filter(path__in=paths).delete()
        changed = [path for path in known if path in sizes and known[path] != sizes[path]]
        for paths in _batches(changed):
            file_room.forget(gone.filter(path__in=paths))
        rows = [
            RunFile(run=row.run, path=path, size=size, kind=by_name(path))
            for path, size in sizes.items()
            if path not in known or known[path] != size
        ]
        RunFile.objects.bulk_create(
            rows,
            batch_size=_AT_ONCE,
            update_conflicts=True,
            unique_fields=["run", "path"],
            update_fields=["size"],
        )
        _finish_listing(
            row,
            renew=False,
            read_at=timezone.now(),
            final=row.run.status not in LIVE_STATUSES,
            count=len(sizes),
            size=sum(size or 0 for size in sizes.values()),
            left_out=found.left_out,
            complete=found.complete,
            problem="",
        )
    file_room.forget_listings()


def store_content(row: RunFile, data: bytes | None) -> None:
    """Keep the content of a file, or that it is too large (None)."""
    now = timezone.now()
    with transaction.atomic():
        if data is None:
            _finish_file(row, state=RunFile.State.LARGE, read_at=now)
            return
        media = sniffed(data)
        RunFileContent.objects.update_or_create(file=row, defaults={"data": data})
        _finish_file(
            row,
            state=RunFile.State.THERE,
            size=len(data),
            held=len(data),
            media=media,
            facts=image_facts.size(media, data),
            read_at=now,
            used_at=now,
        )
    file_room.make_room(row.run)


def _fail(row: RunListing | RunFile, problem: str) -> None:
    if isinstance(row, RunListing):
        _finish_listing(row, problem=text(problem, 1000), failed_at=timezone.now())
    else:
        _finish_file(row, state=RunFile.State.FAILED, problem=text(problem, 1000), read_at=timezone.now())


def _fail_all(problem: str) -> None:
    now = timezone.now()
    said = text(problem, 1000)
    asked = RunListing.objects.filter(asked_at__isnull=False)
    asked.update(asked_at=None, problem=said, failed_at=now)
    wanted = RunFile.objects.filter(state=RunFile.State.ASKED)
    wanted.update(state=RunFile.State.FAILED, problem=said, read_at=now)


def _finish_listing(row: RunListing, **changes: Any) -> None:
    # Asked for again meanwhile, it stays asked for.
    RunListing.objects.filter(pk=row.pk).update(**changes)
    RunListing.objects.filter(pk=row.pk, asked_at=row.asked_at).update(asked_at=None)


def _finish_file(row: RunFile, **changes: Any) -> None:
    RunFile.objects.filter(pk=row.pk).update(**changes)


def _batches(paths: list[str]) -> list[list[str]]:
    return [paths[start : start + _AT_ONCE] for start in range(0, len(paths), _AT_ONCE)]
