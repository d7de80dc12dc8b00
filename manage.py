#!/usr/bin/env python
"""Command-line entry of the Django project."""

import os
import sys


def main() -> None:
    """Run the management command named on the command line."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        # A wrong variable is the operator's to mend: one line tells more than a traceback.
        sys.stderr.write(f"Stagegate cannot start: {error}\n")
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
