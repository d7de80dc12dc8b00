"""`manage.py dispatcher`: runs the process that announces jobs to the workers."""

from typing import Any

from django.core.management.base import BaseCommand

from config.celery import app
from experiments.dispatcher import Dispatcher
from experiments.job_messages import Broker


class Command(BaseCommand):
    """Runs until SIGTERM or SIGINT."""

    # The checks load every page; whoever starts the web server has them run.
    requires_system_checks: list[str] = []

    help = "Announce jobs to the workers, reap lost ones, keep asking for the mirror of MLflow."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Work for ever."""
        Dispatcher(Broker(app)).run()
