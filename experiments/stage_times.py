"""How long stages took whose results are in the DVC cache of this host.

DVC does not keep it. Without it, a training that is found in the cache (since its job is tried again, or
somebody asks for the same once more) would be one of unknown length.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Measured:
    """Seconds that a stage took, and the job in which it ran."""

    seconds: float
    job: int


def remember(digest: str, measured: Measured) -> None:
    """Keep the time of the stage run with this digest (see `pipeline_facts.lock_summary`)."""
    file = _file(digest)
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_suffix(f".{measured.job}")
    fresh.write_text(json.dumps({"seconds": measured.seconds, "job": measured.job}), encoding="ascii")
    fresh.rename(file)  # whole or not at all, also if the worker dies


def recall(digest: str) -> Measured | None:
    """Return the time of the stage run with this digest, if it was kept here."""
    try:
        return Measured(**json.loads(_file(digest).read_text(encoding="ascii")))
    except FileNotFoundError:
        return None


def _file(digest: str) -> Path:
    if not _DIGEST.fullmatch(digest):
        raise ValueError("not a digest")
    return Path(settings.DATA_DIR) / "stage-times" / digest[:2] / f"{digest}.json"
