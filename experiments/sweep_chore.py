"""Chore: look after sweeps. Guided ones get what to try next; nothing stays undone because a process died."""

from experiments import sweep_guide, sweep_progress
from experiments.job_states import TERMINAL
from experiments.models import Job, Sweep

_AT_ONCE = 50


def run() -> None:
    """Bring every running sweep on as far as it goes now."""
    for sweep in Sweep.objects.filter(state=Sweep.State.RUNNING).order_by("pk")[:_AT_ONCE]:
        for job in Job.objects.filter(trial__sweep=sweep, trial__outcome="", state__in=TERMINAL):
            sweep_progress.note(job)
        if sweep.method == Sweep.Method.GUIDED:
            sweep_guide.suggest(sweep)
        sweep_progress.advance(sweep.pk)
