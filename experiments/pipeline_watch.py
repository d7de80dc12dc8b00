"""News about pipelines while they run, for other apps that registered at start-up.

A listener is text (`module:function`), so that only a worker imports it. Whatever it raises is logged and has
no consequence: nobody who watches a job can make it fail.
"""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

logger = logging.getLogger(__name__)

What = Literal["started", "began", "ran", "succeeded", "failed", "stopped", "lost"]


@dataclass(frozen=True)
class News:
    """Something that happened to a pipeline job.

    :ivar what: the pipeline started; a stage began; a stage ran to its end; the pipeline succeeded, failed or
        was stopped; its worker fell silent
    :ivar stages: stage -> what it reads and makes, as `pipeline_facts.lock_summary`; hashes once it ran
    :ivar stage: the one that began or ran, or that the pipeline was in when it ended; empty: none
    :ivar problem: why it failed
    """

    what: What
    job: int
    attempt: int
    repository: str
    url: str
    sha: str
    at: datetime
    stages: Mapping[str, Any] = field(default_factory=dict)
    stage: str = ""
    problem: str = ""


_listeners: list[str] = []


def listen(target: str) -> None:
    """Have `target` called with all news from now on; again changes nothing."""
    if target not in _listeners:
        _listeners.append(target)


def tell(news: News) -> None:
    """Pass `news` on to all listeners."""
    for target in _listeners:
        module, _, name = target.partition(":")
        try:
            listener: Callable[[News], None] = getattr(importlib.import_module(module), name)
            listener(news)
        except Exception:
            logger.exception("%s could not take the news of job %s.", target, news.job)


def outline(pipeline: Mapping[str, Any]) -> dict[str, Any]:
    """Return the stages of a pipeline, kept by `pipeline_summary`, in the form of a lock without hashes."""
    return {
        stage["name"]: {"cmd": stage["cmd"], "deps": _bare(stage["deps"]), "outs": _bare(stage["outs"])}
        for stage in pipeline.get("stages", ())
    }


def _bare(paths: list[str]) -> list[dict[str, Any]]:
    # Which file a path with ${...} is, only DVC can tell.
    return [{"path": path, "md5": "", "size": None, "nfiles": None} for path in paths if "${" not in path]
