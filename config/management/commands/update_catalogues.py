"""Command that brings the message catalogues to what the sources say."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from config import catalogues


class Command(BaseCommand):
    """`manage.py update_catalogues`: for whoever adds or changes a text; needs no GNU gettext."""

    help = "Extract the messages of the sources into locale/, and say what is left to translate."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Update each catalogue and name what has no translation yet."""
        for path in catalogues.update(settings.BASE_DIR):
            self.stdout.write(f"  {path.relative_to(settings.BASE_DIR)}")
            for message in catalogues.untranslated(catalogues.read(path)):
                self.stdout.write(f"    {message.id!r}")
