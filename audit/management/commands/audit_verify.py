"""`manage.py audit_verify`: the trail of the database against the checkpoints."""

import json
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audit import verification, verifier


class Command(BaseCommand):
    """Names the first fault, if there is one."""

    help = "Verify the audit trail. The exit status is 1 where something is wrong."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("--public-key", type=Path, help="PEM file with the keys to trust instead of ours")
        parser.add_argument("--json", action="store_true", help="print the outcome as JSON")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Verify.

        Raises:
            CommandError: the public key cannot be read.
        """
        report = verification.verify(_trusted(options["public_key"]))
        self.stdout.write(json.dumps(asdict(report)) if options["json"] else verifier.describe(report))
        if not report.ok:
            sys.exit(1)


def _trusted(path: Path | None) -> str:
    if path is None:
        return ""
    try:
        pem = path.read_text(encoding="utf-8")
        verifier.read_keys(pem)
    except (OSError, ValueError) as error:
        raise CommandError(f"The public key cannot be read: {error}", returncode=2) from error
    return pem
