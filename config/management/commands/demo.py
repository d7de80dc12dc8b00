"""`python manage.py demo`: create the demo, and stay until it is complete."""

import subprocess
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.management.base import BaseCommand, CommandError

from config.demo import people, story
from config.stack.console import say


class Command(BaseCommand):
    """Creates the demo people, project, jobs, versions and promotions. Safe to repeat."""

    help = "Create the demo (people, a DVC project, real jobs, versions, a waiting promotion)."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            _introduce(people.ensure(settings.DATA_DIR / "demo" / "accounts.json"))
            story.prepare(settings.DATA_DIR, _progress)
            _progress("the pipelines run as jobs; watch them under Jobs")
            story.tell(_progress)
        except subprocess.CalledProcessError as error:
            reason = (error.stderr or error.stdout or "").strip().splitlines()[-1:]
            raise CommandError(
                f"The demo project could not be made: {' '.join(error.cmd)}: {reason}"
            ) from error
        except (story.DemoError, ValidationError, PermissionDenied) as error:
            raise CommandError(f"The demo cannot go on: {error}") from error
        say("  The demo is complete.")


def _introduce(passwords: dict[str, str]) -> None:
    say("\n  Sign in as")
    for name, password in passwords.items():
        say(f"    {name:<16} {password}")
    say()


def _progress(text: str) -> None:
    say(f"  demo        {text}")
