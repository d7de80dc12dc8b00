"""The steps and the message of a running job, collected in memory and stored by its keeper."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from experiments import log_text

STEP_STATES = frozenset({"waiting", "running", "done", "skipped", "failed"})
MAX_STEPS = 100
_MESSAGE_CHARACTERS = 300


class StepBoard:
    """What a person sees of a job's progress. Its methods may be called by any thread and do no I/O.

    :param steps: names of the steps that are known from the start
    :param clock: seconds, monotonic
    """

    def __init__(self, steps: Sequence[str] = (), *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._began: dict[str, float] = {}
        self._steps = [_waiting(name) for name in steps]
        self._message = ""
        self._changed = True  # the row may still show what an earlier attempt did

    def set_steps(self, names: Sequence[str]) -> None:
        """Replace the steps by `names`, all waiting."""
        with self._lock:
            self._began.clear()
            self._steps = [_waiting(name) for name in names[:MAX_STEPS]]
            self._changed = True

    def set_step(self, name: str, state: str) -> None:
        """Put step `name` into `state`; a step that is not there yet is added at the end.

        :raises ValueError: there is no such state
        """
        if state not in STEP_STATES:
            raise ValueError(f"A step cannot be {state!r}.")
        with self._lock:
            step = self._find(name)
            if step is not None:
                self._put(step, state)

    def set_message(self, text: str) -> None:
        """Replace the message; what does not fit into one short line is cut off."""
        with self._lock:
            self._message = log_text.clean(text.replace("\n", " "))[:_MESSAGE_CHARACTERS]
            self._changed = True

    def take(self) -> tuple[list[dict[str, Any]], str] | None:
        """Return steps and message if they changed since the last call, else None."""
        with self._lock:
            if not self._changed:
                return None
            self._changed = False
            return [dict(step) for step in self._steps], self._message

    def put_back(self) -> None:
        """Say that what `take` returned could not be stored."""
        with self._lock:
            self._changed = True

    def closed(self, state: str) -> list[dict[str, Any]]:
        """Return the steps as they are at the end: what was running is now `state`.

        After success (`done`) nothing waits any more: what was not needed was skipped.
        """
        with self._lock:
            for step in self._steps:
                if step["state"] == "running":
                    self._put(step, state)
                elif step["state"] == "waiting" and state == "done":
                    self._put(step, "skipped")
            return [dict(step) for step in self._steps]

    def _find(self, name: str) -> dict[str, Any] | None:
        for step in self._steps:
            if step["name"] == name:
                return step
        if len(self._steps) >= MAX_STEPS:
            return None
        self._steps.append(_waiting(name))
        return self._steps[-1]

    def _put(self, step: dict[str, Any], state: str) -> None:
        now = self._clock()
        if state == "running":
            self._began[step["name"]] = now
        began = self._began.get(step["name"])
        if state in {"done", "failed"} and began is not None:
            step["seconds"] = round(now - began, 1)
        step["state"] = state
        self._changed = True


def _waiting(name: str) -> dict[str, Any]:
    return {"name": log_text.clean(name)[:100], "state": "waiting", "seconds": None}
