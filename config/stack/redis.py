"""Becomes the embedded Redis server: `python -m config.stack.redis`."""

import os
from pathlib import Path

from config import settings
from config.stack.services import redis_command
from integrations.redis_server import redis_executable


def main() -> None:
    """Replace this process by redis-server."""
    socket = Path(settings.REDIS_URL.removeprefix("redis+socket://"))
    socket.parent.mkdir(parents=True, exist_ok=True)
    socket.unlink(missing_ok=True)
    command = redis_command(str(redis_executable()), socket.parent, socket)
    os.execv(command[0], command)  # noqa: S606 - no shell on purpose


if __name__ == "__main__":
    main()
