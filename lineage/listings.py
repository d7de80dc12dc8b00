"""Operation: have the lists of files of folders read; and what was read. A worker reads, pages look here."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils import timezone

from accounts.models import User
from experiments.models import Job
from lineage import file_changes, reading_jobs
from lineage.file_changes import FileChange
from lineage.models import DataVersion, FileListing

KIND = "list_files"
State = FileListing.State


@dataclass(frozen=True)
class Compared:
    """Two versions of a folder, file by file.

    :ivar changes: what differs; None where a list is not known
    :ivar failures: the lists that could not be read, and why
    """

    changes: list[FileChange] | None
    failures: list[FileListing]


def request(versions: Sequence[DataVersion], *, user: User) -> Job:
    """Queue the reading of the lists of files of `versions`, which are of one repository.

    A job that waits or runs for the same ones is returned as it is.

    :raises PermissionDenied: `user` may not have it read
    """
    return reading_jobs.request(KIND, versions[0].repository, _wanted(versions), user=user)


def under_way(versions: Sequence[DataVersion]) -> Job | None:
    """Return the job that reads the lists of `versions`, if one waits or runs. One query."""
    return reading_jobs.under_way(KIND, versions[0].repository, _wanted(versions))


def keep(value: str, entries: Sequence[tuple[str, str]]) -> None:
    """Store the list of files of the folder with hash `value`."""
    plain = json.dumps([list(entry) for entry in entries], ensure_ascii=True, separators=(",", ":"))
    _write(value, State.LISTED, packed=zlib.compress(plain.encode("ascii")), files=len(entries))


def keep_failure(value: str, state: str, reason: str) -> None:
    """Store why there is no list of the folder with hash `value`; a list that is there stays."""
    if not FileListing.objects.filter(hash=value, state=State.LISTED).exists():
        _write(value, state, reason=reason[:500])


def compared(old: DataVersion, new: DataVersion) -> Compared:
    """Return the files that differ between two versions, as far as their lists are known. One query."""
    if not (old.is_folder and new.is_folder):
        return Compared(None, [])
    lists = {one.hash: one for one in FileListing.objects.filter(hash__in={old.hash, new.hash})}
    failures = [one for one in lists.values() if one.state != State.LISTED]
    if failures or not {old.hash, new.hash} <= lists.keys():
        return Compared(None, failures)
    return Compared(file_changes.compare(entries(lists[old.hash]), entries(lists[new.hash])), [])


def known(value: str) -> FileListing | None:
    """Return the list of files of the folder with hash `value`, if it was read. One query."""
    return FileListing.objects.filter(hash=value, state=State.LISTED).first()


def entries(listing: FileListing) -> list[tuple[str, str]]:
    """Return path and hash of each file."""
    return [(path, value) for path, value in json.loads(zlib.decompress(bytes(listing.packed)))]


def _wanted(versions: Sequence[DataVersion]) -> dict[str, list[int]]:
    return {"versions": sorted(version.pk for version in versions)}


def _write(value: str, state: str, *, packed: bytes = b"", files: int = 0, reason: str = "") -> None:
    FileListing.objects.update_or_create(
        hash=value,
        defaults={
            "state": state,
            "packed": packed,
            "files": files,
            "reason": reason,
            "read_at": timezone.now(),
        },
    )
