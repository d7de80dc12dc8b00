"""`manage.py create_user`: the first administrator, or anybody, from the command line; audited."""

import getpass
import secrets
from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from accounts import users
from accounts.roles import Role


class Command(BaseCommand):
    """Creates a person who can sign in."""

    help = "Create a user. Asks for the password, or makes one up and prints it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("username")
        parser.add_argument("--role", action="append", default=[], choices=list(Role), dest="roles")
        parser.add_argument("--email", default="")
        parser.add_argument("--random-password", action="store_true", help="make one up and print it")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Create the user.

        Raises:
            CommandError: a value is not acceptable; says which and why.
        """
        made_up = options["random_password"]
        password = secrets.token_urlsafe(12) if made_up else getpass.getpass("Password: ")
        try:
            user = users.create(
                options["username"], password, options["roles"], by=None, email=options["email"]
            )
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        self.stdout.write(f"Created {user.username}." + (f" Password: {password}" if made_up else ""))
