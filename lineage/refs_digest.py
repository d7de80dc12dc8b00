"""Whether branches or tags of a repository moved."""

import hashlib

from experiments.models import Repository

#: What is read of commits; another number has each repository indexed once more.
_READING = 3


def refs_digest(repository: Repository) -> str:
    """Return a hash of branches and tags as last fetched, and of what is read of them.

    The same means nothing to index. One query.
    """
    rows = repository.refs.order_by("kind", "name").values_list("kind", "name", "commit__sha")
    return hashlib.sha256(repr([_READING, *rows]).encode("utf-8", "replace")).hexdigest()
