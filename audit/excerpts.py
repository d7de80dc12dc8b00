"""Some entries of the trail, each with the proof that a checkpoint has signed it."""

from collections.abc import Iterable, Iterator

from audit import rows
from audit.merkle import Tree
from audit.models import AuditEntry
from audit.rows import Record
from audit.verifier import Checkpoint, Checkpoints


def lines(records: Iterable[Record], read: Checkpoints) -> Iterator[str]:
    """Yield a line for each of `records` that a checkpoint covers; what came after the last one is left out.

    One query for each checkpoint on the way; the hashes of one stretch are in memory at a time.

    Args:
        records: entries in the order of their numbers, as `audit.rows` reads them.
        read: the checkpoints, as `audit.checkpoint_files` reads them.
    """
    marks = iter(read.marks)
    mark: Checkpoint | None = None
    tree: Tree | None = None
    for record in records:
        while mark is None or mark.sequence < record["sequence"]:
            mark, tree = next(marks, None), None
            if mark is None:
                return
        tree = tree or Tree(_hashes(mark))
        proof = {"checkpoint": mark.sequence, "path": tree.path(record["sequence"] - mark.first)}
        yield rows.line(record | {"proof": proof})


def _hashes(mark: Checkpoint) -> list[str]:
    between = AuditEntry.objects.filter(sequence__gte=mark.first, sequence__lte=mark.sequence)
    return list(between.order_by("sequence").values_list("hash", flat=True))
