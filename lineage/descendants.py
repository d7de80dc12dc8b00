"""Which commits contain a commit: itself, and every one that has it among its ancestors."""

from collections import defaultdict
from collections.abc import Collection

from django.db.models import TextField
from django.db.models.functions import Cast

from lineage.models import HistoryCommit

#: Commits that are read of one repository, the newest.
LIMIT = 250_000
_CHUNK = 5_000


def of(shas: Collection[str]) -> tuple[set[str], bool]:
    """Return the commits that contain one of `shas`, in all repositories; and whether that is all.

    One query, and one for each of these repositories.
    """
    found, complete = set(shas), True
    homes: dict[int, set[str]] = defaultdict(set)
    known = HistoryCommit.objects.filter(sha__in=shas).order_by()
    for repository, sha in known.values_list("repository", "sha"):
        homes[repository].add(sha)
    for repository, wanted in homes.items():
        children, is_all = _children(repository)
        found |= _below(wanted, children)
        complete &= is_all
    return found, complete


def _children(repository: int) -> tuple[dict[str, list[str]], bool]:
    # As text: to parse that many JSON documents takes longer than to read them.
    rows = HistoryCommit.objects.filter(repository=repository).order_by("-pk")
    told = rows.values_list("sha", Cast("parents", TextField()))[: LIMIT + 1]
    children: dict[str, list[str]] = defaultdict(list)
    count = 0
    for sha, parents in told.iterator(chunk_size=_CHUNK):
        count += 1
        for parent in parents.split('"')[1::2]:
            children[parent].append(sha)
    return children, count <= LIMIT


def _below(wanted: Collection[str], children: dict[str, list[str]]) -> set[str]:
    found, waiting = set(wanted), list(wanted)
    while waiting:
        for child in children.get(waiting.pop(), ()):
            if child not in found:
                found.add(child)
                waiting.append(child)
    return found
