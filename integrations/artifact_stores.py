"""Three places where artifacts lie: behind MLflow's proxy, in a local folder, in S3.

A store lists, streams and writes below one root. Paths are relative, with '/'; anything that could
leave the root is refused before it is used, whoever it comes from: the caller, or a listing.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote, unquote, urlsplit

from integrations.errors import IntegrationError
from integrations.mlflow_http import CHUNK_BYTES, MLflowHTTP
from integrations.mlflow_records import understood

PROXY = "/api/2.0/mlflow-artifacts/artifacts"
S3_BLOCK_BYTES = 5 * 1024 * 1024
# the proxy percent-decodes again and refuses '#'; the others change meaning on the way
FORBIDDEN_CHARACTERS = frozenset("\\#%?")


@dataclass(frozen=True)
class ArtifactEntry:
    """One line of a listing: name within the folder, size in bytes where the store tells it."""

    name: str
    is_dir: bool
    size: int | None


class ArtifactStore(Protocol):
    """What can be done below one root. Paths are relative to it; '' is the root."""

    def entries(self, path: str) -> list[ArtifactEntry]:
        """The direct children of a folder; empty if there is no such folder."""
        ...

    def stream(self, path: str) -> Iterator[bytes]:
        """The bytes of a file in chunks; a permanent error if there is no such file."""
        ...

    def put(self, path: str, source: Path) -> None:
        """Write a file, replacing one that is there."""
        ...


def safe_path(path: str) -> str:
    """Return a relative artifact path unchanged, or raise a permanent error if it is not safe."""
    parts = path.split("/") if path else []
    bad = FORBIDDEN_CHARACTERS & set(path) or any(ord(c) < 32 or ord(c) == 127 for c in path)
    if bad or {"", ".", ".."} & set(parts):
        raise IntegrationError(f"{path[:120]!r} is not a usable artifact path.", permanent=True)
    return path


def joined(*parts: str) -> str:
    """Join path parts, leaving out empty ones, and check the result."""
    return safe_path("/".join(part for part in parts if part))


def open_store(uri: str, http: MLflowHTTP, *, local_roots: Sequence[Path] = ()) -> ArtifactStore:
    """The store for an artifact root such as a run's `artifact_uri`.

    Parameters
    ----------
    http:
        The MLflow server whose proxy serves `mlflow-artifacts:` URIs.
    local_roots:
        Folders below which local artifacts may be read and written. None by default: whoever may
        create an experiment chooses its location, and could name any folder of this machine.
    """
    parts = urlsplit(uri)
    root = unquote(parts.path).strip("/")
    if parts.scheme == "mlflow-artifacts":
        if parts.netloc and parts.netloc.rpartition("@")[2] != http.host:
            raise IntegrationError(
                f"Artifacts at {parts.hostname} are not on our MLflow server.", permanent=True
            )
        return ProxyStore(http, safe_path(root))
    if parts.scheme == "s3" and parts.netloc:
        return S3Store(parts.netloc, safe_path(root))
    if parts.scheme == "file" and parts.netloc in {"", "localhost"}:
        return LocalStore(Path("/" + root), local_roots)
    if not parts.scheme and uri.startswith("/"):
        return LocalStore(Path(uri), local_roots)
    raise IntegrationError(
        f"Artifacts of the kind {parts.scheme or 'relative path'!r} cannot be read.", permanent=True
    )


class ProxyStore:
    """Artifacts that the MLflow server serves itself."""

    def __init__(self, http: MLflowHTTP, root: str) -> None:
        self._http = http
        self._root = root

    def entries(self, path: str) -> list[ArtifactEntry]:
        answer = self._http.get(PROXY, {"path": joined(self._root, path)})
        with understood():
            return [
                ArtifactEntry(
                    name=str(item["path"]).rpartition("/")[2],
                    is_dir=bool(item.get("is_dir", False)),
                    size=int(item["file_size"]) if "file_size" in item else None,
                )
                for item in answer.get("files", ())
            ]

    def stream(self, path: str) -> Iterator[bytes]:
        return self._http.stream(self._address(path))

    def put(self, path: str, source: Path) -> None:
        self._http.upload(self._address(path), source)

    def _address(self, path: str) -> str:
        return f"{PROXY}/{quote(joined(self._root, path))}"


class LocalStore:
    """Artifacts in a folder of this machine, below one of the allowed roots."""

    def __init__(self, root: Path, allowed: Sequence[Path]) -> None:
        self._root = root.resolve()
        if not any(self._root.is_relative_to(folder.resolve()) for folder in allowed):
            raise IntegrationError(
                f"The artifact folder {root} is outside the folders that may be read.", permanent=True
            )

    def entries(self, path: str) -> list[ArtifactEntry]:
        folder = self._inside(path)
        if not folder.is_dir():
            return []
        with os.scandir(folder) as found:
            return [
                ArtifactEntry(one.name, one.is_dir(), None if one.is_dir() else one.stat().st_size)
                for one in found
            ]

    def stream(self, path: str) -> Iterator[bytes]:
        try:
            with self._inside(path).open("rb") as file:
                while chunk := file.read(CHUNK_BYTES):
                    yield chunk
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
            raise IntegrationError(f"There is no artifact {path!r}.", permanent=True) from error

    def put(self, path: str, source: Path) -> None:
        target = self._inside(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        # a reader must never see half a file under its final name
        partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
        shutil.copyfile(source, partial)
        partial.replace(target)

    def _inside(self, path: str) -> Path:
        target = (self._root / safe_path(path)).resolve()
        if not target.is_relative_to(self._root):
            raise IntegrationError(f"{path!r} leads out of the artifact folder.", permanent=True)
        return target


class S3Store:
    """Artifacts in S3, with the environment's `AWS_*` and `MLFLOW_S3_ENDPOINT_URL`."""

    def __init__(self, bucket: str, root: str) -> None:
        import fsspec

        endpoint = os.environ.get("MLFLOW_S3_ENDPOINT_URL") or None
        self._base = f"{bucket}/{root}" if root else bucket
        self._files: Any = fsspec.filesystem(
            "s3",
            endpoint_url=endpoint,
            use_listings_cache=False,
            skip_instance_cache=True,
            config_kwargs={"connect_timeout": 5, "read_timeout": 30, "retries": {"max_attempts": 2}},
        )

    def entries(self, path: str) -> list[ArtifactEntry]:
        folder = self._address(path)
        with _storage_trouble(path):
            try:
                found = self._files.ls(folder, detail=True)
            except FileNotFoundError:
                return []
        # an object may be listed under its own name when it is asked for as a folder
        return [
            ArtifactEntry(
                name=str(one["name"]).rstrip("/").rpartition("/")[2],
                is_dir=one["type"] == "directory",
                size=None if one["type"] == "directory" else int(one["size"]),
            )
            for one in found
            if str(one["name"]).strip("/") != folder
        ]

    def stream(self, path: str) -> Iterator[bytes]:
        with (
            _storage_trouble(path),
            self._files.open(self._address(path), "rb", block_size=S3_BLOCK_BYTES) as file,
        ):
            while chunk := file.read(CHUNK_BYTES):
                yield chunk

    def put(self, path: str, source: Path) -> None:
        with _storage_trouble(path):
            self._files.put_file(str(source), self._address(path))

    def _address(self, path: str) -> str:
        return "/".join(part for part in (self._base, safe_path(path)) if part)


@contextmanager
def _storage_trouble(path: str) -> Iterator[None]:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except FileNotFoundError as error:
        raise IntegrationError(f"There is no artifact {path!r}.", permanent=True) from error
    except PermissionError as error:
        raise IntegrationError(f"S3 does not allow access to {path!r}.", permanent=True) from error
    except (OSError, BotoCoreError, ClientError) as error:
        raise IntegrationError(
            f"S3 cannot be used for {path!r} ({type(error).__name__}).", permanent=False
        ) from error
