"""Which runs pass a filter, in a form that a database answers quickly whether few or many do.

There are two ways to a page of a hundred. *Walking* reads the index of the order and asks of every run
whether it passes: quick when many do, and without end when few do. *Collecting* takes the runs that one part
of the filter leaves, by its index, and sorts those: quick when they are few. Neither SQLite nor PostgreSQL
can be relied on to choose (the former keeps no statistics unless told to, the latter takes conditions for
independent of the order), so the indexes are asked how many entries each part of the filter has. That costs
a millisecond or two for each part, and it stops at `PROBED`.

Runs are collected by all parts at once that are not much larger than the smallest: what two indexes have in
common is found without looking at any run.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import Exists, Max, OuterRef, Q, QuerySet

from experiments import filter_queries, filters, run_tags
from experiments.filter_queries import Driver
from experiments.filters import Expression
from experiments.models import Experiment, Run, RunTag
from experiments.run_columns import Column

#: Entries of an index that are counted at most.
PROBED = 40_000
#: Collecting so few is quicker than walking can be relied on.
FEW = 5_000
_MAX_PROBES = 8
_PAGE = 100
# To read an entry of an index takes so much less than to look up what one run has.
_CHEAPER = 8
ACTIVE = "active"


@dataclass(frozen=True)
class RunFilter:
    """Which runs a table has; an empty field asks for nothing.

    :ivar experiment: MLflow's id of the experiment
    :ivar text: an expression of the filter language, or words of which one finds by name or run id
    :ivar archived: empty leaves archived runs out; "all" has them, too, and "only" nothing else
    """

    experiment: str = ""
    text: str = ""
    status: str = ""
    archived: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether every run passes."""
        return not (self.experiment or self.text.strip() or self.status or self.archived)


@dataclass(frozen=True)
class Matches:
    """The runs that pass a filter.

    :ivar rest: what passes everything but `driver`
    :ivar driver: primary keys, few, of which all that pass are some; None: the order is to be walked
    :ivar expression: the filter, if it is one
    """

    rest: QuerySet[Run]
    driver: QuerySet[Any, Any] | None = None
    expression: Expression | None = None

    def all(self) -> QuerySet[Run]:
        """Return the runs, in no order."""
        return self.rest if self.driver is None else self.rest.filter(pk__in=self.driver)

    def among(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Return those of `rows`, of a table that belongs to runs, whose runs pass; for walking."""
        # SQLite does not turn a correlated EXISTS inside out: `rows` stays what is read along its index.
        return rows.filter(Exists(self.all().filter(pk=OuterRef("run_id"))))

    def bound(self, column: Column) -> Q:
        """Return what the filter asks of the values of `column`: a walk begins and ends there."""
        return filter_queries.bound(self.expression, column.kind, column.key) if self.expression else Q()

    def filter(self, condition: Q) -> "Matches":
        """Return those that pass `condition`, too."""
        return replace(self, rest=self.rest.filter(condition))


def matching(wanted: RunFilter) -> Matches:
    """Return the runs that pass `wanted`, without those deleted in MLflow or archived (unless asked for).

    As many queries as the filter has parts, up to nine.

    :raises filters.FilterError: its text looks like an expression and is none
    """
    gone = Experiment.objects.exclude(lifecycle_stage=ACTIVE).values("pk")
    rows = Run.objects.filter(~Q(experiment__in=gone), lifecycle_stage=ACTIVE)
    if wanted.archived != "all":
        archived = Q(pk__in=RunTag.objects.filter(key=run_tags.ARCHIVED).values("run"))
        rows = rows.filter(archived if wanted.archived else ~archived)
    words = filters.is_words(wanted.text)
    expression = None if words else filters.parse(wanted.text)
    # Everything is compiled once before anything is asked: a fault is found first.
    parts = [*_plain_parts(wanted), *(filter_queries.drivers(expression) if expression else ())]
    if expression:
        filter_queries.condition(expression)
    driver = _best(parts)
    if wanted.experiment:
        its = Experiment.objects.filter(experiment_id=wanted.experiment).values("pk")[:1]
        rows = rows.filter(experiment=its)
    if wanted.status:
        rows = rows.filter(status=wanted.status)
    if expression:
        rows = rows.filter(filter_queries.condition(expression, without=driver))
    elif text := wanted.text.strip():
        rows = rows.filter(Q(name__icontains=text) | Q(run_id__startswith=text.lower()))
    return Matches(rows, driver.ids if driver else None, expression)


def _plain_parts(wanted: RunFilter) -> Iterator[Driver]:
    if wanted.experiment:
        yield Driver((), Run.objects.filter(experiment__experiment_id=wanted.experiment).values("pk"))
    if wanted.status:
        yield Driver((), Run.objects.filter(status=wanted.status).values("pk"))


def _best(parts: list[Driver]) -> Driver | None:
    """Return the parts to collect by, as one; None if walking is likely to read less."""
    if not parts:
        return None
    sizes = [(part.ids.order_by()[: PROBED + 1].count(), part) for part in parts[:_MAX_PROBES]]
    size, narrowest = min(sizes, key=lambda one: one[0])
    if size > PROBED:
        return None
    total = max(Run.objects.aggregate(last=Max("pk"))["last"] or 0, 1)
    share = 1.0
    for number, _part in sizes:
        share *= min(number / total, 1)
    if size > FEW and size >= _PAGE / share:
        return None
    most = min(size * _CHEAPER, PROBED)
    others = [part for number, part in sizes if part is not narrowest and number <= most]
    # A plain column is read from the run itself in any case.
    return filter_queries.joined([narrowest, *(part for part in others if part.parts)])
