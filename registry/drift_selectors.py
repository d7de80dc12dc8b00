"""Reads of drift, and of what could not be applied, for pages and REST; queries do not grow with rows."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext as _

from accounts.access import Person
from experiments.models import SyncState
from registry import access, drift, reconciler_state
from registry.drift_rules import pointed
from registry.models import Drift, Promotion, RegisteredModel

_SHOWN = 5
_HISTORY = 50


@dataclass(frozen=True)
class DriftRow:
    """One difference as people read it.

    :ivar sentence: what differs
    :ivar repairing: whether a job is about to repair it
    """

    drift: Drift
    sentence: str
    repairing: bool = False

    @property
    def repairable(self) -> bool:
        """Whether the product can set it in MLflow again."""
        return drift.is_repairable(self.drift)


@dataclass(frozen=True)
class Alerts:
    """What of MLflow needs a person.

    :ivar rows: open drift, the newest first, not more than a page shows at its top
    :ivar count: how much drift is open in all
    :ivar not_applied: approved promotions that MLflow must not or cannot show
    :ivar refused: English sentences about what was not adopted
    """

    rows: list[DriftRow] = field(default_factory=list)
    count: int = 0
    not_applied: list[Promotion] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.rows or self.not_applied or self.refused)


def alerts(user: Person, model: RegisteredModel | None = None) -> Alerts:
    """Return what of MLflow needs a person, of one model or of all that `user` may see.

    :param model: one that the caller has found visible to `user`
    """
    rows = open_drifts(user, model)
    return Alerts(
        rows=[DriftRow(one, sentence(one)) for one in rows[:_SHOWN]],
        count=rows.count(),
        not_applied=list(not_applied(user, model)[:_SHOWN]),
        refused=[] if model else reconciler_state.refused(),
    )


def drifts(user: Person) -> QuerySet[Drift]:
    """Return all drift of the models that `user` may see, the newest first."""
    rows = Drift.objects.filter(access.visible_q(user, "model")).select_related("model", "version__model")
    return rows.defer("version__manifest", "version__facts", "version__metadata").order_by("-pk")


def open_drifts(user: Person, model: RegisteredModel | None = None) -> QuerySet[Drift]:
    """Return the drift that nobody has dealt with, the newest first."""
    rows = drifts(user).filter(state=Drift.State.OPEN)
    return rows.filter(model=model) if model else rows


def not_applied(user: Person, model: RegisteredModel | None = None) -> QuerySet[Promotion]:
    """Return the approved promotions that have not come to MLflow for a reason that needs a person."""
    rows = Promotion.objects.filter(
        access.visible_q(user, "version__model"),
        ~Q(problem=""),
        state=Promotion.State.APPROVED,
        # What has moved on since is nobody's business any more.
        version__stage=F("to_stage"),
    )
    rows = rows.filter(version__model=model) if model else rows
    return rows.select_related("version__model").defer("evidence", "version__manifest").order_by("-pk")


@dataclass(frozen=True)
class DriftPage:
    """What the page of a model's drift shows.

    :ivar open: what nobody has dealt with
    :ivar past: what has ended, the newest first
    :ivar compared_at: when MLflow was last compared in full; None: never
    """

    open: list[DriftRow]
    past: list[DriftRow]
    not_applied: list[Promotion]
    compared_at: datetime | None


def page(user: Person, model: RegisteredModel) -> DriftPage:
    """Return what the page of `model`'s drift shows."""
    repairing = drift.being_repaired(model)
    past = drifts(user).filter(model=model).exclude(state=Drift.State.OPEN).order_by("-ended_at", "-pk")
    return DriftPage(
        open=_rows(open_drifts(user, model), repairing),
        past=_rows(past[:_HISTORY], set()),
        not_applied=list(not_applied(user, model)),
        compared_at=SyncState.objects.filter(name=reconciler_state.NAME)
        .values_list("reconciled_at", flat=True)
        .first(),
    )


def _rows(found: Iterable[Drift], repairing: set[int]) -> list[DriftRow]:
    return [DriftRow(one, sentence(one), one.pk in repairing) for one in found]


def sentence(one: Drift) -> str:
    """Return in the active language what differs."""
    if one.kind == Drift.Kind.MISSING:
        return _("MLflow does not have this version any more.")
    facts = {"expected": one.expected, "found": one.found}
    if one.kind == Drift.Kind.STAGE:
        return _("Its stage in MLflow is %(found)s; decided here was %(expected)s.") % facts
    if one.kind == Drift.Kind.SOURCE:
        return _("Its files in MLflow are %(found)s; registered here were %(expected)s.") % facts
    return _alias(one)


def _alias(one: Drift) -> str:
    alias, expected = pointed(one.expected)
    _alias_again, found = pointed(one.found)
    facts = {"alias": alias, "expected": expected, "found": found}
    if found is None:
        return _("The alias %(alias)s is gone; it belongs to MLflow version %(expected)s.") % facts
    if expected is None:
        return _("The alias %(alias)s points to MLflow version %(found)s; it should be nowhere.") % facts
    return (
        _("The alias %(alias)s points to MLflow version %(found)s; it belongs to version %(expected)s.")
        % facts
    )
