"""`manage.py sync_mlflow`: mirror everything that MLflow has now."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from experiments import sync
from experiments.sync import Report
from integrations.errors import IntegrationError


class Command(BaseCommand):
    """Reconciles the mirror of MLflow, or does one ordinary pass."""

    help = "Mirror MLflow's experiments, runs and metrics into the database."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="one quick pass instead of everything")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            report = sync.synchronise() if options["once"] else sync.reconcile(self._progress)
        except IntegrationError as error:
            raise CommandError(error.message) from None
        if report.error:
            raise CommandError(report.error)
        if report.busy:
            raise CommandError("Another pass is at work.")
        for problem in report.problems:
            self.stderr.write(problem)
        self.stdout.write(f"{report.written} runs written, histories of {report.series} read.")

    def _progress(self, total: Report) -> None:
        if total.written:
            self.stdout.write(f"{total.written} ...")
