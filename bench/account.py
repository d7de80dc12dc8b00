"""`python -m bench.account`: prints the cookie of somebody who may look at everything."""

import json
import secrets
import sys

import django
from django.conf import settings
from django.test import Client


def main() -> None:
    """Make a person and sign them in."""
    django.setup()
    from accounts import users
    from accounts.roles import Role

    name = f"benchmark-{secrets.token_hex(4)}"
    user = users.create(name, secrets.token_urlsafe(24), [Role.VIEWER], by=None, email="")
    client = Client()
    client.force_login(user)
    json.dump({"cookie": client.cookies[settings.SESSION_COOKIE_NAME].value}, sys.stdout)


if __name__ == "__main__":
    main()
