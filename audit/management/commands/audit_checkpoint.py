"""`manage.py audit_checkpoint`: make a checkpoint now, or let a new key take over."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audit import checkpoint_keys, checkpoints


class Command(BaseCommand):
    """Signs what was recorded since the last checkpoint."""

    help = "Sign the audit trail up to now; workers do it every two minutes by themselves."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("--rotate-key", action="store_true", help="let a new key take over afterwards")
        parser.add_argument(
            "--despite-loss",
            action="store_true",
            help="go on although checkpoints that the trail tells of are gone; verifiers still say so",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Sign.

        Raises:
            CommandError: it must not or cannot be signed; says why.
        """
        try:
            made = checkpoints.make(despite_loss=options["despite_loss"])
            new_key = checkpoints.rotate() if options["rotate_key"] else ""
        except (checkpoints.CheckpointError, checkpoint_keys.KeyFileError, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Signed up to entry {made.sequence}." if made else "Nothing new to sign.")
        if new_key:
            self.stdout.write(f"Key {new_key} signs from now on. Give auditors the new public_key.pem.")
