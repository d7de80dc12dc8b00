"""Recognising in the output of ``dvc repro`` which stage it is at."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal["running", "unchanged", "cached", "pulling", "verifying", "failed"]


@dataclass(frozen=True, slots=True)
class StageEvent:
    """A stage has started to run, or was found unchanged, taken from the run cache, ... or has failed."""

    stage: str
    kind: Kind


# Sentences of dvc/stage/__init__.py, dvc/stage/run.py, dvc/stage/cache.py and dvc/repo/reproduce.py (3.67).
SENTENCES: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("running", re.compile(r"Running stage '(.+)':")),
    ("unchanged", re.compile(r"(?:Stage )?'(.+)' didn't change, skipping")),
    ("cached", re.compile(r"Stage '(.+)' is cached - skipping run, checking out outputs")),
    ("pulling", re.compile(r"Pulling data for stage: '(.+)'")),
    ("verifying", re.compile(r"Verifying (?:data sources|outputs) in (?:frozen )?stage: '(.+)'")),
    ("failed", re.compile(r"ERROR: failed to reproduce '([^']+)'.*")),
)


def stage_event(line: str) -> StageEvent | None:
    """Return what a line of output says about a stage, or ``None``.

    The stage's own output is in the same stream and could imitate such a line: good for showing progress,
    not for deciding what happened.
    """
    for kind, pattern in SENTENCES:
        match = pattern.fullmatch(line.rstrip())
        if match:
            return StageEvent(match[1], kind)
    return None
