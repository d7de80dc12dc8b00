"""`manage.py reconcile`: compare all of MLflow's registered models with what was decided here, once."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from integrations.errors import IntegrationError
from registry import reconciler

_SECONDS = 3600.0


class Command(BaseCommand):
    """Does one whole pass of the reconciler and says what it found."""

    help = "Compare MLflow's registered models with the database, adopt what is new, and report drift."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            report = reconciler.reconcile(everything=True, budget=_SECONDS)
        except IntegrationError as error:
            raise CommandError(error.message) from None
        for problem in report.problems:
            self.stderr.write(problem)
        for drift in report.opened:
            self.stdout.write(f"Drift: {drift}")
        for drift in report.closed:
            self.stdout.write(f"Gone: {drift}")
        self.stdout.write(
            f"{report.compared} models compared, {report.adopted} versions adopted, "
            f"{len(report.opened)} differences found, {len(report.closed)} gone."
        )
