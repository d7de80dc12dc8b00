"""`manage.py audit_export`: the trail with everything that it takes to verify it elsewhere; audited."""

from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from audit import bundle, checkpoint_files, checkpoint_keys, checkpoints, excerpts, rows, trail, verifier
from audit.events import Event
from audit.models import AuditEntry

_TARGET = trail.Target("audit", "trail", "audit trail")


class Command(BaseCommand):
    """Writes entries, checkpoints, public key and verifier."""

    help = "Export the audit trail into a new folder, or a new archive where the name ends with .zip."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("target", type=Path)
        parser.add_argument("--first", type=int, default=0, help="number of the first entry of an excerpt")
        parser.add_argument("--last", type=int, default=0, help="number of the last entry of an excerpt")
        parser.add_argument("--model", default="", help="an excerpt of what concerns this registered model")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Export.

        Raises:
            CommandError: the target is there already or cannot be written.
        """
        target: Path = options["target"]
        if target.exists():
            raise CommandError(f"{target} is there already.")
        wanted = {name: options[name] for name in ("first", "last", "model") if options[name]}
        with transaction.atomic():
            data = {"format": "bundle", "filter": wanted}
            head = trail.record(Event.AUDIT_EXPORTED, actor=trail.SYSTEM, target=_TARGET, data=data).sequence
        self._sign()
        lines = _excerpt(wanted) if wanted else map(rows.line_of_any, rows.records(until=head))
        try:
            write = bundle.into_zip if target.suffix == ".zip" else bundle.into_folder
            write(target, bundle.parts(lines))
        except OSError as error:
            raise CommandError(f"{target} cannot be written: {error.strerror}.") from error
        self.stdout.write(f"Exported to {target}.")

    def _sign(self) -> None:
        """Sign up to here. A trail that cannot be signed is exported all the same: it is evidence."""
        try:
            checkpoints.make()
        except (checkpoints.CheckpointError, checkpoint_keys.KeyFileError, OSError) as error:
            self.stderr.write(f"No checkpoint was made: {error}")


def _excerpt(wanted: dict[str, Any]) -> Iterator[str]:
    found = AuditEntry.objects.order_by("sequence")
    if "first" in wanted:
        found = found.filter(sequence__gte=wanted["first"])
    if "last" in wanted:
        found = found.filter(sequence__lte=wanted["last"])
    if "model" in wanted:
        found = found.filter(model_name=wanted["model"])
    records: Iterable[rows.Record] = map(rows.of_entry, found.iterator(chunk_size=2000))
    try:
        read = checkpoint_files.read()
    except verifier.FaultError as fault:
        raise CommandError(f"The checkpoints are not what was written: {fault.reason}.") from fault
    return excerpts.lines(records, read)
