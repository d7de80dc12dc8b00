"""Demo accounts: one per role, with random passwords that are made once and kept in a private file."""

import json
import os
import secrets
from pathlib import Path

from accounts import users
from accounts.models import User
from accounts.roles import Role

# Two reviewers, since whoever asks for a promotion cannot approve it.
ACCOUNTS: dict[str, list[Role]] = {
    "administrator": [Role.ADMINISTRATOR],
    "engineer": [Role.ENGINEER],
    "reviewer": [Role.REVIEWER],
    "second-reviewer": [Role.REVIEWER, Role.ENGINEER],
    "auditor": [Role.AUDITOR],
    "viewer": [Role.VIEWER],
}


def ensure(path: Path) -> dict[str, str]:
    """Create the accounts that are missing and return user name -> password.

    :param path: the file that keeps the passwords, readable by its owner only
    """
    passwords = _read(path)
    for name, roles in ACCOUNTS.items():
        if User.objects.filter(username=name).exists():
            continue
        passwords[name] = secrets.token_urlsafe(12)
        # Written before the account exists: an account whose password nobody knows would be useless.
        _write(path, passwords)
        users.create(name, passwords[name], roles, by=None, email=f"{name}@localhost")
    return {name: passwords[name] for name in ACCOUNTS if name in passwords}


def _read(path: Path) -> dict[str, str]:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def _write(path: Path, passwords: dict[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(passwords, file, indent=2)
    fresh.replace(path)
