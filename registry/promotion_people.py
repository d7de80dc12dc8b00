"""Who is who in a promotion: those who asked for it, those who may decide it, and how many did."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from accounts import roles
from accounts.access import permissions_of
from accounts.models import User
from accounts.roles import Permission
from experiments.models import Job, Run
from registry import member_rules
from registry.models import Member, ModelVersion, Promotion, RegisteredModel, Review
from registry.policy_rules import Rules


@dataclass(frozen=True)
class Requesters:
    """Those who count as having asked for a promotion.

    Accounts are compared, and names: an account that was deleted and made anew under the same name is the
    same person.

    :ivar asked_id: account of the requester; None: it is deleted
    :ivar asked_name: lower case
    :ivar author_ids: accounts of the authors of the run, if the policy counts them
    :ivar author_names: lower case
    """

    asked_id: int | None
    asked_name: str
    author_ids: frozenset[int] = frozenset()
    author_names: frozenset[str] = frozenset()

    def reason_against(self, user: User) -> str:
        """Return why `user` cannot decide, empty if they can: a word for the trail."""
        name = user.username.casefold()
        if user.pk == self.asked_id or name == self.asked_name:
            return "requester"
        if user.pk in self.author_ids or name in self.author_names:
            return "run author"
        return ""


def requesters(promotion: Promotion, rules: Rules) -> Requesters:
    """Return who asked for `promotion`. Two queries if the author of the run counts, else none.

    The author is who MLflow names as the run's user, and who submitted the job that made it.
    """
    asked, name = promotion.requested_by_id, promotion.requested_by_name.casefold()
    if not rules.author_requests:
        return Requesters(asked, name)
    accounts, names = _authors(promotion.version)
    return Requesters(asked, name, accounts, names)


def _authors(version: ModelVersion) -> tuple[frozenset[int], frozenset[str]]:
    names, accounts = set(), set()
    for user, tags in Run.objects.filter(run_id=version.run_id).values_list("user", "tags"):
        names |= {user, str(tags.get("mlflow.user", ""))}
    number = str(version.lineage.get("stagegate.job", ""))
    # Nine digits fit into every database's integer.
    if number.isascii() and number.isdigit() and len(number) < 10:
        submitted = Job.objects.filter(pk=int(number)).values_list("submitted_by_id", "submitted_by_name")
        for account, name in submitted:
            names.add(name)
            accounts |= {account} if account else set()
    return frozenset(accounts), frozenset(name.casefold() for name in names if name)


def sentence_against(why: str) -> str:
    """Return what somebody is told whom `Requesters.reason_against` names."""
    if why == "run author":
        return _("You made the run behind this version, so another reviewer has to decide.")
    return _("Nobody reviews their own request. Another reviewer has to decide.")


def outside_groups(user: User, rules: Rules) -> str:
    """Return why the approvals of `user` do not count by the policy's groups; empty if they do. One query."""
    if not rules.groups:
        return ""
    if any(group.name in rules.groups for group in user.groups.all()):
        return ""
    return _("The policy counts reviews by members of these groups only: %(groups)s.") % {
        "groups": ", ".join(rules.groups)
    }


def different(reviews: Iterable[Review]) -> int:
    """Return by how many different people `reviews` are. No query.

    Two accounts with one name, of which the first was deleted, and one account with two names are one person.
    """
    accounts: set[int] = set()
    names: set[str] = set()
    count = 0
    for review in reviews:
        name = review.reviewer_name.casefold()
        known = name in names or review.reviewer_id in accounts
        count += not known
        names.add(name)
        if review.reviewer_id is not None:
            accounts.add(review.reviewer_id)
    return count


def who_may(permission: Permission, model: RegisteredModel) -> list[User]:
    """Return the active people who may do `permission` to `model`. Three queries."""
    names = [role.value for role in roles.roles_with(permission)]
    members = Member.objects.filter(model=model)
    candidates: QuerySet[User] = User.objects.filter(
        Q(groups__name__in=names) | Q(is_superuser=True) | Q(pk__in=members.values("user")), is_active=True
    )
    parts: dict[int, set[str]] = {}
    for user, part in members.order_by().values_list("user", "part"):
        parts.setdefault(user, set()).add(part)
    return [
        user
        for user in candidates.distinct().order_by("pk").prefetch_related("groups")
        if permission
        in member_rules.granted(permissions_of(user), parts.get(user.pk, ()), restricted=model.restricted)
    ]


def reviewers(promotion: Promotion, rules: Rules) -> list[User]:
    """Return the people who may decide `promotion`. Five queries."""
    asked = requesters(promotion, rules)
    return [
        user
        for user in who_may(Permission.PROMOTION_REVIEW, promotion.version.model)
        if not asked.reason_against(user) and not outside_groups(user, rules)
    ]
