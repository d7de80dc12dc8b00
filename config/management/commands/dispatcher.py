"""`manage.py dispatcher`: runs the process that announces jobs to the workers."""

from typing import Any

from django.core.management.base import BaseCommand

from config.celery import app
from experiments.dispatcher import Dispatcher
from experiments.job_messages import Broker
from integrations import process_privacy


class Command(BaseCommand):
    """Runs until SIGTERM or SIGINT."""

    # The checks load every page; whoever starts the web server has them run.
    requires_system_checks: list[str] = []

    help = "Announce jobs to the workers, reap lost ones, keep asking for the mirror of MLflow."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Work for ever."""
        if problem := process_privacy.close_to_others():
            self.stderr.write(f"Stages may read the environment of the dispatcher: {problem}")
        Dispatcher(Broker(app)).run()
