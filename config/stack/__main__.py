"""`python -m config.stack`: set up what is missing, start everything, say where it is."""

import os
import sys


def main() -> int:
    """Start the stack and stay until it ends; return the exit status for the shell."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.core.exceptions import ImproperlyConfigured

    from config.stack import run
    from config.stack.preflight import StartError

    try:
        return run.start(demo="--no-demo" not in sys.argv[1:])
    except (StartError, ImproperlyConfigured) as error:
        sys.stderr.write(f"Stagegate cannot start: {error}\n")
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    raise SystemExit(main())
