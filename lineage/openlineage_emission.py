"""Tells an OpenLineage receiver (Marquez, DataHub) of pipelines while they run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings

from experiments.pipeline_watch import News
from lineage import openlineage_events, origin
from lineage.openlineage_events import Source, State, event, run_id
from lineage.openlineage_sender import sender
from lineage.origin import Step

_OF_STAGES: dict[str, State] = {"began": "START", "ran": "COMPLETE"}
_OF_PIPELINES: dict[str, State] = {
    "started": "START",
    "succeeded": "COMPLETE",
    "failed": "FAIL",
    "stopped": "ABORT",
    "lost": "ABORT",
}
# After these the process of a worker may end any moment. `lost` comes from another one, which goes on.
_LAST = {"succeeded", "failed", "stopped"}
PATIENCE = 3.0  # seconds that the end of a job waits for a receiver


def take(news: News) -> None:
    """Queue the events that `news` amounts to; nothing where no receiver is configured."""
    if not settings.OPENLINEAGE_URL:
        return
    queue = sender(settings.OPENLINEAGE_URL, settings.OPENLINEAGE_API_KEY)
    for made in events(news):
        queue.put(made)
    if news.what in _LAST:
        queue.flush(PATIENCE)


def events(news: News) -> Iterator[dict[str, Any]]:
    """Yield the event of a stage, of a pipeline, or of the stage in which a pipeline ended and of both."""
    source = Source(news.repository, news.url, news.sha)
    steps = {step.name: step for step in origin.of_lock(news.stages)}
    pipeline = run_id("job", news.job, news.attempt)
    told: dict[str, Any] = {"at": news.at, "producer": settings.BASE_URL, "problem": news.problem}
    if news.stage:
        # Of one that DVC multiplies, only the lock says what it reads.
        step = steps.get(news.stage, Step(news.stage, "", (), ()))
        run = run_id("job", news.job, news.attempt, news.stage)
        state = _OF_STAGES.get(news.what) or _OF_PIPELINES[news.what]
        yield event(state, run, source, step, parent=(pipeline, news.repository), **told)
    if news.what in _OF_PIPELINES:
        step = openlineage_events.whole(news.repository, steps.values())
        yield event(_OF_PIPELINES[news.what], pipeline, source, step, **told)
