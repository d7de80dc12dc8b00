"""Kinds of jobs that exist only in tests, and their runners. The product knows nothing of them."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from experiments.job_context import JobContext
from experiments.runners import FollowUp, Kind, Outcome, register
from integrations.errors import IntegrationError

BACKOFF = (0, 1)


def succeed(context: JobContext) -> Outcome:
    """Say so, and hand back the payload."""
    context.steps(["only"])
    context.step("only", "running")
    context.log("working\ndone")
    return Outcome({"seen": context.payload, "workspace": str(context.workspace)})


def follow(context: JobContext) -> Outcome:
    """Ask for two further jobs."""
    then = (FollowUp("probe", {"from": context.job_id}), FollowUp("probe", {"second": True}, ":b"))
    return Outcome({}, then)


def follow_nobody(_context: JobContext) -> Outcome:
    """Ask for a further job of a kind that does not exist."""
    return Outcome({}, (FollowUp("nonesuch", {}),))


def fall_over(context: JobContext) -> Outcome:
    """Fail as the payload says, but not from attempt `until` on."""
    if context.attempt >= context.payload.get("until", sys.maxsize):
        return Outcome({"attempt": context.attempt})
    context.step("doomed", "running")
    if "permanent" in context.payload:
        raise IntegrationError("MLflow said no.", permanent=context.payload["permanent"])
    raise ZeroDivisionError("by nothing\x00")


def unstorable(_context: JobContext) -> Outcome:
    """Hand back what no database row can hold."""
    return Outcome({"object": object()})


def stay(context: JobContext) -> Outcome:
    """Wait to be told to stop, politely."""
    Path(context.payload["sign"]).write_text(str(os.getpid()), encoding="ascii")
    while not ("moan" in context.payload and context.should_stop()):
        if "moan" not in context.payload:
            context.check()
        time.sleep(0.02)
    raise IntegrationError("The program was killed.", permanent=True)


def stay_deaf(context: JobContext) -> Outcome:
    """Wait without ever asking whether to stop."""
    Path(context.payload["sign"]).write_text(str(os.getpid()), encoding="ascii")
    time.sleep(600)
    return Outcome()


def run_program(context: JobContext) -> Outcome:
    """Run Python code from the payload; from attempt `until` on, succeed at once instead."""
    if context.attempt >= context.payload.get("until", sys.maxsize):
        return Outcome({"attempt": context.attempt})
    argv = [sys.executable, "-u", "-c", context.payload["code"]]
    finished = context.run(argv, env={"PATH": os.defpath})
    if finished.returncode and not context.payload.get("overlook"):
        raise IntegrationError(f"The program ended with {finished.returncode}.", permanent=True)
    return Outcome({"attempt": context.attempt, "returncode": finished.returncode})


KINDS = (
    Kind("probe", "Probe", "tests.job_probes:succeed", steps=("only", "never")),
    Kind("probe_follow", "Probe", "tests.job_probes:follow"),
    Kind("probe_follow_nobody", "Probe", "tests.job_probes:follow_nobody"),
    Kind("probe_fall", "Probe", "tests.job_probes:fall_over", backoff=BACKOFF, max_attempts=3),
    Kind("probe_unstorable", "Probe", "tests.job_probes:unstorable"),
    Kind("probe_missing", "Probe", "tests.nonesuch:run"),
    Kind("probe_stay", "Probe", "tests.job_probes:stay"),
    Kind("probe_short", "Probe", "tests.job_probes:stay", time_limit=1),
    Kind("probe_deaf", "Probe", "tests.job_probes:stay_deaf"),
    Kind("probe_program", "Probe", "tests.job_probes:run_program"),
)


def register_all() -> None:
    """Register every kind of this module."""
    for kind in KINDS:
        register(kind)
