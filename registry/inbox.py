"""The promotions by whose turn it is."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from django.db.models import Max, QuerySet
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.roles import Permission
from registry import member_rules, policies, promotion_people, selectors
from registry.models import Member, Policy, Promotion, Review
from registry.policy_rules import Rules

_Key = tuple[int | None, str]


@dataclass(frozen=True)
class Tab:
    """One tab of the inbox; `count` is None where counting says nothing (what is done only grows)."""

    key: str
    label: str
    rows: QuerySet[Promotion]
    count: int | None


def tabs(user: User, permissions: Collection[Permission]) -> list[Tab]:
    """Return the tabs as `user` sees them: their turn, somebody else's turn, done."""
    mine, others = split(user, permissions)
    done = selectors.promotions(user=user).exclude(state=Promotion.State.OPEN)
    return [
        Tab("needs-review", _("Needs my review"), mine, mine.count()),
        Tab("waiting", _("Waiting on others"), others, others.count()),
        Tab("done", _("Done"), done, None),
    ]


def split(user: User, permissions: Collection[Permission]) -> tuple[QuerySet[Promotion], QuerySet[Promotion]]:
    """Return the open promotions that wait for `user`, and those that wait for somebody else, oldest first.

    The first are those that `user` may decide about by role, part in the model and policy, and has not
    approved yet. Nine queries at most, whatever the numbers.

    :param permissions: what their roles let `user` do anywhere
    """
    waiting = selectors.open_promotions(user=user)
    mine = _decidable(user, permissions, waiting)
    return waiting.filter(pk__in=mine), waiting.exclude(pk__in=mine)


def needs_review_by(user: User, permissions: Collection[Permission]) -> QuerySet[Promotion]:
    """Return the open promotions that wait for `user`, the oldest first; see `split`."""
    return split(user, permissions)[0]


def _decidable(user: User, permissions: Collection[Permission], waiting: QuerySet[Promotion]) -> list[int]:
    parts = _parts(user)
    if Permission.PROMOTION_REVIEW not in permissions and not parts:
        return []
    rows = list(waiting.defer("evidence", "version__metadata", "version__inspection", "comment"))
    rows = [row for row in rows if _may_review(row, permissions, parts)]
    rules = _rules(rows)
    authors = promotion_people.authors(row.version for row in rows if rules[row.pk].author_requests)
    approved = _approved(user)
    return [
        row.pk
        for row in rows
        if (row.pk, row.evidence_digest) not in approved
        and not promotion_people.requesters_among(row, rules[row.pk], authors).reason_against(user)
        and not promotion_people.outside_groups(user, rules[row.pk])
    ]


def _parts(user: User) -> dict[int, set[str]]:
    found: dict[int, set[str]] = {}
    for model, part in Member.objects.filter(user=user).order_by().values_list("model", "part"):
        found.setdefault(model, set()).add(part)
    return found


def _may_review(
    row: Promotion, permissions: Collection[Permission], parts: Mapping[int, Collection[str]]
) -> bool:
    model = row.version.model
    granted = member_rules.granted(permissions, parts.get(model.pk, ()), restricted=model.restricted)
    return Permission.PROMOTION_REVIEW in granted


def _rules(rows: Iterable[Promotion]) -> dict[int, Rules]:
    """Return the rules that hold for each promotion now. One query."""
    newest = Policy.objects.order_by().values("model", "to_stage").annotate(newest=Max("pk"))
    found = Policy.objects.filter(pk__in=newest.values("newest"))
    current: dict[_Key, Policy] = {(policy.model_id, policy.to_stage): policy for policy in found}
    return {
        row.pk: policies.rules_of(
            current.get((row.version.model_id, row.to_stage)) or current.get((None, row.to_stage)),
            row.to_stage,
        )
        for row in rows
    }


def _approved(user: User) -> set[tuple[int, str]]:
    given = Review.objects.filter(
        reviewer=user, verdict=Review.Verdict.APPROVE, promotion__state=Promotion.State.OPEN
    )
    return set(given.values_list("promotion", "evidence_digest"))
