"""Artifacts of runs and model versions: listing, hashing, streaming; and the digest of all of them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from integrations.artifact_stores import ArtifactEntry, ArtifactStore, joined, safe_path
from integrations.errors import IntegrationError
from integrations.mlflow_reading import API
from integrations.mlflow_records import understood
from integrations.mlflow_server import MLflowServer

MAX_FILES = 10_000
MAX_FOLDERS = 10_000
MAX_TOTAL_BYTES = 200 * 1024**3
MAX_REFERENCES = 5

_RUN_URI = re.compile(r"runs:/+([^/]+)(?:/(.*))?")
_MODEL_URI = re.compile(r"models:/+([^/@]+)(?:/([^/]+)|@([^/]+))?(?:/(.*))?")


class NoArtifactsError(IntegrationError):
    """Where artifacts should be there are none."""


@dataclass(frozen=True)
class ArtifactFile:
    """One file of a manifest: path below the root, size in bytes, SHA-256 in hexadecimal."""

    path: str
    size: int
    sha256: str


class Artifacts:
    """Reads what lies at an artifact URI.

    URIs: `runs:/<run id>/<path>`, `models:/<name>/<number>`, `models:/<name>@<alias>`,
    `mlflow-artifacts:/...`, `s3://...`, `file:///...` or an absolute path (below an allowed root).
    """

    def __init__(self, server: MLflowServer) -> None:
        self._server = server

    def entries(self, uri: str, path: str = "") -> list[ArtifactEntry]:
        """The direct children of a folder, by name; empty if there is no such folder."""
        store, root = self._open(uri)
        return sorted(store.entries(joined(root, path)), key=lambda entry: entry.name)

    def stream(self, uri: str, path: str = "") -> Iterator[bytes]:
        """The bytes of one file in chunks of at most 1 MiB."""
        store, root = self._open(uri)
        return store.stream(joined(root, path))

    def manifest(
        self,
        uri: str,
        *,
        max_files: int = MAX_FILES,
        max_bytes: int = MAX_TOTAL_BYTES,
        between: Callable[[], object] = bool,
    ) -> tuple[ArtifactFile, ...]:
        """Every file below `uri`, sorted by path, each read once in chunks and hashed.

        `between` is called before each chunk; what it raises ends the reading.

        Raises a permanent `IntegrationError` when nothing is there (`NoArtifactsError`), or more than
        `max_files` or `max_bytes`; a temporary one when a file was cut short on the way.
        """
        return self._read_all(uri, None, max_files, max_bytes, between)

    def download(
        self,
        uri: str,
        destination: Path,
        *,
        max_files: int = MAX_FILES,
        max_bytes: int = MAX_TOTAL_BYTES,
        between: Callable[[], object] = bool,
    ) -> tuple[ArtifactFile, ...]:
        """Write every file below `uri` into the folder `destination` and return their manifest.

        Parameters and errors as those of `manifest`; a file that exists already is an `OSError`.
        """
        return self._read_all(uri, destination, max_files, max_bytes, between)

    def _read_all(
        self,
        uri: str,
        destination: Path | None,
        max_files: int,
        max_bytes: int,
        between: Callable[[], object],
    ) -> tuple[ArtifactFile, ...]:
        store, root = self._open(uri)
        files: list[ArtifactFile] = []
        left = max_bytes
        for path, size in _walk(store, root):
            if len(files) == max_files:
                raise IntegrationError(f"More than {max_files} artifacts at {uri}.", permanent=True)
            with _sink(destination, path) as write:
                chunks = _paced(store.stream(joined(root, path)), between)
                file = _digested(chunks, path, size, left, write)
            left -= file.size
            files.append(file)
        if not files:
            raise NoArtifactsError(f"There are no artifacts at {uri}.", permanent=True)
        return tuple(sorted(files, key=lambda file: file.path))

    def _open(self, uri: str) -> tuple[ArtifactStore, str]:
        """Store and path below it, following `models:` and `runs:` to where the bytes are."""
        rest = ""
        for _ in range(MAX_REFERENCES):
            if found := _RUN_URI.fullmatch(uri):
                rest = joined(found[2] or "", rest)
                uri = self._server.run(found[1]).artifact_uri
            elif found := _MODEL_URI.fullmatch(uri):
                rest = joined(found[4] or "", rest)
                uri = self._source(found[1], found[2], found[3])
            else:
                return self._server.store(uri), rest
        raise IntegrationError("The artifact URI refers to itself.", permanent=True)

    def _source(self, name: str, number: str | None, alias: str | None) -> str:
        if alias:
            version = self._server.version_by_alias(name, alias)
            if version is None:
                raise IntegrationError(f"{name} has no alias {alias!r}.", permanent=True)
            return version.source
        if number is None:
            return self._logged_model(name)
        if not number.isdecimal():
            raise IntegrationError(f"{number!r} is not an MLflow version number.", permanent=True)
        return self._server.model_version(name, int(number)).source

    def _logged_model(self, model_id: str) -> str:
        """Where the model of `models:/m-...` lies, the source that `log_model` gives to a version."""
        answer = self._server.http.get(f"{API}logged-models/{safe_path(model_id)}")
        with understood():
            return str(answer["model"]["info"]["artifact_uri"])


def manifest_digest(manifest: Iterable[ArtifactFile]) -> str:
    """SHA-256 over the canonical JSON of a manifest, independent of the order given.

    Canonical form: the array of `[path, size, sha256]` sorted by path, without spaces, in UTF-8.
    """
    rows = sorted([file.path, file.size, file.sha256] for file in manifest)
    text = json.dumps(rows, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _walk(store: ArtifactStore, root: str) -> Iterator[tuple[str, int | None]]:
    """Every file below `root` with its listed size; names from the store are checked like any other."""
    folders = [""]
    for _ in range(MAX_FOLDERS):
        if not folders:
            return
        folder = folders.pop()
        for entry in sorted(store.entries(joined(root, folder)), key=lambda entry: entry.name):
            if "/" in entry.name:
                raise IntegrationError(f"{entry.name!r} is not a usable artifact name.", permanent=True)
            path = joined(folder, entry.name)
            if entry.is_dir:
                folders.append(path)
            else:
                yield path, entry.size
    raise IntegrationError(f"More than {MAX_FOLDERS} folders of artifacts.", permanent=True)


@contextmanager
def _sink(destination: Path | None, path: str) -> Iterator[Callable[[bytes], object]]:
    if destination is None:
        yield len
        return
    target = destination / safe_path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("xb") as file:
        yield file.write


def _paced(chunks: Iterator[bytes], between: Callable[[], object]) -> Iterator[bytes]:
    for chunk in chunks:
        between()
        yield chunk


def _digested(
    chunks: Iterator[bytes], path: str, listed: int | None, left: int, write: Callable[[bytes], object]
) -> ArtifactFile:
    digest = hashlib.sha256()
    size = 0
    for chunk in chunks:
        digest.update(chunk)
        size += len(chunk)
        if size > left:
            raise IntegrationError(f"The artifacts up to {path!r} are too large.", permanent=True)
        write(chunk)
    if listed is not None and size != listed:
        raise IntegrationError(f"{path!r} has {size} bytes, but {listed} are listed.", permanent=False)
    return ArtifactFile(path, size, digest.hexdigest())
