"""Tells an OpenLineage receiver (Marquez, DataHub) of pipelines while they run."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.conf import settings

from experiments.pipeline_watch import News
from lineage import openlineage_events, origin
from lineage.openlineage_events import Source, State, event, run_id
from lineage.openlineage_sender import sender

_ENDS: dict[str, State] = {"succeeded": "COMPLETE", "failed": "FAIL", "stopped": "ABORT"}


def take(news: News) -> None:
    """Queue the events that `news` amounts to; nothing where no receiver is configured."""
    if settings.OPENLINEAGE_URL:
        queue = sender(settings.OPENLINEAGE_URL, settings.OPENLINEAGE_API_KEY)
        for made in events(news):
            queue.put(made)


def events(news: News) -> Iterator[dict[str, Any]]:
    """Yield the events of a pipeline, or of one of its stages."""
    source = Source(news.repository, news.url, news.sha)
    steps = {step.name: step for step in origin.of_lock(news.stages)}
    pipeline = run_id("job", news.job, news.attempt)
    if news.what in ("stage", "failed") and news.stage in steps:
        step = steps[news.stage]
        run = run_id("job", news.job, news.attempt, news.stage)
        began = news.at - timedelta(seconds=news.seconds)
        shared: dict[str, Any] = {"producer": settings.BASE_URL, "parent": (pipeline, news.repository)}
        yield event("START", run, source, step, at=began, **shared)
        end: State = "COMPLETE" if news.what == "stage" else "FAIL"
        yield event(end, run, source, step, at=news.at, problem=news.problem, **shared)
    if news.what != "stage":
        step = openlineage_events.whole(news.repository, steps.values())
        yield event(
            _ENDS.get(news.what, "START"),
            pipeline,
            source,
            step,
            at=news.at,
            producer=settings.BASE_URL,
            problem=news.problem,
        )
