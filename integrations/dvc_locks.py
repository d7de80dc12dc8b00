"""Reading what DVC knows of the last run: ``dvc.lock`` and ``.dvc`` files, those of DVC 0 and 1 included.

Pure functions of the text, as :mod:`integrations.dvc_files`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from integrations.dvc_records import Lock, LockedFile, LockedStage, Origin, Tracked
from integrations.dvc_shapes import command_of, list_of, mapping_of, number_of, text_of
from integrations.errors import IntegrationError
from integrations.yaml_text import load_mapping

LOCK_FILE = "dvc.lock"
LOCK_BYTES = 5_000_000
_CHECKSUMS = ("etag", "checksum", "version_id")


def read_lock(text: str | bytes) -> Lock:
    """Parse the text of a ``dvc.lock``; permanent ``IntegrationError`` if it is not one.

    Schema 2.0, and that of DVC 1, which has no name: there the stages are the whole file.
    """
    data = load_mapping(text, LOCK_FILE, max_bytes=LOCK_BYTES)
    if data.get("schema", "2.0") != "2.0":
        raise IntegrationError(f"{LOCK_FILE} does not have schema 2.0.", permanent=True)
    stages = mapping_of(data.get("stages"), "stages") if "schema" in data else data
    return Lock(
        {str(name): _locked_stage(mapping_of(entry, f"stages.{name}")) for name, entry in stages.items()}
    )


def read_tracked(text: str | bytes, name: str) -> Tracked:
    """Parse the text of a ``.dvc`` file called ``name``; permanent ``IntegrationError`` if it is not one."""
    data = load_mapping(text, name, max_bytes=LOCK_BYTES)
    outs = [entry for entry in list_of(data.get("outs")) if isinstance(entry, dict)]
    deps = [entry for entry in list_of(data.get("deps")) if isinstance(entry, dict)]
    if not outs and not deps and not data.get("cmd"):
        raise IntegrationError(f"{name} tracks nothing.", permanent=True)
    return Tracked(
        outs=_locked_files(outs),
        deps=_locked_files(deps),
        cmd=command_of(data.get("cmd")),
        wdir=text_of(data.get("wdir")) or ".",
        desc=text_of(data.get("desc")),
        frozen=data.get("frozen") is True or data.get("locked") is True,
        uncached=_paths(entry for entry in outs if entry.get("cache") is False),
        metrics=_paths(entry for entry in outs if entry.get("metric")),
        origin=next((_origin(entry["repo"]) for entry in deps if isinstance(entry.get("repo"), dict)), None),
    )


def _origin(repo: Mapping[str, Any]) -> Origin:
    return Origin(text_of(repo.get("url")), text_of(repo.get("rev")), text_of(repo.get("rev_lock")))


def _paths(entries: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    return tuple(path for entry in entries if (path := text_of(entry.get("path"))))


def _locked_stage(entry: Mapping[str, Any]) -> LockedStage:
    params = entry.get("params")
    return LockedStage(
        cmd=command_of(entry.get("cmd")),
        deps=_locked_files(entry.get("deps")),
        params={
            str(file): values
            for file, values in (params.items() if isinstance(params, dict) else ())
            if isinstance(values, dict)
        },
        outs=_locked_files(entry.get("outs")),
    )


def _locked_files(entries: Any) -> tuple[LockedFile, ...]:
    return tuple(
        _locked_file(item)
        for item in list_of(entries)
        if isinstance(item, dict) and isinstance(item.get("path"), str)
    )


def _locked_file(item: Mapping[str, Any]) -> LockedFile:
    listed = [one for one in list_of(item.get("files")) if isinstance(one, dict)]
    sizes = [number_of(one.get("size")) for one in listed]
    total = None if None in sizes or not listed else sum(size or 0 for size in sizes)
    return LockedFile(
        path=item["path"],
        md5=text_of(item.get("md5")) or _hash_of_list(listed),
        size=number_of(item.get("size")) if item.get("size") is not None else total,
        nfiles=number_of(item.get("nfiles")) if item.get("nfiles") is not None else len(listed) or None,
        hash_name=text_of(item.get("hash")) or "md5-dos2unix",
        checksum=text_of(item.get(_checksum_name(item))),
        checksum_name=_checksum_name(item),
    )


def _hash_of_list(listed: Sequence[Mapping[str, Any]]) -> str | None:
    """Return DVC's hash of a folder of which only the files are named, as where a cloud keeps their versions.

    The hash of the list that DVC would write (`dvc_data.hashfile.tree`); None without a hash of every file.
    """
    named = [{"md5": text_of(one.get("md5")), "relpath": text_of(one.get("relpath"))} for one in listed]
    if not named or not all(one["md5"] and one["relpath"] for one in named):
        return None
    content = json.dumps(sorted(named, key=lambda one: one["relpath"]), sort_keys=True)
    return f"{hashlib.md5(content.encode(), usedforsecurity=False).hexdigest()}.dir"


def _checksum_name(item: Mapping[str, Any]) -> str:
    return next((name for name in _CHECKSUMS if text_of(item.get(name))), "")
