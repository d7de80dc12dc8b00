"""Whether branches or tags of a repository moved."""

import hashlib

from experiments.models import Repository


def refs_digest(repository: Repository) -> str:
    """Return a hash of branches and tags as last fetched; the same means nothing to index. One query."""
    rows = repository.refs.order_by("kind", "name").values_list("kind", "name", "commit__sha")
    return hashlib.sha256(repr(list(rows)).encode("utf-8", "replace")).hexdigest()
