"""Command that makes and collects the static files, and compiles the message catalogues."""

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from config import catalogues, collected, static_build


class Command(BaseCommand):
    """`manage.py build_static`: idempotent, and quick when nothing changed."""

    help = (
        "Make static/vendor/ from node_modules/ and our sources, collect everything with hashed names, and "
        "compile locale/."
    )
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Build, then collect unless STATIC_ROOT is current."""
        try:
            changed = [*static_build.build(settings.BASE_DIR), *catalogues.build(settings.BASE_DIR)]
        except static_build.BuildError as error:
            raise CommandError(str(error)) from error
        for path in changed:
            self.stdout.write(f"  {path.relative_to(settings.BASE_DIR)}")
        state = collected.fingerprint()
        if collected.is_current(state):
            return
        call_command("collectstatic", interactive=False, verbosity=0, ignore_patterns=collected.NOT_SERVED)
        collected.mark(state)
        self.stdout.write("  Static files are collected.")
