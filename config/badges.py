"""The look of states: for each an icon and a word. Colours belong to the style sheet, by `data-` attribute.

Stage colours are used for stages only, and every badge says its state in words as well.
"""

from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Badge(NamedTuple):
    """How one state is shown: the name of a heroicon, the word, and a tone of `badges.css`."""

    icon: str
    word: "str | Promise"
    tone: str = "neutral"


STAGES = {
    "development": Badge("wrench", pgettext_lazy("stage", "Development")),
    "staging": Badge("eye", pgettext_lazy("stage", "Staging")),
    "production": Badge("rocket-launch", pgettext_lazy("stage", "Production")),
    "archived": Badge("archive-box", pgettext_lazy("stage", "Archived")),
}

JOBS = {
    "queued": Badge("clock", pgettext_lazy("job", "Queued")),
    "running": Badge("arrow-path", pgettext_lazy("job", "Running"), "active"),
    "succeeded": Badge("check-circle", pgettext_lazy("job", "Succeeded"), "good"),
    "failed": Badge("x-circle", pgettext_lazy("job", "Failed"), "bad"),
    "cancelled": Badge("no-symbol", pgettext_lazy("job", "Cancelled")),
    "lost": Badge("signal-slash", pgettext_lazy("job", "Lost"), "warn"),
}

STEPS = {
    "waiting": Badge("ellipsis-horizontal-circle", pgettext_lazy("step", "Waiting")),
    "running": Badge("arrow-path", pgettext_lazy("step", "Running"), "active"),
    "done": Badge("check-circle", pgettext_lazy("step", "Done"), "good"),
    "skipped": Badge("forward", pgettext_lazy("step", "Skipped")),
    "failed": Badge("x-circle", pgettext_lazy("step", "Failed"), "bad"),
}

RUNS = {
    "scheduled": Badge("clock", pgettext_lazy("run", "Scheduled")),
    "running": Badge("arrow-path", pgettext_lazy("run", "Running"), "active"),
    "finished": Badge("check", pgettext_lazy("run", "Finished"), "good"),
    "failed": Badge("x-mark", pgettext_lazy("run", "Failed"), "bad"),
    "killed": Badge("stop", pgettext_lazy("run", "Killed")),
}

GATES = {
    "passed": Badge("shield-check", pgettext_lazy("gate", "Passed"), "good"),
    "failed": Badge("shield-exclamation", pgettext_lazy("gate", "Failed"), "bad"),
    "waived": Badge("lock-open", pgettext_lazy("gate", "Waived"), "warn"),
    "pending": Badge("ellipsis-horizontal-circle", pgettext_lazy("gate", "Not checked yet")),
}

PROMOTIONS = {
    "open": Badge("inbox", pgettext_lazy("promotion", "Waiting for review"), "active"),
    "approved": Badge("hand-thumb-up", pgettext_lazy("promotion", "Approved"), "good"),
    "applied": Badge("check-badge", pgettext_lazy("promotion", "Applied"), "good"),
    "changes_requested": Badge("pencil-square", pgettext_lazy("promotion", "Changes requested"), "warn"),
    "rejected": Badge("hand-thumb-down", pgettext_lazy("promotion", "Rejected"), "bad"),
    "withdrawn": Badge("arrow-uturn-left", pgettext_lazy("promotion", "Withdrawn")),
    "expired": Badge("clock", pgettext_lazy("promotion", "Expired")),
}

KINDS = {"job": JOBS, "step": STEPS, "run": RUNS, "gate": GATES, "promotion": PROMOTIONS}

VERDICTS: dict[str, "str | Promise"] = {
    "better": _("better"),
    "worse": _("worse"),
    "same": _("same"),
    "unjudged": "",
}


def find(kind: str, state: object) -> Badge:
    """Return the badge of a state; a state nobody has described yet shows its own name."""
    name = str(state).lower()
    return KINDS[kind].get(name) or Badge("question-mark-circle", name.replace("_", " ").capitalize())


def find_stage(stage: object) -> Badge:
    """Return the badge of a stage, whatever the case of its letters."""
    name = str(stage).lower()
    return STAGES.get(name) or Badge("question-mark-circle", str(stage))
