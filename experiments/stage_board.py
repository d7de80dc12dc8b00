"""Follows `dvc repro` by its output: moves the job's steps and takes the time of each stage."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone

from experiments import log_text
from experiments.job_context import JobContext
from integrations.dvc_events import StageEvent, stage_event

BEFORE = ("clone", "fetch data")
AFTER = ("verify", "commit", "push data")
LAST_LINES = 12
_SKIPPED = {"unchanged", "cached"}
_RUNNING = "Running "


@dataclass
class StageTime:
    """How a stage went.

    :ivar state: waiting, running, ran, cached (its result was there already) or failed
    :ivar seconds: how long it ran; None if it did not
    :ivar started_at: when it began to run, in ISO 8601; empty if it did not
    """

    state: str = "waiting"
    seconds: float | None = None
    started_at: str = field(default="", compare=False)


class StageBoard:
    """The steps of a pipeline job: ours before and after, between them the stages in their order.

    A stage's own output is in the same stream and could imitate DVC's sentences. That would deceive whoever
    watches, and the times; nothing else depends on it.

    :param stages: names of the stages in the order in which they run
    :param on_began: called with each stage as soon as it runs, or fails before it could
    :param on_ran: called with each stage that has run to its end, after DVC has written it into the lock
    :param before: names of the steps that come before the stages, `after`: of those that come after them
    """

    def __init__(
        self,
        context: JobContext,
        stages: Iterable[str],
        *,
        on_began: Callable[[str], None] = lambda _stage: None,
        on_ran: Callable[[str, StageTime], None] = lambda _stage, _time: None,
        before: tuple[str, ...] = BEFORE,
        after: tuple[str, ...] = AFTER,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._context = context
        self._on_began = on_began
        self._on_ran = on_ran
        self._clock = clock
        self._steps = {name: _step_name(name, (*before, *after)) for name in stages}
        self._began = 0.0
        self.times: dict[str, StageTime] = {}
        self.current: str | None = None
        self.last_lines: deque[str] = deque(maxlen=LAST_LINES)
        context.steps([*before, *self._steps.values(), *after])

    def on_line(self, line: str) -> None:
        """Take a line of the output of `dvc repro`."""
        self._context.log(line)
        if line.strip():
            self.last_lines.append(line)
        event = stage_event(line)
        if event is not None and self._step_of(event.stage):
            self._take(event)

    def finish(self) -> None:
        """Say that the stage that ran, if one did, has ended well; DVC goes on only after that."""
        if self.current is not None:
            stage, time = self.current, self._end("ran", "done")
            self.current = None
            self._on_ran(stage, time)

    def fail(self) -> None:
        """Say that `dvc repro` has failed, in the current stage if it was in one."""
        if self.current is not None:
            self._end("failed", "failed")

    def _step_of(self, stage: str) -> str | None:
        """Return the step that shows a stage; the instances of one that DVC multiplies share theirs."""
        return self._steps.get(stage) or self._steps.get(stage.partition("@")[0])

    def _take(self, event: StageEvent) -> None:
        if event.kind == "running":
            self.finish()
            self._begin(event.stage)
            self.times[event.stage] = StageTime("running", started_at=timezone.now().isoformat())
            self._show(event.stage, "running")
            self._context.message(_RUNNING + event.stage)
            self.last_lines.clear()
        elif event.kind in _SKIPPED:
            self.finish()
            self.times[event.stage] = StageTime("cached")
            self._show(event.stage, "skipped")
        elif event.kind == "failed" and self.current is None:
            self._begin(event.stage)

    def _begin(self, stage: str) -> None:
        self.current, self._began = stage, self._clock()
        self._on_began(stage)

    def _end(self, state: str, step_state: str) -> StageTime:
        stage = str(self.current)
        began = self.times[stage].started_at if stage in self.times else ""
        self.times[stage] = StageTime(state, round(self._clock() - self._began, 3), began)
        self._show(stage, step_state)
        return self.times[stage]

    def _show(self, stage: str, step_state: str) -> None:
        step = self._step_of(stage)
        if step is not None:
            self._context.step(step, step_state)


def running_stage(steps: Iterable[Mapping[str, Any]], message: str) -> str:
    """Return the stage that a job was in by the steps and the message of its row; empty if in none."""
    stage = message.removeprefix(_RUNNING) if message.startswith(_RUNNING) else ""
    shown = {_step_name(name, (*BEFORE, *AFTER)) for name in (stage, stage.partition("@")[0])}
    running = {step["name"] for step in steps if step["state"] == "running"}
    return stage if shown & running else ""


def _step_name(stage: str, ours: tuple[str, ...]) -> str:
    name = log_text.clean(stage)[:90]
    return f"{name} (stage)" if name in ours else name
