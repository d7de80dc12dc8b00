"""Storage of the static files: hashed names, compressed once."""

from pathlib import Path
from typing import Any

from whitenoise.compress import Compressor  # type: ignore[import-untyped]
from whitenoise.storage import CompressedManifestStaticFilesStorage  # type: ignore[import-untyped]


class CompressOnce(Compressor):
    """Leaves a file alone whose compressed form lies beside it: its name holds the hash of its content."""

    def compress(self, path: str) -> list[str]:
        """Compress the file at `path`; return the paths of what was made or found."""
        found = [f"{path}{suffix}" for suffix in (".br", ".gz") if Path(f"{path}{suffix}").is_file()]
        return found or super().compress(path)


class StaticStorage(CompressedManifestStaticFilesStorage):
    """Keeps only the hashed names. The chart library alone takes ten seconds of Brotli, so each file once."""

    keep_only_hashed_files = True

    def create_compressor(self, **kwargs: Any) -> Compressor:
        """Return the compressor for this run."""
        return CompressOnce(**kwargs)
