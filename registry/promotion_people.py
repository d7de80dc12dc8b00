"""Who is who in a promotion: those who asked for it, those who may decide it, and how many did."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from accounts import roles
from accounts.access import permissions_of
from accounts.models import User
from accounts.roles import Permission
from experiments.models import Job, Run
from registry import member_rules, version_sources
from registry.models import Member, ModelVersion, Promotion, RegisteredModel, Review
from registry.policy_rules import Rules

# Why somebody cannot decide, as the trail says it.
REQUESTER, AUTHOR = "requester", "run author"


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
            return REQUESTER
        if user.pk in self.author_ids or name in self.author_names:
            return AUTHOR
        return ""


@dataclass(frozen=True)
class Authors:
    """Who made the run behind a version: accounts, and names in lower case."""

    ids: frozenset[int] = frozenset()
    names: frozenset[str] = frozenset()


def requesters(promotion: Promotion, rules: Rules) -> Requesters:
    """Return who asked for `promotion`. Two queries if the author of the run counts, else none."""
    found = {promotion.version_id: _author(promotion.version)} if rules.author_requests else {}
    return requesters_among(promotion, rules, found)


def requesters_among(promotion: Promotion, rules: Rules, found: Mapping[int, Authors]) -> Requesters:
    """Return who asked for `promotion`.

    :param found: id of a version -> who made its run, see `authors`
    """
    made = found.get(promotion.version_id, Authors()) if rules.author_requests else Authors()
    asked = promotion.requested_by_name.casefold()
    return Requesters(promotion.requested_by_id, asked, made.ids, made.names)


def _author(version: ModelVersion) -> Authors:
    run, job = version_sources.runs_of(version).get(version.run_id), version_sources.job_of(version)
    names = {run.user, str(run.tags.get("mlflow.user", ""))} if run else set()
    return _made_by(names, (job.submitted_by_id, job.submitted_by_name) if job else None)


def authors(versions: Iterable[ModelVersion]) -> dict[int, Authors]:
    """Return by its id who made the run behind each version. Two queries.

    These are whom MLflow names as the user of the run, and who submitted the job that made it.
    """
    found = list(versions)
    jobs = {version.pk: _job_number(version) for version in found}
    runs = {version.pk: version.run_id for version in found}
    users: dict[str, set[str]] = {}
    for run_id, user, tags in Run.objects.filter(run_id__in=set(runs.values())).values_list(
        "run_id", "user", "tags"
    ):
        users[run_id] = {user, str(tags.get("mlflow.user", ""))}
    rows = Job.objects.filter(pk__in=set(jobs.values()) - {0})
    submitted = {
        number: (account, name)
        for number, account, name in rows.values_list("pk", "submitted_by_id", "submitted_by_name")
    }
    return {
        version: _made_by(users.get(runs[version], set()), submitted.get(jobs[version])) for version in jobs
    }


def _made_by(names: set[str], submitter: tuple[int | None, str] | None) -> Authors:
    account, name = submitter or (None, "")
    known = {one.casefold() for one in {*names, name} if one}
    return Authors(frozenset({account} if account else ()), frozenset(known))


def _job_number(version: ModelVersion) -> int:
    """Return the number of the job that made the run; 0 if none is named."""
    number = str(version.lineage.get("stagegate.job", ""))
    # Nine digits fit into every database's integer.
    return int(number) if number.isascii() and number.isdigit() and len(number) < 10 else 0


def sentence_against(why: str) -> str:
    """Return what somebody is told whom `Requesters.reason_against` names."""
    if why == AUTHOR:
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
